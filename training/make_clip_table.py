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
import copy
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

WIDTH, HEIGHT, UNITS = 7, 5, 400
TABLE = Path(__file__).resolve().parents[1] / "Tests" / "ClipTable" / "clips.json"
PLANES = ["BaseColor", "Normals", "Depth", "Roughness", "Metallic", "FinalImage"]  # and Emissive
FIRST = {plane: f"{plane}/{plane}_0000.png" for plane in PLANES}


# Files


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, extra: list[tuple[bytes, bytes]] = (), bits: int | None = None,
        color: int | None = None, filters: int = 0, interlaced: bool = False) -> bytes:
    """`[H, W]` or `[H, W, C]` of bytes or 16-bit numbers; all rows with one filter, or in turn (-1).
    Less than 8 bits a sample and palettes are given as the numbers to store."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, channels = pixels.shape
    bits = bits or (8 if pixels.dtype == np.uint8 else 16)
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if color is None else color
    passes = [(0, 0, 1, 1)] if not interlaced else [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2)]
    raw = b""
    for x, y, dx, dy in passes:
        part = pixels[y::dy, x::dx]
        if part.size:
            raw += filtered(packed_rows(part, bits), max(1, bits * channels // 8), filters)
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))
    body = b"".join(chunk(kind, data) for kind, data in extra)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body
            + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def packed_rows(pixels: np.ndarray, bits: int) -> list[bytes]:
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in pixels]
    if bits == 8:
        return [row.astype(np.uint8).tobytes() for row in pixels]
    rows = []
    for row in pixels[..., 0]:
        text = "".join(f"{int(v):0{bits}b}" for v in row)
        text += "0" * (-len(text) % 8)
        rows.append(bytes(int(text[i:i + 8], 2) for i in range(0, len(text), 8)))
    return rows


def filtered(rows: list[bytes], size: int, kind: int) -> bytes:
    result, above = b"", bytes(len(rows[0]))
    for number, row in enumerate(rows):
        use = number % 5 if kind < 0 else kind
        line = bytearray([use])
        for i, value in enumerate(row):
            left = row[i - size] if i >= size else 0
            corner = above[i - size] if i >= size else 0
            up = above[i]
            near = left + up - corner
            paeth = min((left, up, corner), key=lambda v: (abs(near - v)))
            line.append((value - [0, left, up, (left + up) // 2, paeth][use]) & 255)
        result, above = result + bytes(line), row
    return result


def jpeg(pixels: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=options.pop("quality", 92), **options)
    return stream.getvalue()


def unpacked(file: bytes) -> np.ndarray:
    """What libjpeg-turbo makes of a JPEG file: the one answer that is not ours to write down."""
    return np.array(Image.open(io.BytesIO(file)))


# Profiles


def profile(kind: str) -> bytes:
    if kind == "srgb":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colorants = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708),
                 (0.14307, 0.06061, 0.71410)]
    if kind == "wide":  # Adobe RGB (1998)
        colorants = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087),
                     (0.14919, 0.06322, 0.74457)]
    gamma = {"linear": 256, "wide": 563, "gamma18": 461}[kind]
    tags = [(name, b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in c)))
            for name, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants)]
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, gamma) + b"\0\0"
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    at, table, data = 132 + 12 * len(tags), b"", b""
    for name, content in tags:
        table += struct.pack(">4sII", name, at + len(data), len(content))
        data += content
    body = struct.pack(">I", len(tags)) + table + data
    head = struct.pack(">I", 128 + len(body)) + bytes(12) + b"RGB XYZ " + bytes(12) + b"acsp"
    return head.ljust(128, b"\0") + body


def iccp(kind: str) -> tuple[bytes, bytes]:
    return b"iCCP", b"profile\0\0" + zlib.compress(profile(kind))


# The sound clip


def srgb_of(light: np.ndarray) -> np.ndarray:
    curved = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (curved * 255 + 0.5).astype(np.uint8)


def camera(number: int) -> dict:
    return {"frame": number, "width": WIDTH, "height": HEIGHT, "fx": 6.5, "fy": 6.0, "cx": 3.5,
            "cy": 2.5, "near": 0.1, "far": 100,
            "camera_to_world": [[0.8, 0, 0.6, 1.5 + number], [0, 1, 0, 2], [-0.6, 0, 0.8, -3],
                                [0, 0, 0, 1]]}


def document(numbers=(0, 1), **encodings) -> dict:
    return {"format": "frameloom-clip-1", "fps": 24, "encodings": {
        "depth": {"kind": "planar", "unitsPerMetre": UNITS}, "normals": {"space": "world"},
        **encodings}, "frames": [camera(n) for n in numbers]}


class Sound:
    """Two frames of noise and the files that hold them; a case changes one or the other."""

    def __init__(self):
        rng = np.random.default_rng(5)
        byte = lambda *shape: rng.integers(0, 256, shape, dtype=np.uint8)
        self.planes = []
        for _ in range(2):
            raw = rng.integers(1, 36000, (HEIGHT, WIDTH)).astype(np.uint16)
            raw[0, :3] = 0
            self.planes.append({
                "BaseColor": byte(HEIGHT, WIDTH, 3), "Normals": byte(HEIGHT, WIDTH, 3),
                "Depth": raw, "Roughness": byte(HEIGHT, WIDTH), "Metallic": byte(HEIGHT, WIDTH),
                "FinalImage": byte(HEIGHT, WIDTH, 3)})
        self.files = {f"{plane}/{plane}_{number:04d}.png": png(self.planes[number][plane])
                      for number in range(2) for plane in PLANES}
        self.files["camera.json"] = json.dumps(document()).encode()
        self.answer = [
            {**planes, "Depth": planar_metres(planes["Depth"])} for planes in self.planes]
        self.numbers = [0, 1]


def planar_metres(raw: np.ndarray, units: float = UNITS, far: float = 100) -> np.ndarray:
    depth = raw.astype(np.float32) * np.float32(1 / units)
    return np.where(depth < far, depth, np.float32(0))


CASES: dict[str, dict] = {}


def case(change, name: str | None = None, refusal: str | None = None, path: str = "") -> None:
    """Adds a case. `change(clip)` edits a copy of the sound clip."""
    clip = copy.deepcopy(Sound())
    change(clip)
    entry: dict = {"files": {}}
    sound = Sound()
    for file in sorted(set(sound.files) | set(clip.files)):
        content = clip.files.get(file)
        if content != sound.files.get(file):
            entry["files"][file] = None if content is None else base64.b64encode(content).decode()
    if refusal is not None:
        entry["refusal"] = {"path": path, "sentence": refusal}
    else:
        entry["numbers"] = clip.numbers
        entry["planes"] = [
            {plane: base64.b64encode(np.ascontiguousarray(pixels).tobytes()).decode()
             for plane, pixels in frame.items()
             if frame is not None and not (index < 2 and np.array_equal(
                 pixels, sound.answer[index].get(plane)))}
            for index, frame in enumerate(clip.answer)]
        absent = [plane for plane in PLANES if plane not in clip.answer[0]]
        if absent:
            entry["absent"] = absent
    assert name not in CASES, name
    CASES[name] = entry


def refuse(name: str, path: str, sentence: str, change) -> None:
    case(change, name, sentence, path)


def accept(name: str, change) -> None:
    case(change, name)


def file_edit(plane: str, make, answer=None):
    """Frame 0's file of a plane becomes `make(pixels)`, its planes `answer(pixels)`."""
    def change(clip):
        pixels = clip.planes[0][plane]
        clip.files[FIRST[plane]] = make(pixels)
        if answer is not None:
            clip.answer[0][plane] = answer(pixels)
    return change


