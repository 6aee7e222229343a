# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Cases: channels, bits and damage of the planes' files."""

import struct

import numpy as np

from clip_table.cases import FIRST, HEIGHT, WIDTH, accept, file_edit, planar_metres, refuse
from clip_table.files import chunk, cmyk, huge, jpeg, png, unpacked


def add_pixels() -> None:
    wide = lambda pixels: pixels.astype(np.uint16) * 257
    with_alpha = lambda pixels: np.concatenate(
        [pixels if pixels.ndim == 3 else pixels[..., None],
         np.full((*pixels.shape[:2], 1), 77, pixels.dtype)], -1)
    rgb = lambda pixels: np.repeat(pixels[..., None], 3, 2)
    for plane in ("BaseColor", "Normals", "FinalImage"):
        accept(f"{plane}: 16-bit RGB", file_edit(plane, lambda p: png(wide(p), filters=-1)))
        accept(f"{plane}: 16-bit RGBA", file_edit(
            plane, lambda p: png(with_alpha(wide(p)), filters=4, interlaced=True)))
        accept(f"{plane}: RGBA", file_edit(plane, lambda p: png(with_alpha(p), filters=3)))
        accept(f"{plane}: interlaced", file_edit(
            plane, lambda p: png(p, interlaced=True, filters=-1)))
        for quality in (92, 40):
            accept(f"{plane}: JPEG of quality {quality}", file_edit(
                plane, lambda p: jpeg(p, quality=quality), lambda p: unpacked(
                    jpeg(p, quality=quality))))
    accept("16 bits are rounded", file_edit(
        "BaseColor", lambda p: png(rounding(), filters=2), lambda p: rounded(rounding())))
    accept("a palette", file_edit(
        "BaseColor", lambda p: png(np.arange(35, dtype=np.uint8).reshape(5, 7) % 4, [
            (b"PLTE", bytes(range(12))), (b"tRNS", b"\0\1")], color=3),
        lambda p: np.arange(12, dtype=np.uint8).reshape(4, 3)[
            np.arange(35).reshape(5, 7) % 4]))
    accept("a palette of 2 bits", file_edit(
        "BaseColor", lambda p: png(np.arange(35).reshape(5, 7) % 4, [(b"PLTE", bytes(range(12)))],
                                   bits=2, color=3),
        lambda p: np.arange(12, dtype=np.uint8).reshape(4, 3)[
            np.arange(35).reshape(5, 7) % 4]))
    accept("base color in grey", file_edit(
        "BaseColor", lambda p: png(p[..., 0]), lambda p: rgb(p[..., 0])))
    accept("base color in 16-bit grey with alpha", file_edit(
        "BaseColor", lambda p: png(with_alpha(wide(p[..., 0])), filters=-1),
        lambda p: rgb(p[..., 0])))
    accept("base color in JPEG of one channel", file_edit(
        "BaseColor", lambda p: jpeg(p[..., 0]), lambda p: rgb(unpacked(jpeg(p[..., 0])))))
    accept("a progressive JPEG of half the colors", file_edit(
        "BaseColor", lambda p: jpeg(p, progressive=True, subsampling=2),
        lambda p: unpacked(jpeg(p, progressive=True, subsampling=2))))

    def is_jpeg(clip):
        content = jpeg(clip.planes[0]["BaseColor"])
        clip.files["BaseColor/BaseColor_0000.png"] = content
        clip.answer[0]["BaseColor"] = unpacked(content)
        clip.files["Normals/Normals_0001.JPEG"] = clip.files.pop("Normals/Normals_0001.png")
    accept("content counts, not the name", is_jpeg)

    for plane in ("Roughness", "Metallic"):
        accept(f"{plane}: 16 bits", file_edit(plane, lambda p: png(wide(p), filters=-1)))
        accept(f"{plane}: RGB that is grey", file_edit(plane, lambda p: png(rgb(p))))
        accept(f"{plane}: 16-bit RGBA that is grey", file_edit(
            plane, lambda p: png(with_alpha(rgb(wide(p))), filters=4)))
        accept(f"{plane}: grey with alpha", file_edit(plane, lambda p: png(with_alpha(p))))
        accept(f"{plane}: JPEG", file_edit(plane, lambda p: jpeg(p), lambda p: unpacked(jpeg(p))))
        refuse(f"{plane}: three channels", FIRST[plane], "holds RGB whose channels differ; "
               f"{plane} is one channel, write it as grey",
               file_edit(plane, lambda p: png(np.stack([p, p + 1, p], -1))))
    accept("metallic of one bit", file_edit(
        "Metallic", lambda p: png(p % 2, bits=1), lambda p: p % 2 * 255))
    accept("roughness of four bits", file_edit(
        "Roughness", lambda p: png(p % 16, bits=4), lambda p: p % 16 * 17))

    for name, make in {
            "16-bit RGB": lambda p: png(rgb(p), filters=-1),
            "16-bit RGBA": lambda p: png(with_alpha(rgb(p)), filters=3),
            "16-bit grey with alpha": lambda p: png(with_alpha(p), filters=1, interlaced=True),
            "interlaced": lambda p: png(p, filters=4, interlaced=True)}.items():
        accept(f"Depth: {name}", file_edit("Depth", make))
    eight = lambda p: (p // 256).astype(np.uint8)
    accept("Depth: 8 bits keep their numbers", file_edit(
        "Depth", lambda p: png(eight(p)), lambda p: planar_metres(eight(p))))
    refuse("Depth: packed into three channels", FIRST["Depth"], "holds RGB whose channels differ; "
           "Depth is one channel, write it as grey", file_edit(
               "Depth", lambda p: png(np.stack([p >> 8, p & 255, p * 0], -1).astype(np.uint8))))
    refuse("Depth: JPEG", FIRST["Depth"], "is a JPEG file, which changes depth; PNG of 8 or 16 "
           "bits is read", file_edit("Depth", lambda p: jpeg(eight(p))))
    refuse("Depth: 4 bits", FIRST["Depth"], "holds 4-bit grey; depth is grey of 8 or 16 bits",
           file_edit("Depth", lambda p: png(p % 16, bits=4)))
    refuse("Depth: a palette", FIRST["Depth"], "holds 8-bit palette; depth is grey of 8 or 16 "
           "bits", file_edit("Depth", lambda p: png(
               (p % 4).astype(np.uint8), [(b"PLTE", bytes(12))], color=3)))
    refuse("Normals: grey", FIRST["Normals"], "holds 8-bit grey; normals have three channels",
           file_edit("Normals", lambda p: png(p[..., 0])))


def rounding() -> np.ndarray:
    values = np.array([0, 127, 128, 129, 384, 385, 386, 32767, 32768, 65406, 65407, 65535],
                      np.uint16)
    return np.resize(values, (HEIGHT, WIDTH, 3))


def rounded(pixels: np.ndarray) -> np.ndarray:
    return (pixels / 257 + 0.5).astype(np.uint8)


def add_damage() -> None:
    path = FIRST["BaseColor"]
    cut = lambda count: file_edit("BaseColor", lambda p: png(p)[:count])
    text = file_edit
    refuse("damage: an empty file", path, "is empty", cut(0))
    refuse("damage: half a PNG", path, "is no whole PNG file: it ends early", cut(60))
    refuse("damage: no end", path, "is no whole PNG file: it ends early", cut(-12))
    refuse("damage: half a signature", path, "is neither a PNG nor a JPEG file", cut(6))
    refuse("damage: a wrong checksum", path, "is no whole PNG file: the checksum of IDAT is wrong",
           text("BaseColor", lambda p: png(p)[:-13] + bytes([png(p)[-13] ^ 1]) + png(p)[-12:]))
    refuse("damage: a wrong checksum of a comment", path,
           "is no whole PNG file: the checksum of tEXt is wrong", text(
               "BaseColor", lambda p: png(p, [(b"tEXt", b"a\0b")]).replace(b"a\0b", b"a\0c")))
    refuse("damage: pixels that end early", path,
           "is no whole PNG file: its pixels cannot be unpacked", text(
               "BaseColor", lambda p: png(p[:3]).replace(
                   chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 3, 8, 2, 0, 0, 0)),
                   chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 8, 2, 0, 0, 0)))))
    refuse("damage: 16-bit pixels that end early", path,
           "is no whole PNG file: its pixels cannot be unpacked", text(
               "BaseColor", lambda p: png(p[:3].astype(np.uint16)).replace(
                   chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 3, 16, 2, 0, 0, 0)),
                   chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 16, 2, 0, 0, 0)))))
    refuse("damage: a wrong header", path, "is no whole PNG file: its header is wrong", text(
        "BaseColor", lambda p: png(p).replace(
            chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 8, 2, 0, 0, 0)),
            chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 4, 2, 0, 0, 0)))))
    refuse("damage: half a JPEG", path, "is no whole JPEG file", text(
        "BaseColor", lambda p: jpeg(p)[:-20]))
    refuse("damage: a JPEG's first bytes", path, "is no whole JPEG file", text(
        "BaseColor", lambda p: jpeg(p)[:40]))
    refuse("damage: a JPEG for printing", path, "is a JPEG file of 4 channels; grey and RGB are "
           "read", text("BaseColor", lambda p: cmyk(p)))
    for name, content, found in [
            ("EXR", b"\x76\x2f\x31\x01rest", "an OpenEXR file"), ("TIFF", b"II*\0rest", "a TIFF file"),
            ("WebP", b"RIFF\0\0\0\0WEBPVP8 ", "a WebP file"), ("GIF", b"GIF89a", "a GIF file"),
            ("BMP", b"BMrest", "a BMP file"),
            ("LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
             "a Git LFS pointer, not the file itself")]:
        refuse(f"damage: {name} under the name of a PNG", path,
               f"is {found}; PNG and JPEG are read",
               text("BaseColor", lambda p: content))
    refuse("damage: text", path, "is neither a PNG nor a JPEG file",
           text("BaseColor", lambda p: b"no picture at all"))
    refuse("size: another one", "Depth/Depth_0000.png", "is 6x5 pixels, the clip has 7x5",
           text("Depth", lambda p: png(p[:, :6])))
    refuse("size: a huge plane in a small file", "Depth/Depth_0000.png",
           "is 16384x16384 pixels, the clip has 7x5", text("Depth", lambda p: huge(16384)))
    refuse("size: a side too long", path, "is 16385x16385 pixels; a side has at most 16384",
           text("BaseColor", lambda p: huge(16385)))
