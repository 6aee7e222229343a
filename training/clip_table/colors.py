# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Cases: what a file says about its colors."""

import struct

import numpy as np

from clip_table.cases import (
    FIRST, HEIGHT, WIDTH, accept, camera_and_file, encoding, file_edit, refuse, srgb_of)
from clip_table.files import iccp, jpeg, png, profile, unpacked


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
