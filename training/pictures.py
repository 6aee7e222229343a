# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Picture files and contact sheets."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from files import written_whole

LABEL_HEIGHT = 14


def read_picture(path: Path) -> np.ndarray:
    """Decodes the whole file: `[H, W]` or `[H, W, 3]`, uint8 or uint16."""
    with Image.open(path) as image:
        if image.mode in ("RGBA", "LA", "P", "CMYK", "YCbCr"):
            image = image.convert("RGB" if image.mode != "LA" else "L")
        pixels = np.array(image)
    if pixels.dtype in (np.int32, np.uint32):  # Pillow's mode I, from a 16-bit grey file
        pixels = pixels.astype(np.uint16)
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    return pixels


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Written beside and moved into place: a reader never sees half a file."""
    form = "JPEG" if path.suffix.lower() in (".jpg", ".jpeg") else "PNG"
    options = {"quality": 93, "subsampling": 0} if form == "JPEG" else {}
    with written_whole(path) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format=form, **options)


def as_bytes(picture) -> np.ndarray:
    """A `[3, H, W]` tensor of 0..1 as `[H, W, 3]` bytes."""
    return (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def depth_picture(depth: np.ndarray) -> np.ndarray:
    """Metres as a grey picture for eyes: near is bright, sky is black."""
    near = np.where(depth > 0, 255 / (1 + depth / 4), 0)
    return np.repeat(near.astype(np.uint8)[..., None], 3, 2)


def contact_sheet(rows: list[list[tuple[str, np.ndarray]]], cell: int = 192) -> np.ndarray:
    """Rows of labelled pictures `[H, W, 3]`, each scaled to `cell` pixels of width."""
    if not rows:
        return np.zeros((1, 1, 3), np.uint8)
    columns = max(len(row) for row in rows)
    first = rows[0][0][1]
    height = max(1, round(first.shape[0] * cell / first.shape[1]))
    sheet = Image.new("RGB", (columns * cell, len(rows) * (height + LABEL_HEIGHT)))
    draw = ImageDraw.Draw(sheet)
    for y, row in enumerate(rows):
        for x, (label, pixels) in enumerate(row):
            image = Image.fromarray(np.ascontiguousarray(pixels)).resize((cell, height))
            top = y * (height + LABEL_HEIGHT)
            sheet.paste(image, (x * cell, top + LABEL_HEIGHT))
            draw.text((x * cell + 2, top), label, fill=(220, 220, 220))
    return np.asarray(sheet)