def camera_edit(edit, answer=None):
    def change(clip):
        stated = document()
        stated = edit(stated) or stated
        clip.files["camera.json"] = stated if isinstance(stated, bytes) \
            else json.dumps(stated).encode()
        if answer is not None:
            answer(clip)
    return change


def renamed(names):
    """Every file `Plane/Plane_NNNN.png` becomes `Plane/` and `names(plane, number)`."""
    def change(clip):
        for plane in PLANES:
            for number in range(2):
                old = f"{plane}/{plane}_{number:04d}.png"
                clip.files[f"{plane}/{names(plane, number)}"] = clip.files.pop(old)
    return change


def frame_key(**keys):
    def edit(stated):
        stated["frames"][0].update(keys)
        for key, value in keys.items():
            if value is KeyError:
                del stated["frames"][0][key]
    return camera_edit(edit)


def encoding(**keys):
    return lambda stated: stated["encodings"].update(keys)


def add_names() -> None:
    accept("sound", lambda clip: None)
    accept("names: a prefix", renamed(lambda p, n: f"Corridor_FinalImage{p}_{n:04d}.png"))
    accept("names: a point before the number", renamed(lambda p, n: f"{p}.{n:04d}.png"))
    accept("names: nothing before the number", renamed(lambda p, n: f"{n}.png"))
    accept("names: no separator", renamed(lambda p, n: f"{p}{n:03d}.PNG"))
    accept("names: a dash after a word is no minus", renamed(lambda p, n: f"{p}-{n:04d}.png"))
    accept("names: other files beside", lambda clip: clip.files.update({
        "Depth/Thumbs.db": b"x", "Depth/notes.txt": b"x", "Normals/Normals_0000.exr": b"x",
        "Depth/Depth_0000.png.tmp": b"x", "extra/a.png": b"x"}))
    accept("names: hidden files beside", lambda clip: clip.files.update({
        f"{plane}/._{plane}_{n:04d}.png": b"Mac" for plane in PLANES for n in range(2)}))

    def negative(clip):
        renamed(lambda p, n: f"{p}_-{1 - n:03d}.png" if n == 0 else f"{p}_0000.png")(clip)
        clip.files["camera.json"] = json.dumps(document((-1, 0))).encode()
        clip.numbers = [-1, 0]
    accept("names: negative numbers", negative)

    def preview(clip):
        for plane in ("BaseColor", "Depth", "FinalImage"):
            for number in range(2):
                clip.files[f"{plane}/{plane}_{number:04d}.jpg"] = jpeg(
                    np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    accept("names: a JPEG beside a PNG is a preview", preview)
    refuse("names: one number twice", "Depth/b_0000.png",
           "has the same frame number as Depth_0000.png",
           lambda clip: clip.files.update({"Depth/b_0000.png": b"x"}))
    refuse("names: two JPEGs of one number", "Normals/a_7.jpg",
           "has the same frame number as a_07.jpeg",
           lambda clip: clip.files.update({"Normals/a_07.jpeg": b"x", "Normals/a_7.jpg": b"x"}))
    refuse("names: a version after the number", "BaseColor/BaseColor_0001_v2.png",
           "has the same frame number as BaseColor_0000_v2.png",
           renamed(lambda p, n: f"{p}_{n:04d}_v2.png"))
    refuse("names: a gap", "", "the numbering has a gap: frame 1 is missing", lambda clip: [
        clip.files.update({f"{p}/{p}_0002.png": clip.files.pop(f"{p}/{p}_0001.png")})
        for p in PLANES])
    refuse("names: one frame of one plane", "Roughness", "frame 1 is missing",
           lambda clip: clip.files.pop("Roughness/Roughness_0001.png"))
    refuse("names: one frame more of one plane", "BaseColor", "frame 2 is missing",
           lambda clip: clip.files.update({"Normals/Normals_0002.png": b"x"}))

    def only(name):
        def change(clip):
            for number in range(2):
                del clip.files[f"Depth/Depth_{number:04d}.png"]
            if name:
                clip.files[f"Depth/{name}"] = b"x"
            else:
                clip.files["Depth/.hidden"] = b"x"
        return change
    end = "holds no frames: PNG or JPEG files whose names end in a number, like Depth_0000.png "
    refuse("names: only EXR", "Depth", end + "(found Depth_0000.exr; EXR files are not read, "
           "docs/clips.md says how to convert them)", only("Depth_0000.exr"))
    refuse("names: no number", "Depth", end + "(found depth.png)", only("depth.png"))
    refuse("names: a number of ten digits", "Depth", end + "(found 1234567890.png)",
           only("1234567890.png"))
    refuse("names: an empty folder", "Depth", "is empty", only(None))

    def without(plane, new=None):
        def change(clip):
            for number in range(2):
                content = clip.files.pop(f"{plane}/{plane}_{number:04d}.png")
                if new:
                    clip.files[f"{new}/{plane}_{number:04d}.png"] = content
            if not new:
                for frame in clip.answer:
                    del frame[plane]
        return change
    for plane in ("BaseColor", "Normals", "Depth", "Roughness"):
        refuse(f"names: no {plane}", "", f"the folder {plane} is missing", without(plane))
    accept("names: no Metallic", without("Metallic"))
    accept("names: no FinalImage", without("FinalImage"))

    def shining(clip):
        for number, planes in enumerate(clip.planes):
            clip.files[f"Emissive/Emissive_{number:04d}.png"] = png(planes["FinalImage"])
            clip.answer[number]["Emissive"] = planes["FinalImage"]
    accept("names: an emissive plane", shining)

    def shining_light(clip):
        shining(clip)
        clip.files["camera.json"] = json.dumps(document(emissive="linear8")).encode()
        for frame in clip.answer:
            frame["Emissive"] = srgb_of(frame["Emissive"] / 255)
    accept("names: an emissive plane of light", shining_light)

    def shining_once(clip):
        shining(clip)
        del clip.files["Emissive/Emissive_0000.png"]
    refuse("names: one frame of the emissive plane", "Emissive", "frame 0 is missing", shining_once)
    refuse("names: a slip in an optional folder", "Metalic", "is no plane of a clip; did you mean "
           "Metallic?", without("Metallic", "Metalic"))
    refuse("names: a folder in lower case", "normals", "is no plane of a clip; did you mean "
           "Normals?", without("Normals", "normals"))


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


def cmyk(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).convert("CMYK").save(stream, "JPEG")
    return stream.getvalue()


def huge(side: int) -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 16, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99)))
            + chunk(b"IEND", b""))


