# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""PNG and JPEG files as docs/clips.md describes them: told by their content, every bit kept, and
refused with the very sentence that the Swift reader (FrameClip) has for the same file."""

import struct
import zlib
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import Image

from color_statement import ColorStatement, statement_of_jpeg, statement_of_png

MAX_SIDE = 16384
Image.MAX_IMAGE_PIXELS = None  # sides are checked here, before anything is unpacked
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # by PNG's color type; a palette holds RGB
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
NAMES = ["grey", "grey with alpha", "RGB", "RGBA"]
# What else is found under the name of a picture, by its first bytes.
FOREIGN = [(b"v/1\x01", "an OpenEXR file"), (b"\x76\x2f\x31\x01", "an OpenEXR file"),
           (b"II*\0", "a TIFF file"), (b"MM\0*", "a TIFF file"), (b"GIF8", "a GIF file"),
           (b"BM", "a BMP file"), (b"#?RADIANCE", "a Radiance HDR file"),
           (b"DDS ", "a DDS file"), (b"\x93NUMPY", "a NumPy file"),
           (b"version https://git-lfs", "a Git LFS pointer, not the file itself")]


class PictureError(Exception):
    """What is wrong with a file, as a sentence without the file's name."""


@dataclass
class Header:
    """What a file says before its pixels."""

    kind: str  # "PNG" or "JPEG"
    width: int
    height: int
    channels: int  # 1 grey, 2 grey with alpha, 3 RGB, 4 RGBA
    bits: int  # as stored: 1, 2, 4, 8 or 16
    is_palette: bool = False
    is_interlaced: bool = False
    color: ColorStatement = field(default_factory=ColorStatement)

    @property
    def pixels(self) -> str:
        """As sentences say it: "16-bit grey"."""
        return f"{self.bits}-bit " + ("palette" if self.is_palette else NAMES[self.channels - 1])


def read_header(file: bytes) -> Header:
    """Raises `PictureError` for what is no whole PNG and no JPEG."""
    if not file:
        raise PictureError("is empty")
    if file.startswith(PNG_SIGNATURE):
        header = png_header(file)
    elif file.startswith(b"\xff\xd8\xff"):
        header = jpeg_header(file)
    else:
        raise PictureError(foreign_sentence(file))
    if max(header.width, header.height) > MAX_SIDE:
        raise PictureError(f"is {header.width}x{header.height} pixels; a side has at most "
                           f"{MAX_SIDE}")
    return header


def foreign_sentence(file: bytes) -> str:
    for start, name in FOREIGN:
        if file.startswith(start):
            return f"is {name}; PNG and JPEG are read"
    if file.startswith(b"RIFF") and file[8:12] == b"WEBP":
        return "is a WebP file; PNG and JPEG are read"
    return "is neither a PNG nor a JPEG file"


# PNG


def png_chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    """Type and data of every chunk, checked to the last one."""
    chunks, at = [], 8
    while at + 12 <= len(file):
        length, = struct.unpack_from(">I", file, at)
        kind, end = file[at + 4:at + 8], at + 12 + length
        if length > 0x7fffffff or end > len(file):
            break
        if zlib.crc32(file[at + 4:end - 4]) != struct.unpack_from(">I", file, end - 4)[0]:
            name = "".join(chr(c) if 33 <= c < 127 else "?" for c in kind)
            raise PictureError(f"is no whole PNG file: the checksum of {name} is wrong")
        chunks.append((kind, file[at + 8:end - 4]))
        at = end
        if kind == b"IEND":
            return chunks
    raise PictureError("is no whole PNG file: it ends early")


def png_header(file: bytes) -> Header:
    chunks = png_chunks(file)
    kind, data = chunks[0]
    wrong = PictureError("is no whole PNG file: its header is wrong")
    if kind != b"IHDR" or len(data) != 13:
        raise wrong
    width, height, bits, color, compression, filters, interlace = struct.unpack(">IIBBBBB", data)
    if not (width and height and bits in DEPTHS.get(color, ()) and compression == 0
            and filters == 0 and interlace <= 1):
        raise wrong
    palettes = [d for k, d in chunks if k == b"PLTE"]
    if not any(k == b"IDAT" for k, _ in chunks) or color == 3 and (
            len(palettes) != 1 or not palettes[0] or len(palettes[0]) % 3):
        raise wrong
    return Header("PNG", width, height, CHANNELS[color], bits, color == 3, interlace == 1,
                  statement_of_png(chunks))


def decode(file: bytes, header: Header) -> np.ndarray:
    """`[H, W, channels]`, uint8 (less than 8 bits are spread over 0..255) or uint16."""
    if header.kind == "PNG":
        rows = png_rows(file, header)  # Pillow leaves what is missing black
        if header.bits == 16 and header.channels > 1:
            return png_pixels(rows, header)
    try:
        with Image.open(BytesIO(file)) as image:
            if header.is_palette:
                image = image.convert("RGB")
            elif header.bits < 8:
                image = image.convert("L")
            pixels = np.array(image)
    except (OSError, ValueError, SyntaxError) as error:  # Pillow raises all three
        raise PictureError(broken_sentence(header)) from error
    if header.bits == 16:
        pixels = pixels.astype(np.uint16)
    pixels = pixels.reshape(header.height, header.width, -1)
    if pixels.shape[2] != header.channels:
        raise PictureError(broken_sentence(header))
    return pixels


