#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Writes what scripts/fuzz starts from: whole, right inputs of every target, from files of this project.

    Fuzz/make_seeds.py FOLDER        FOLDER/TARGET/NAME, anew each time
"""
import base64
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
HEADER = struct.Struct("<IHHIIQQ")
OPEN = struct.Struct("<QII12BIfffHHddQ64s64s")
FRAME = struct.Struct("<QQffff22d")
HISTORY = struct.Struct("<IIIIQQff22d")
MAGIC = 0x4D4F4F4C
T_OPEN, T_FRAME, T_RESET, T_RECONFIGURE, T_CLOSE, T_SHARE = 1, 2, 3, 4, 5, 6
# As FL_OPEN wants them: base color RGBA8, normals RGB8, depth R32F, roughness and metallic R8.
PLANES = [(1, 1), (2, 4), (3, 11), (4, 8), (5, 8)]
PIXEL = 13


def message(kind, body=b"", payload=0, flags=0, frame=0):
    return HEADER.pack(MAGIC, 1, kind, flags, len(body), payload, frame) + body


def open_body(width=32, height=32, mailbox=0, features=0, budget=0, planes=PLANES):
    table = b"".join(struct.pack("<BBHI", kind, form, 0, 0) for kind, form in planes)
    table += bytes(8 * (16 - len(planes)))
    return OPEN.pack(
        features, width, height, len(planes), 0, mailbox, 0, 1, 0, 0, 0, 1, 0, 0, 0, budget,
        1.0, 0.0, 0.0, 0, 0, 0.0, 0.0, 7, b"", b"fuzz") + table


def camera():
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    return [40.0, 40.0, 16.0, 16.0] + [float(value) for value in matrix] + [0.1, 100.0]


def frame_body(with_camera=False, slot=None):
    body = FRAME.pack(0, 0, 1.0, 1.0, 0.0, 0.0, *(camera() if with_camera else [0.0] * 22))
    return body if slot is None else body + struct.pack("<II", slot, 0)


def client(data):
    """The step of the protocol target that brings bytes from the client."""
    return bytes([0]) + struct.pack("<H", len(data)) + data


def protocol():
    taken, payload, begin, end, fail, convert = b"\x06", b"\x22", b"\x03", b"\x04", b"\x05", b"\x08"
    tick = b"\x07" + struct.pack("<H", 100)
    size = 32 * 32 * PIXEL

    def frame(number, **options):
        flags = options.pop("flags", 0)
        return client(message(T_FRAME, frame_body(**options), size, flags, number)) + payload

    opening = client(message(T_OPEN, open_body())) + taken
    every = client(message(T_OPEN, open_body(mailbox=1, budget=50000))) + taken
    shared = client(message(T_OPEN, open_body(features=1))) + taken
    slots = struct.pack("<QQII", size + 4096, size, 3, 0)
    history = HISTORY.pack(32, 32, 1, 0, 5, 7, 0.0, 0.0, *camera())
    resumed = message(T_OPEN, open_body() + history, 32 * 32 * 12, 1)
    return {
        "frames": opening + frame(1) + begin + frame(2) + frame(3) + end + taken + end + taken
        + client(message(T_RESET)) + frame(4, with_camera=True, flags=1 | 4) + end + taken
        + client(message(T_CLOSE)) + taken,
        "every": every + frame(1) + frame(2) + frame(3) + begin + end + tick + taken + fail + taken,
        "reconfigure": opening + frame(1) + client(message(T_RECONFIGURE, open_body(64, 48), 0, 2))
        + end + taken + taken,
        "share": shared + client(message(T_SHARE, slots, 1)) + payload + taken
        + client(message(T_FRAME, frame_body(slot=1), 0, 32, 1)) + payload + end + taken
        + client(message(T_FRAME, frame_body(slot=2), 0, 32, 2)) + b"\x09" + taken,
        "resume": client(resumed) + payload + convert + taken + frame(6) + end + taken,
        "drain": opening + frame(1) + b"\x0a\xff" + end + taken,
        "kick": opening + b"\x0b\xff", "yield": opening + b"\x0c\xff", "lost": opening + b"\x0d\xff",
        "refused": opening + client(message(T_FRAME, bytes(208), size, 0, 1)) + payload,
        "wrong": client(b"GET / HTTP/1.1\r\n"), "idle": opening + (b"\x07\xff\xff" * 4),
    }


def shared_memory():
    slots = struct.pack("<QQII", 16384, 8192, 3, 0)
    return {
        "right": bytes([0, 1, 6]) + struct.pack("<HHHH", 3072, 0, 4096, 0) + slots,
        "unsealed": bytes([0, 1, 0]) + struct.pack("<HHHH", 3072, 0, 4096, 0) + slots,
        "none": bytes([0, 0, 6]) + struct.pack("<HHHH", 3072, 0, 4096, 0) + slots,
        "many": bytes([2, 5, 6]) + struct.pack("<HHHH", 3072, 0, 4096, 8) + slots,
        "short": bytes([0, 1, 6]) + struct.pack("<HHHH", 4, 0, 4096, 100) + slots,
    }


def control():
    lines = [
        b'{"request":"stats"}', b'{"request":"kick","session":3}', b'{"request":"kick","user":1000}',
        b'{"request":"watch","session":3,"fps":10,"planes":true}', b"", b'{"request":"reload"}',
        b'{"error":{"code":"refused","text":"no"}}', b'{"done":{"texts":["a"]}}',
        b'{"health":{"live":true,"ready":false,"model":"m","reason":"r"}}',
    ]
    return {"line%d" % index: bytes([17 * index & 255]) + line + b"\r\n"
            for index, line in enumerate(lines)} | {"all": b"\xff" + b"\n".join(lines) + b"\n"}


def tensor_file(tensors, data):
    header = json.dumps(tensors).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def safetensors():
    return {
        "two": tensor_file({"a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]},
                            "b": {"dtype": "F16", "shape": [3], "data_offsets": [8, 14]}}, bytes(14)),
        "metadata": tensor_file({"__metadata__": {"format": "pt"},
                                 "u": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}, bytes(4)),
        "empty": tensor_file({}, b""),
    }


def adapters():
    """The layer conv_in, 4 to 3 channels, by a LoRA of rank 2, as several programs name it."""
    def file(down, up, **more):
        tensors = {down: {"dtype": "F32", "shape": [2, 4, 1, 1], "data_offsets": [0, 32]},
                   up: {"dtype": "F32", "shape": [3, 2, 1, 1], "data_offsets": [32, 56]}}
        return tensor_file(more | tensors, struct.pack("<14f", *range(14)))
    alpha = {"unet.conv_in.alpha": {"dtype": "F32", "shape": [], "data_offsets": [56, 60]}}
    stated = json.dumps({"unet.r": 2, "unet.lora_alpha": 4, "unet.alpha_pattern": {}, "unet.use_dora": False})
    peft = ("unet.conv_in.lora_A.weight", "unet.conv_in.lora_B.weight")
    return {
        "peft": file(*peft),
        "alpha": file(*peft, **alpha) + struct.pack("<f", 4),
        "metadata": file(*peft, __metadata__={"format": "pt", "lora_adapter_metadata": stated}),
        "kohya": file("lora_unet_conv_in.lora_down.weight", "lora_unet_conv_in.lora_up.weight",
                      **{"lora_unet_conv_in.alpha": alpha["unet.conv_in.alpha"]}) + struct.pack("<f", 1),
        "diffusers": file("unet.conv_in.lora.down.weight", "unet.conv_in.lora.up.weight"),
        "base": file("base_model.model.conv_in.lora_A.weight", "base_model.model.conv_in.lora_B.weight"),
    }


def manifests():
    seeds = {}
    for folder, _, names in os.walk(ROOT + "/Models"):
        if "model.json" in names:
            seeds[os.path.basename(folder)] = open(folder + "/model.json", "rb").read()
    seeds["framediffuser"] = json.dumps({
        "family": "framediffuser", "name": "f", "version": "1", "licence": "MIT", "source": "s",
        "data": "d", "description": "d", "precision": "fp32", "prompt": "prompt.safetensors",
        "parts": {"unet": "unet", "controlnet": "controlnet", "vae": "vae"},
        "sampling": {"steps": 10, "sampler": "unipc"}, "files": [], "input": {},
    }).encode()
    return seeds


def clips():
    """Of the table that both clip readers answer alike."""
    table = json.load(open(ROOT + "/Tests/ClipTable/clips.json"))
    pictures, cameras = {}, {}

    def walk(value, path):
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, path + [name])
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, path + [str(index)])
        elif isinstance(value, str):
            try:
                data = base64.b64decode(value, validate=True)
            except ValueError:
                data = b""
            name = "-".join(path).replace("/", "-")[-60:]
            if data[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xdb", b"\xff\xd8\xff\xee"):
                pictures.setdefault(data, name)
            for text in (value.encode(), data):
                if text[:1] == b"{" and b"frames" in text:
                    cameras.setdefault(text, name)
    walk(table, [])
    whole = json.load(open(ROOT + "/Clips/atrium-flight/camera.json"))
    whole["frames"] = whole["frames"][:2]
    cameras[json.dumps(whole).encode()] = "atrium"
    return ({name: data for data, name in pictures.items()},
            {name: data for data, name in cameras.items()})


def toml():
    text = open(ROOT + "/config/frameloomd.toml").read()
    # The comments hold every key with its default.
    keys = "\n".join(line[2:] if line.startswith("# ") and " = " in line and line.count(" ") < 5 else line
                     for line in text.split("\n") if line[:1] in "#[" and len(line) < 60)
    return {"commented": text.encode(), "keys": keys.encode()}


def main():
    pictures, cameras = clips()
    seeds = {"protocol": protocol(), "shared-memory": shared_memory(), "control": control(),
             "safetensors": safetensors(), "lora": adapters(),
             "model-json": manifests(), "pictures": pictures,
             "camera": cameras, "toml": toml()}
    for target, inputs in seeds.items():
        folder = os.path.join(sys.argv[1], target)
        os.makedirs(folder, exist_ok=True)
        for name, data in inputs.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)


if __name__ == "__main__":
    main()
