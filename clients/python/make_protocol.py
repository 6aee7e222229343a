#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Writes src/frameloom/protocol.py from frame_protocol.h, the protocol's only definition.

python clients/python/make_protocol.py          # writes it
python clients/python/make_protocol.py --check  # exits with 1 if it is not what would be written
"""
from __future__ import annotations

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
HEADER = FOLDER / "../../Sources/CFrameProtocol/include/frame_protocol.h"
MODULE = FOLDER / "src/frameloom/protocol.py"

SCALARS = {
    "uint8_t": "u1", "uint16_t": "<u2", "uint32_t": "<u4", "uint64_t": "<u8",
    "float": "<f4", "double": "<f8",
}

PREAMBLE = '''# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Numbers and structs of the wire protocol, as in frame_protocol.h and docs/protocol.md.

Written by make_protocol.py: change the header and run that.
"""
import numpy as np

'''


def number(text: str) -> str:
    """A C constant as Python writes it: `0x4D4F4F4Cu`, `(1ull << 3)`."""
    plain = re.sub(r"\b(0x[0-9A-Fa-f]+|\d+)(u|U|ul|ull|UL|ULL)\b", r"\1", text)
    if not re.fullmatch(r"[0-9A-Fa-fx()<\s]+", plain):
        raise SystemExit(f"make_protocol.py: what is the constant {text!r}?")
    return plain.strip("()") if plain.count("(") == 1 else plain


def constants(source: str) -> list[str]:
    found = re.findall(r"^#define (FL_\w+) (.+)$", source, re.MULTILINE)
    return [f"{name[3:]} = {number(value.strip())}" for name, value in found]


def struct(name: str, body: str) -> str:
    fields: list[str] = []
    for declaration in re.findall(r"[^;{}]+(?=;)", body):
        kind, names = declaration.strip().split(None, 1)
        for item in names.split(","):
            match = re.fullmatch(r"\s*(\w+)(?:\[(\w+)\])?\s*", item)
            if match is None:
                raise SystemExit(f"make_protocol.py: what is the field {item!r} of {name}?")
            field, count = match.groups()
            count = count.removeprefix("FL_") if count else None
            if kind == "char":
                fields.append(f'("{field}", "S{count}")')
                continue
            scalar = SCALARS.get(kind)
            word = f'"{scalar}"' if scalar else f"{kind}_dtype"
            fields.append(f'("{field}", {word}, ({count},))' if count else f'("{field}", {word})')
    lines = "".join(f"        {field},\n" for field in fields)
    return f"{name}_dtype = np.dtype(\n    [\n{lines}    ],\n    align=True,\n)"


def module() -> str:
    source = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.DOTALL)
    found = re.findall(r"typedef struct (\w+) \{(.*?)\} \1;", source, re.DOTALL)
    structs = [struct(name.removeprefix("fl_"), body.replace("fl_", ""))
               for name, body in found]
    return PREAMBLE + "\n".join(constants(source)) + "\n\n" + "\n\n".join(structs) + "\n"


def main() -> int:
    text = module()
    if "--check" not in sys.argv[1:]:
        MODULE.write_text(text)
        return 0
    if MODULE.read_text() == text:
        return 0
    print("src/frameloom/protocol.py is not what frame_protocol.h says: run "
          "clients/python/make_protocol.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
