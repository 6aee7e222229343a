# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Files of published diffusion models: found, told from what only looks like them, and read as far as
their headers. Every complaint names the file, what was expected and what was found."""

import json
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

STEM = "diffusion_pytorch_model"
VARIANTS = ("", ".fp16", ".bf16")  # in the daemon's order of preference
NAME = re.compile(r"[a-z0-9._-]{1,63}\Z")
LFS = b"version https://git-lfs"
DTYPES = {"F32": 4, "F16": 2, "BF16": 2}
MAX_HEADER = 100_000_000


class ImportFailed(Exception):
    """The published files cannot be used; the message says why."""


@dataclass
class Tensor:
    file: Path
    dtype: str
    shape: list[int]


@dataclass
class Container:
    """A safetensors file's header."""

    path: Path
    tensors: dict[str, Tensor]
    metadata: dict[str, str] = field(default_factory=dict)


def check_model_name(name: str) -> None:
    """The daemon's own rule."""
    if not NAME.match(name):
        near = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-")[:63] or "model"
        raise ImportFailed(f"--out: a model's name is 1 to 63 of [a-z0-9._-], found '{name}'; "
                           f"try '{near}'")


def snapshot(path: Path) -> Path:
    """The folder itself, or the snapshot that a hub cache's root means by `main`."""
    if not (path / "snapshots").is_dir():
        return path
    main = path / "refs" / "main"
    inside = sorted(p for p in (path / "snapshots").iterdir() if p.is_dir())
    if main.exists() and (path / "snapshots" / main.read_text().strip()).is_dir():
        return path / "snapshots" / main.read_text().strip()
    if len(inside) == 1:
        return inside[0]
    raise ImportFailed(f"{path}: is the root of a hub's cache with {len(inside)} snapshots; name one "
                       "of the folders in snapshots/")


def sd_folder(path: Path) -> Path:
    """Stable Diffusion as diffusers saves it. Raises `ImportFailed` for anything else."""
    if not path.exists():
        raise ImportFailed(f"{path}: no such folder")
    if path.is_file():
        raise ImportFailed(
            f"{path}: is a single-file checkpoint; a folder as diffusers saves it is read. Convert "
            "it first: StableDiffusionPipeline.from_single_file(FILE).save_pretrained(FOLDER)")
    path = snapshot(path)
    for part in ("unet", "vae", "text_encoder", "tokenizer", "scheduler"):
        if not (path / part).is_dir():
            single = sorted(p.name for p in path.glob("*.safetensors"))
            hint = f"; {single[0]} beside it is a single-file checkpoint, which must be converted " \
                "to such a folder first" if single else ""
            raise ImportFailed(f"{path}: has no folder {part}/ (expected unet, vae, text_encoder, "
                               f"tokenizer and scheduler, as diffusers saves them){hint}")
    return path


def part_folder(path: Path, option: str) -> Path:
    """A folder with a config.json and weights."""
    if not path.exists():
        raise ImportFailed(f"{path}: no such file or folder")
    if path.is_file():
        raise ImportFailed(f"{path}: {option} names a folder with config.json and weights, found a "
                           "file")
    path = snapshot(path)
    if not (path / "config.json").exists():
        inner = [p.name for p in sorted(path.iterdir()) if (p / "config.json").exists()]
        hint = f"; {path / inner[0]} has one" if inner else ""
        raise ImportFailed(f"{path}: no config.json{hint}")
    return path


