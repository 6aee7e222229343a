# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes Tests/ClipTable/clips.json: small clips, written in every way that docs/clips.md speaks of,
each with the planes that it holds or the sentence that refuses it. FrameClip and clip.py are both
tested with it, so that what trains also plays, and the reverse.

    python training/make_clip_table.py [--to FILE]

What is expected is written down here from the arrays that the files are made of, not read back.
"""
import argparse
import base64
import json
from pathlib import Path

import numpy as np

from clip_table.cameras import add_cameras
from clip_table.cases import CASES, HEIGHT, WIDTH, Sound
from clip_table.colors import add_colors
from clip_table.encodings import add_encodings
from clip_table.names import add_names
from clip_table.pixels import add_damage, add_pixels

TABLE = Path(__file__).resolve().parents[1] / "Tests" / "ClipTable" / "clips.json"


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the table of test clips.")
    parser.add_argument("--to", type=Path, default=TABLE, help="The file to write.")
    options = parser.parse_args()
    for add in (add_names, add_pixels, add_damage, add_colors, add_cameras, add_encodings):
        add()
    sound = Sound()
    planes = [{plane: base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()
               for plane, pixels in frame.items()} for frame in sound.answer]
    options.to.parent.mkdir(parents=True, exist_ok=True)
    options.to.write_text(json.dumps(
        {"size": [WIDTH, HEIGHT],
         "sound": {name: base64.b64encode(content).decode()
                   for name, content in sound.files.items()},
         "planes": planes, "clips": CASES}, indent=0) + "\n")
    print(f"{options.to}: {len(CASES)} clips, {sum('refusal' in c for c in CASES.values())} of "
          "them refused")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
