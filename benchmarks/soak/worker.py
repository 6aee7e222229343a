# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One client in a process of its own: runs until SIGTERM, then prints what it has to say as JSON.

    python benchmarks/soak/worker.py KIND SOCKET OPTIONS

OPTIONS is a JSON object, each of whose members is the kind's own.
"""
from __future__ import annotations

import json
import sys

from hostile import (computing, control, crashing, garbage, hostile, noclose, opening, oversized,
                     reconnecting, resetting)
from lifetime import Stop, end_with_parent
from playing import bursty, good, greedy, slow

KINDS = {kind.__name__: kind for kind in (
    good, bursty, slow, crashing, reconnecting, noclose, garbage, oversized, greedy, resetting,
    opening, control, hostile, computing)}

if __name__ == "__main__":
    end_with_parent()
    name, path, options = sys.argv[1:]
    json.dump(KINDS[name](path, json.loads(options), Stop()), sys.stdout)