def broken_sentence(header: Header) -> str:
    return "is no whole JPEG file" if header.kind == "JPEG" else \
        "is no whole PNG file: its pixels cannot be unpacked"


def png_passes(header: Header) -> list[tuple[int, int, int, int, int, int]]:
    """Where each pass begins and steps (x, y, dx, dy), its rows and the pixels of one."""
    passes = [(0, 0, 1, 1)] if not header.is_interlaced else [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2)]
    shapes = [(x, y, dx, dy, -(-(header.height - y) // dy), -(-(header.width - x) // dx))
              for x, y, dx, dy in passes]
    return [shape for shape in shapes if shape[4] > 0 and shape[5] > 0]


def png_rows(file: bytes, header: Header) -> bytes:
    """The filtered rows of all passes, of which none may be missing."""
    bits = header.bits * (1 if header.is_palette else header.channels)
    wanted = sum(h * (1 + (w * bits + 7) // 8) for *_, h, w in png_passes(header))
    packed = b"".join(data for kind, data in png_chunks(file) if kind == b"IDAT")
    try:
        rows = zlib.decompressobj().decompress(packed, wanted)
    except zlib.error as error:
        raise PictureError(broken_sentence(header)) from error
    if len(rows) < wanted:
        raise PictureError(broken_sentence(header))
    return rows


def png_pixels(rows: bytes, header: Header) -> np.ndarray:
    """16 bits in more than one channel, which Pillow cuts down to 8."""
    size = header.channels * 2
    picture = np.zeros((header.height, header.width, size), np.uint8)
    at = 0
    for x, y, dx, dy, h, w in png_passes(header):
        part = np.frombuffer(rows, np.uint8, h * (1 + w * size), at).reshape(h, -1)
        picture[y::dy, x::dx] = unfiltered(part[:, 0], part[:, 1:].reshape(h, w, size), header)
        at += h * (1 + w * size)
    return picture.view(">u2").astype(np.uint16)


def unfiltered(filters: np.ndarray, rows: np.ndarray, header: Header) -> np.ndarray:
    """Undoes PNG's filters along diagonals, in which no pixel needs another one of the same."""
    if filters.max() > 4:
        raise PictureError(broken_sentence(header))
    height, width, size = rows.shape
    # A border of zeros above and to the left.
    out = np.zeros((height + 1, width + 1, size), np.int16)
    for diagonal in range(height + width - 1):
        y = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        x = diagonal - y
        left, up, corner = out[y + 1, x], out[y, x + 1], out[y, x]
        near = left + up - corner
        to_left, to_up, to_corner = abs(near - left), abs(near - up), abs(near - corner)
        paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left,
                         np.where(to_up <= to_corner, up, corner))
        kind = filters[y][:, None]
        guess = np.select([kind == 1, kind == 2, kind == 3, kind == 4],
                          [left, up, (left + up) // 2, paeth], 0)
        out[y + 1, x + 1] = rows[y, x] + guess & 255
    return out[1:, 1:].astype(np.uint8)


# JPEG


def jpeg_header(file: bytes) -> Header:
    """From the frame header of the file, whose samples are read as RGB or grey."""
    broken = PictureError("is no whole JPEG file")
    at, profile = 2, {}
    while at + 4 <= len(file):
        if file[at] != 0xff:
            raise broken
        marker = file[at + 1]
        if marker == 0xff:
            at += 1
            continue
        if marker == 1 or 0xd0 <= marker <= 0xd9:
            raise broken
        length, = struct.unpack_from(">H", file, at + 2)
        data = file[at + 4:at + 2 + length]
        if length < 2 or len(data) < length - 2 or marker == 0xda:
            raise broken
        if marker == 0xe2 and data.startswith(b"ICC_PROFILE\0") and len(data) > 14:
            profile[data[12]] = data[14:]
        if 0xc0 <= marker <= 0xcf and marker not in (0xc4, 0xc8, 0xcc):
            break
        at += 2 + length
    else:
        raise broken
    if len(data) < 6:
        raise broken
    bits, height, width, channels = struct.unpack_from(">BHHB", data)
    if bits != 8 or not width or not height:
        raise PictureError(f"is a JPEG file of {bits} bits; 8 are read" if bits != 8 else
                           "is no whole JPEG file")
    if channels not in (1, 3):
        raise PictureError(f"is a JPEG file of {channels} channels; grey and RGB are read")
    return Header("JPEG", width, height, channels, 8,
                  color=statement_of_jpeg(b"".join(profile[n] for n in sorted(profile))))