def read_json(path: Path) -> dict:
    if not path.exists():
        raise ImportFailed(f"{path}: no such file")
    content = path.read_bytes()
    refuse_pointer(path, content)
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ImportFailed(f"{path}: is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise ImportFailed(f"{path}: is not a JSON object")
    return value


def refuse_pointer(path: Path, content: bytes) -> None:
    if content.startswith(LFS):
        raise ImportFailed(f"{path}: is a Git LFS pointer, not the file itself (git lfs pull "
                           "fetches it)")


def weight_files(folder: Path, stem: str = STEM) -> list[str]:
    """The files that the daemon will read, by the same preference."""
    for variant in VARIANTS:
        whole = f"{stem}{variant}.safetensors"
        if (folder / whole).exists():
            return [whole]
        index = folder / f"{stem}.safetensors.index{variant}.json"
        if index.exists():
            return sorted(set(weight_map(index).values()))
    other = sorted(p.name for p in folder.glob("*.bin")) + sorted(
        p.name for p in folder.glob("*.safetensors"))
    found = f"; found {other[0]}" if other else ""
    if other and other[0].endswith(".bin"):
        found += ", which must be converted to safetensors first"
    raise ImportFailed(f"{folder}: no {stem}.safetensors (nor .fp16, .bf16, nor an index of "
                       f"shards){found}")


def weight_map(index: Path) -> dict[str, str]:
    found = read_json(index).get("weight_map")
    if not isinstance(found, dict) or not found:
        raise ImportFailed(f"{index}: weight_map: expected an object of file names")
    for tensor, name in found.items():
        if not isinstance(name, str) or "/" in name or not name.endswith(".safetensors"):
            raise ImportFailed(f"{index}: weight_map.{tensor}: expected a safetensors file of the "
                               f"same folder, found {name!r}")
        if not (index.parent / name).exists():
            raise ImportFailed(f"{index.parent / name}: no such file, though {index.name} names it")
    return found


def read_container(path: Path) -> Container:
    """The header of a safetensors file, checked as the daemon checks it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        refuse_pointer(path, start + file.read(64))
        if len(start) < 8:
            raise ImportFailed(f"{path}: is no safetensors file: {size} bytes")
        length, = struct.unpack("<Q", start)
        if not 2 <= length <= min(size - 8, MAX_HEADER):
            raise ImportFailed(f"{path}: is no whole safetensors file: expected a header of at most "
                               f"{max(0, size - 8)} bytes, found {length}")
        file.seek(8)
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise ImportFailed(f"{path}: is no safetensors file: its header is not JSON") \
                from error
    container = Container(path, {}, header.pop("__metadata__", {}))
    for name, entry in header.items():
        container.tensors[name] = checked_tensor(path, name, entry, size - 8 - length)
    return container


def checked_tensor(path: Path, name: str, entry, data: int) -> Tensor:
    def wrong(expected: str, found) -> ImportFailed:
        return ImportFailed(f"{path}: tensor {name}: expected {expected}, found {found}")
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        count = 1
        for side in shape:
            count *= side
    except (KeyError, TypeError, ValueError) as error:
        raise wrong("dtype, shape and data_offsets", entry) from error
    if dtype not in DTYPES:
        raise wrong("dtype F32, F16 or BF16", dtype)
    if end - start != count * DTYPES[dtype]:
        raise wrong(f"{count * DTYPES[dtype]} bytes for shape {shape}", end - start)
    if not 0 <= start <= end <= data:
        raise wrong(f"data within the file's {data} bytes", f"{start} to {end}")
    return Tensor(path, dtype, shape)


def read_part(folder: Path) -> dict[str, Tensor]:
    """Every tensor of a part by its present name."""
    tensors: dict[str, Tensor] = {}
    for name in weight_files(folder):
        for tensor, found in read_container(folder / name).tensors.items():
            current = current_name(tensor)
            if current in tensors:
                raise ImportFailed(f"{folder / name}: tensor {tensor}: expected it once, found it "
                                   f"in {tensors[current].file.name} too")
            tensors[current] = found
    for variant in VARIANTS:
        index = folder / f"{STEM}.safetensors.index{variant}.json"
        if index.exists() and not (folder / f"{STEM}{variant}.safetensors").exists():
            for tensor, file in weight_map(index).items():
                if tensors.get(current_name(tensor), Tensor(Path(), "", [])).file.name != file:
                    raise ImportFailed(f"{folder / file}: tensor {tensor}: expected it there as "
                                       f"{index.name} says, found no such tensor")
            break
    return tensors


def current_name(name: str) -> str:
    """Stable Diffusion 1.5's VAE was published with older names of its attention layers."""
    if ".attentions." in name:
        for old, new in (("query", "to_q"), ("key", "to_k"), ("value", "to_v"),
                         ("proj_attn", "to_out.0")):
            name = re.sub(rf"\.{old}\.(weight|bias)\Z", rf".{new}.\1", name)
    return name
