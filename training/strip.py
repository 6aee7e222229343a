# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One frame as a strip: its G-buffer, what was rendered of it, the reference. Makes README's pictures.

    python training/strip.py Clips/atrium-flight --rendered SERVED --frame 12 --to strip.jpg
    python training/strip.py DATA/demo/fly00 --rendered BEFORE AFTER --frame 4 \\
        --crop 40 250 128 128 --scale 2 --to crops.jpg
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from clip_files import ClipError
from dataset import add_encoding_options, encodings_from, load
from evaluate import served_pictures
from pictures import as_bytes, depth_picture, write_picture

GAP = 4  # pixels of white between two pictures


def strip(pictures: list[np.ndarray], crop: list[int] | None, scale: int) -> np.ndarray:
    """`[H, W, 3]` pictures side by side, each cut to `crop` (x, y, width, height) and enlarged by
    repeating its pixels, so that nothing looks softer or sharper than it is."""
    parts = []
    for picture in pictures:
        if crop:
            x, y, width, height = crop
            picture = picture[y:y + height, x:x + width]
        if parts:
            parts.append(np.full((picture.shape[0] * scale, GAP, 3), 255, np.uint8))
        parts.append(picture.repeat(scale, 0).repeat(scale, 1))
    return np.concatenate(parts, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, help="Folder of one clip with its reference.")
    parser.add_argument("--rendered", type=Path, nargs="+", required=True,
                        help="Folders of pictures of the whole clip, each a column.")
    parser.add_argument("--frame", type=int, default=0, help="Counted from 0.")
    parser.add_argument("--planes", action="store_true", help="Normals and depth too.")
    parser.add_argument("--crop", type=int, nargs=4, metavar=("X", "Y", "WIDTH", "HEIGHT"))
    parser.add_argument("--scale", type=int, default=1, help="Enlarges by a whole number.")
    parser.add_argument("--to", type=Path, required=True, help="A PNG or JPG file.")
    add_encoding_options(parser)
    options = parser.parse_args()
    try:
        clip = load(options.clip, encodings_from(options))[0]
        if not 0 <= options.frame < len(clip):
            raise ClipError([f"{options.clip}: has frames 0 to {len(clip) - 1}, not "
                             f"{options.frame}"])
        rendered = [served_pictures(folder, clip)[options.frame] for folder in options.rendered]
    except ClipError as error:
        print(f"strip: {error}", file=sys.stderr)
        return 1
    frame = clip.frame(options.frame)
    columns = [as_bytes(frame.base[0])]
    if options.planes:
        columns += [as_bytes(frame.normal[0] / 2 + 0.5), depth_picture(frame.depth[0].numpy())]
    columns += [as_bytes(picture[0]) for picture in rendered] + [as_bytes(frame.picture[0])]
    picture = strip(columns, options.crop, options.scale)
    options.to.parent.mkdir(parents=True, exist_ok=True)
    write_picture(options.to, picture)
    print(f"{options.to}: {picture.shape[1]}x{picture.shape[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