def add_colors() -> None:
    path = FIRST["BaseColor"]
    ramp = np.linspace(0, 255, HEIGHT * WIDTH * 3).astype(np.uint8).reshape(HEIGHT, WIDTH, 3)
    gama = lambda value: (b"gAMA", struct.pack(">I", value))
    chrm = lambda *v: (b"cHRM", struct.pack(">8I", *v))
    srgb_primaries = chrm(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    as_is = {"sRGB": [(b"sRGB", b"\0")], "gAMA of sRGB": [gama(45455), srgb_primaries],
             "cICP of sRGB": [(b"cICP", b"\1\x0d\0\1"), gama(100000)],
             "profile of sRGB": [iccp("srgb")], "sRGB before gAMA": [(b"sRGB", b"\0"), gama(100000)]}
    for name, extra in as_is.items():
        accept(f"color: {name}", file_edit("BaseColor", lambda p: png(p, extra)))
    light = {"gAMA of light": [gama(100000)], "cICP of light": [(b"cICP", b"\1\x08\0\1")],
             "profile of light": [iccp("linear")]}
    for name, extra in light.items():
        accept(f"color: {name}", file_edit(
            "BaseColor", lambda p: png(ramp, extra), lambda p: srgb_of(ramp / 255)))
    deep = ramp.astype(np.uint16) * 257
    accept("color: 16 bits of light", file_edit(
        "BaseColor", lambda p: png(deep, [gama(100000)], filters=-1),
        lambda p: srgb_of(deep / 65535)))
    accept("color: light stated", camera_and_file(
        encoding(baseColor="linear8"), "BaseColor", png(ramp), srgb_of(ramp / 255), both=True))
    accept("color: gAMA of 1/1.8", file_edit(
        "BaseColor", lambda p: png(ramp, [gama(55556)]),
        lambda p: srgb_of((ramp / 255) ** (1 / 0.55556))))
    for name, extra, sentence in [
            ("other primaries", [gama(45455), chrm(31270, 32900, 64000, 33000, 21000, 71000, 15000,
                                                   6000)],
             "its cHRM chunk says other primaries than sRGB's; convert it to sRGB"),
            ("a gAMA of nonsense", [gama(7)], "its gAMA chunk says 7; 10000 to 500000 are read"),
            ("cICP of HDR", [(b"cICP", b"\x09\x10\0\1")], "its cICP chunk says 9, 16, 0, 1; sRGB "
             "(1, 13, 0, 1) and linear (1, 8, 0, 1) are read"),
            ("a wide profile", [iccp("wide")], "its color profile is neither sRGB nor linear with "
             "sRGB's primaries; convert it to sRGB"),
            ("a profile of gamma 1.8", [iccp("gamma18")], "its color profile is neither sRGB nor "
             "linear with sRGB's primaries; convert it to sRGB"),
            ("a broken profile", [(b"iCCP", b"x\0\0nonsense")], "its color profile is neither sRGB "
             "nor linear with sRGB's primaries; convert it to sRGB")]:
        refuse(f"color: {name}", path, sentence, file_edit("BaseColor", lambda p: png(p, extra)))
    refuse("color: the file says light, camera.json sRGB", path, "its gAMA chunk says linear, "
           "camera.json says sRGB (encodings.baseColor): one is wrong", camera_and_file(
               encoding(baseColor="srgb8"), "BaseColor", png(ramp, [gama(100000)])))
    refuse("color: the file says sRGB, camera.json light", FIRST["FinalImage"], "its sRGB chunk "
           "says sRGB, camera.json says linear (encodings.finalImage): one is wrong",
           camera_and_file(encoding(finalImage="linear16"), "FinalImage",
                           png(ramp, [(b"sRGB", b"\0")])))
    refuse("color: a wide profile in a JPEG", path, "its color profile is neither sRGB nor linear "
           "with sRGB's primaries; convert it to sRGB", file_edit(
               "BaseColor", lambda p: jpeg(p, icc_profile=profile("wide"))))
    accept("color: a profile of sRGB in a JPEG", file_edit(
        "BaseColor", lambda p: jpeg(p, icc_profile=profile("srgb")), lambda p: unpacked(jpeg(p))))
    for plane in ("Normals", "Roughness", "Depth"):
        accept(f"color: {plane} is data, whatever its chunks say", file_edit(
            plane, lambda p: png(p, [gama(100000), (b"sRGB", b"\0")])))


def camera_and_file(edit, plane, content, answer=None, both=False):
    def change(clip):
        camera_edit(edit)(clip)
        for number in range(2 if both else 1):
            clip.files[f"{plane}/{plane}_{number:04d}.png"] = content
            if answer is not None:
                clip.answer[number][plane] = answer
    return change


def add_cameras() -> None:
    for name, prefix in [("no byte-order mark", b""), ("a byte-order mark", b"\xef\xbb\xbf")]:
        accept(f"camera.json: {name}", camera_edit(
            lambda stated: prefix + json.dumps(stated).encode()))
    accept("camera.json: comments", camera_edit(
        lambda stated: stated.update(comment="made by hand", _tool={"a": [1]})))
    accept("camera.json: no width and height", frame_key(width=KeyError, height=KeyError))
    accept("camera.json: more cameras than frames", camera_edit(
        lambda stated: stated["frames"].append(camera(2))))

    def far_away(clip):
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            clip.answer[number]["Depth"] = planar_metres(raw, far=np.inf)
    for name, value in [("0", 0), ("absent", KeyError), ("null", None)]:
        accept(f"camera.json: far is {name}: infinite", camera_edit(
            lambda stated: [f.update(far=value) if value is not KeyError else f.pop("far")
                            for f in stated["frames"]] and None, far_away))

    def near_far(clip):
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            clip.answer[number]["Depth"] = planar_metres(raw, far=50)
    accept("camera.json: far is 50: surfaces end there", camera_edit(
        lambda stated: [f.update(far=50) for f in stated["frames"]] and None, near_far))
    accept("camera.json: jitter", frame_key(jitter=[0.4, -0.3]))
    accept("camera.json: projection perspective", frame_key(projection="perspective"))
    accept("camera.json: its convention said", camera_edit(
        lambda stated: stated.update(cameraConvention="OpenGL: -Z forward, +Y up")))
    add_refused_cameras()
    add_encodings()


def add_refused_cameras() -> None:
    place = "frames[0]"
    matrix = camera(0)["camera_to_world"]
    row = lambda index, values: [values if i == index else r for i, r in enumerate(matrix)]
    m = f"{place}.camera_to_world"
    for name, keys, sentence in [
            ("a missing number", {"fx": KeyError}, f"{place}.fx is missing"),
            ("a missing frame number", {"frame": KeyError}, f"{place}.frame is missing"),
            ("a text for a number", {"fy": "6"}, f"{place}.fy is not a number"),
            ("true for a number", {"cx": True}, f"{place}.cx is not a number"),
            ("half a frame", {"frame": 0.5},
             f"{place}.frame 0.5 is no whole number from -999999999 to 999999999"),
            ("a focal length of 0", {"fx": 0},
             f"{place}.fx 0 is not above 0 and at most 1000000 pixels"),
            ("a center far away", {"cx": 2000000},
             f"{place}.cx 2000000 is not within 1000000 pixels"),
            ("a negative near plane", {"near": -1},
             f"{place}.near -1 is not 0 to 1000000000 metres"),
            ("near beyond far", {"near": 100, "far": 50}, f"{place}.near 100 is not below far 50"),
            ("a size of another clip", {"width": 70},
             "the camera of frame 0 is for 70x5 pixels, the planes have 7x5"),
            ("an orthographic camera", {"projection": "orthographic"},
             f'{place}.projection "orthographic" is not supported ("perspective")'),
            ("an unknown key", {"cameraToWorld": 1}, f"{place}.cameraToWorld is not known; the "
             "nearest known key is camera_to_world"),
            ("a key nearly known", {"jiter": [0, 0]},
             f"{place}.jiter is not known; the nearest known key is jitter"),
            ("jitter of one number", {"jitter": [0.5]},
             f"{place}.jitter is not two numbers from -16 to 16"),
            ("jitter of a screen", {"jitter": [99, 0]},
             f"{place}.jitter is not two numbers from -16 to 16"),
            ("three rows", {"camera_to_world": matrix[:3]}, f"{m} is not 4 rows of 4 numbers"),
            ("a text in a row", {"camera_to_world": row(1, [0, "1", 0, 2])},
             f"{m} is not 4 rows of 4 numbers"),
            ("a transposed matrix", {"camera_to_world": np.array(matrix).T.tolist()},
             f"{m}: the last row is not 0, 0, 0, 1 (transposed?)"),
            ("a scaled matrix", {"camera_to_world": row(1, [0, 2, 0, 2])},
             f"{m}: the first three rows are no rotation (scaled or sheared?)"),
            ("a mirrored matrix", {"camera_to_world": row(1, [0, -1, 0, 2])},
             f"{m} mirrors (its determinant is -1, not 1)"),
            ("a place far away", {"camera_to_world": row(1, [0, 1, 0, 2e9])},
             f"{m} holds a number that is too large")]:
        refuse(f"camera.json: {name}", "camera.json", sentence, frame_key(**keys))
    for name, edit, sentence in [
            ("a frame short", lambda s: s["frames"].pop() and None, "frame 1 has no camera"),
            ("a frame twice", lambda s: s["frames"].append(camera(1)), "frame 1 is there twice"),
            ("no format", lambda s: s.pop("format") and None, "format is missing"),
            ("another format", lambda s: s.update(format="nerf"),
             'format "nerf" is not known ("frameloom-clip-1" is)'),
            ("another convention", lambda s: s.update(cameraConvention="OpenCV"),
             'cameraConvention "OpenCV" is not supported ("OpenGL" is: -Z forward, +Y up)'),
            ("no frames", lambda s: s.pop("frames") and None, "frames is missing"),
            ("frames by name", lambda s: s.update(frames={"0": camera(0)}),
             "frames is not a list"),
            ("an unknown key at the top", lambda s: s.update(frame_rate=24),
             "frame_rate is not known; the nearest known key is frames"),
            ("a rate of 0", lambda s: s.update(fps=0), "fps 0 is not above 0 and at most 1000000"),
            ("UTF-16", lambda s: json.dumps(s).encode("utf-16"), "is UTF-16; write it as UTF-8"),
            ("Latin-1", lambda s: json.dumps(s).encode().replace(b"24", b'"\xe4"'),
             "is not UTF-8"),
            ("no JSON", lambda s: b"frames: 3", "is not valid JSON"),
            ("half of it", lambda s: json.dumps(s).encode()[:-9], "is not valid JSON"),
            ("a comma too many", lambda s: json.dumps(s).encode()[:-1] + b",}",
             "is not valid JSON"),
            ("a number with a leading zero", lambda s: json.dumps(s).encode().replace(
                b'"fps": 24', b'"fps": 024'), "is not valid JSON"),
            ("levels without end", lambda s: b"[" * 999 + b"]" * 999, "is not valid JSON"),
            ("a list", lambda s: json.dumps(s["frames"]).encode(), "is not a JSON object"),
            ("Infinity", lambda s: json.dumps(s).encode().replace(b'"far": 100', b'"far": Infinity'),
             "holds Infinity, which is no JSON number; leave far out, or write 0, where it is "
             "infinite"),
            ("a number too large", lambda s: json.dumps(s).encode().replace(
                b'"far": 100', b'"far": 1e999'), "frames[0].far is too large"),
            ("a key twice", lambda s: json.dumps(s).encode().replace(
                b'"fx": 6.5', b'"fx": 6.5, "fx": 7'), "frames[0].fx is there twice")]:
        refuse(f"camera.json: {name}", "camera.json", sentence, camera_edit(edit))


def add_encodings() -> None:
    depth = lambda **keys: encoding(depth={"unitsPerMetre": UNITS, **keys})
    end = "encodings.depth"
    colors = '("srgb", "srgb8", "srgb16", "linear", "linear8", "linear16")'
    axes = ('("y-up right-handed", "y-up left-handed", "z-up right-handed", "z-up left-handed")')
    for name, edit, sentence in [
            ("ray depth under another name", depth(kind="radial"),
             f'{end}.kind "radial" is not supported ("planar", "distance", "reversed")'),
            ("a scale of 0", encoding(depth={"unitsPerMetre": 0}),
             f"{end}.unitsPerMetre 0 is not from 0.000001 to 1000000000"),
            ("a sky of half a unit", depth(sky=0.5),
             f"{end}.sky 0.5 is no whole number from 0 to 65535"),
            ("an unknown key of depth", depth(far=100),
             f"{end}.far is not known; the nearest known key is sky"),
            ("depth as a text", encoding(depth="planar"), f"{end} is not an object"),
            ("tangent space", encoding(normals={"space": "tangent"}),
             'encodings.normals.space "tangent" is not supported ("world", "view")'),
            ("other axes", encoding(normals={"axes": "x-up"}),
             f'encodings.normals.axes "x-up" is not supported {axes}'),
            ("another encoding of normals", encoding(normals={"encoding": "octahedral"}),
             'encodings.normals.encoding "octahedral" is not supported ("n*0.5+0.5")'),
            ("a color space", encoding(baseColor="acescg"),
             f'encodings.baseColor "acescg" is not supported {colors}'),
            ("glossiness", encoding(roughness="gloss"), 'encodings.roughness "gloss" is not '
             'supported ("linear", "linear8", "linear16", "smoothness")'),
            ("metallic as a color", encoding(metallic="srgb8"), 'encodings.metallic "srgb8" is not '
             'supported ("linear", "linear8", "linear16")'),
            ("an unknown key of encodings", encoding(roughnes="linear8"),
             "encodings.roughnes is not known; the nearest known key is roughness"),
            ("reversed depth with a scale", depth(kind="reversed"),
             "encodings.depth.unitsPerMetre has no meaning for reversed depth")]:
        refuse(f"encodings: {name}", "camera.json", sentence, camera_edit(edit))
    refuse("encodings: no scale", "Depth", "the depth has no known scale; state it in camera.json "
           "(encodings.depth.unitsPerMetre) or by an option", camera_edit(encoding(depth={})))
    refuse("encodings: no camera.json", "Depth", "the depth has no known scale; state it in "
           "camera.json (encodings.depth.unitsPerMetre) or by an option",
           lambda clip: clip.files.pop("camera.json"))
    refuse("encodings: ray distance without cameras", "", "distance depth needs the cameras of a "
           "camera.json", camera_edit(lambda s: (depth(kind="distance")(s), s.update(frames=[]))[1]))
    refuse("encodings: view space without cameras", "", "view-space normals need the cameras of a "
           "camera.json", camera_edit(
               lambda s: (encoding(normals={"space": "view"})(s), s.update(frames=[]))[1]))

    def no_near(stated):
        encoding(depth={"kind": "reversed"})(stated)
        for entry in stated["frames"]:
            del entry["near"]
    refuse("encodings: reversed depth without a near plane", "camera.json", "the camera of frame 0 "
           "has no near plane, which reversed depth needs", camera_edit(no_near))

    def far_away(clip):
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            clip.answer[number]["Depth"] = planar_metres(raw, far=np.inf)
    accept("encodings: no cameras", camera_edit(lambda s: s.update(frames=[]), far_away))

    def sky(clip):
        raw = clip.planes[0]["Depth"]
        raw[1, :4], raw[2, 2] = 20000, 0
        clip.files[FIRST["Depth"]] = png(raw)
        depth_now = planar_metres(raw)
        depth_now[1, :4] = 0
        clip.answer[0]["Depth"] = depth_now
    accept("encodings: a sky stated", camera_edit(depth(sky=20000), sky))

    def ray(clip):
        entry = camera(0)
        x = (np.arange(WIDTH) + 0.5 - entry["cx"]) / entry["fx"]
        y = (np.arange(HEIGHT) + 0.5 - entry["cy"]) / entry["fy"]
        length = np.sqrt((x * x)[None] + (y * y)[:, None] + 1)
        for number, raw in enumerate(p["Depth"] for p in clip.planes):
            metres = raw.astype(np.float32) * np.float32(1 / UNITS)
            planar = (metres.astype(np.float64) / length).astype(np.float32)
            clip.answer[number]["Depth"] = np.where(planar < 100, planar, np.float32(0))
    accept("encodings: ray distance", camera_edit(depth(kind="distance"), ray))

    def device(far):
        def change(clip):
            for number, raw in enumerate(p["Depth"] for p in clip.planes):
                value = raw.astype(np.float32) / np.float32(65535)
                top, offset, span = (0.1 * far, 0.1, far - 0.1) if far else (0.1, 0, 1)
                with np.errstate(divide="ignore"):
                    z = np.float32(top) / (np.float32(offset) + value * np.float32(span))
                clip.answer[number]["Depth"] = np.where(
                    (raw > 0) & (z < (far or np.inf)), z, np.float32(0))
        return change
    accept("encodings: reversed depth", camera_edit(
        encoding(depth={"kind": "reversed"}), device(100)))

    def infinite(stated):
        encoding(depth={"kind": "reversed", "sky": 0})(stated)
        for entry in stated["frames"]:
            entry["far"] = 0
    accept("encodings: reversed depth, infinite", camera_edit(infinite, device(0)))

    def smooth(clip):
        for number, planes in enumerate(clip.planes):
            clip.answer[number]["Roughness"] = 255 - planes["Roughness"]
    accept("encodings: smoothness", camera_edit(encoding(roughness="smoothness"), smooth))

    def turned(order, signs):
        def change(clip):
            for number, planes in enumerate(clip.planes):
                channels = [planes["Normals"][..., c] for c in order]
                clip.answer[number]["Normals"] = np.stack(
                    [c if s > 0 else 255 - c for c, s in zip(channels, signs)], -1)
        return change
    for name, order, signs in [("y-up right-handed", (0, 1, 2), (1, 1, 1)),
                               ("y-up left-handed", (0, 1, 2), (1, 1, -1)),
                               ("z-up right-handed", (0, 2, 1), (1, 1, -1)),
                               ("z-up left-handed", (1, 2, 0), (1, 1, -1))]:
        accept(f"encodings: normals {name}", camera_edit(
            encoding(normals={"axes": name, "sky": 128, "encoding": "n*0.5+0.5"}),
            turned(order, signs)))
    accept("encodings: view-space normals stay in their space", camera_edit(
        encoding(normals={"space": "view"})))
    accept("encodings: everything as it is by default", camera_edit(encoding(
        baseColor="srgb8", finalImage="srgb8", roughness="linear8", metallic="linear8",
        depth={"kind": "planar", "unitsPerMetre": UNITS, "sky": 0})))


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the table of test clips.")
    parser.add_argument("--to", type=Path, default=TABLE, help="The file to write.")
    options = parser.parse_args()
    for add in (add_names, add_pixels, add_damage, add_colors, add_cameras):
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
