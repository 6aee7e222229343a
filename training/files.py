# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Files that a reader never sees half written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write: a file beside `path`, which is moved into its place at the end. After an error
    `path` is as it was."""
    temporary = path.with_name(path.name + ".tmp")
    yield temporary
    os.replace(temporary, path)
