# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""`model.json` + `weights.safetensors`: what the daemon serves, written and read."""

import hashlib
import json
import math
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

import color
import geometry
from files import written_whole
from model import INPUT_PLANES, LIGHT_RANGE, OUTPUT_PLANES, PLACE_FEATURES, PLACE_START, \
    CompactDenoiser, ModelConfig

FORMAT = "frameloom-model-1"
FORMAT_WITH_PLACE = "frameloom-model-2"  # one that reads the place grid or the emissive plane
WEIGHTS = "weights.safetensors"
READABLE = 0o644


class ModelError(Exception):
    """A model folder that cannot be used; the sentence says why."""


def described(config: ModelConfig, name: str, version: str, description: str, licence: str,
              source: str, files: dict) -> dict:
    planes = lambda pairs: [{"name": n, "channels": c} for n, c in pairs]
    place = {"placeGrid": {
        "rows": config.place_rows, "features": PLACE_FEATURES, "cell_sides": config.place_sides,
        "fine_levels": config.place_fine,
        "bounds_min": config.place_min, "bounds_max": config.place_max,
        "normal_offset": config.place_offset}} if config.place_sides else {}
    return {
        "format": FORMAT_WITH_PLACE if place or config.emissive else FORMAT, "family": "compact", "name": name, "version": version,
        "description": description, "licence": licence, "source": source, "files": files,
        "input": {
            "baseColor": "srgb",
            "normals": {"space": "world", "axes": "y-up right-handed"},
            "depth": {"kind": "planar", "unit": "metre", "curve": "log1p(z)/3-1", "sky": 1.0},
            "roughness": "linear", "metallic": "linear", "skyNormal": 0, "skyBaseColor": 0},
        "output": {"picture": "srgb", "eps": color.EPS, "lightRange": LIGHT_RANGE,
                   "carriedLightLimit": color.LIGHT_LIMIT}
        | ({"emissive": True} if config.emissive else {}),
        "network": {"inputPlanes": planes(INPUT_PLANES), "patch": geometry.PATCH,
                    "channels": config.channels, "blocks": config.blocks, "activation": "relu",
                    "outputPlanes": planes(OUTPUT_PLANES)},
        "history": serving(config) | {"ownTrust": config.own_trust, "resampling": "catmull-rom-clamped",
                    "depthRelative": geometry.DEPTH_RELATIVE,
                    "depthAbsolute": geometry.DEPTH_ABSOLUTE,
                    "skyDistance": geometry.SKY_DISTANCE},
        "probes": {"channels": config.probe_channels, "grid_xyz": config.probe_grid,
                   "bounds_min": config.bounds_min, "bounds_max": config.bounds_max,
                   "normal_offset": config.normal_offset},
    } | place


def serving(config: ModelConfig) -> dict:
    """What the daemon does with a history beside showing it to the network; absent: nothing."""
    stated = {"accumulation": config.accumulation} if config.accumulation > 0 else {}
    return stated | ({"mirrorParallax": config.mirror_parallax}
                     if math.isfinite(config.mirror_parallax) else {})


def config_from(document: dict) -> ModelConfig:
    try:
        network, probes = document["network"], document["probes"]
        stated = [(p["name"], p["channels"]) for p in network["inputPlanes"]]
        if stated != INPUT_PLANES:
            raise ModelError(f"input planes {stated} are not the ones these tools feed: "
                             f"{INPUT_PLANES}")
        if network["patch"] != geometry.PATCH:
            raise ModelError(f"patch {network['patch']} is not {geometry.PATCH}")
        return ModelConfig(
            channels=network["channels"], blocks=network["blocks"],
            probe_channels=probes["channels"], probe_grid=probes["grid_xyz"],
            bounds_min=probes["bounds_min"], bounds_max=probes["bounds_max"],
            normal_offset=probes["normal_offset"], own_trust=document["history"]["ownTrust"],
            emissive=document["output"].get("emissive", False),
            accumulation=document["history"].get("accumulation", 0.0),
            mirror_parallax=document["history"].get("mirrorParallax", math.inf),
            **place_config(document))
    except KeyError as missing:
        raise ModelError(f"model.json has no {missing}") from missing


def place_config(document: dict) -> dict:
    grid = document.get("placeGrid")
    if grid is None:
        return {}
    if grid["features"] != PLACE_FEATURES:
        raise ModelError(f"placeGrid has {grid['features']} features a row, not {PLACE_FEATURES}")
    sides, rows = grid["cell_sides"], grid["rows"]
    rows = [rows] * len(sides) if isinstance(rows, int) else rows
    if len(rows) != len(sides):
        raise ModelError(f"placeGrid has rows for {len(rows)} levels and sides for {len(sides)}")
    return {"place_sides": sides, "place_rows": rows,
            "place_fine": grid["fine_levels"], "place_min": grid["bounds_min"],
            "place_max": grid["bounds_max"], "place_offset": grid["normal_offset"]}


def stored(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """As the weights file holds it: tables of the place grid in 16 bits, rows that no training
    crop ever read (they still are within their start) as zeros."""
    tensor = tensor.detach().float().cpu().contiguous()
    if not name.startswith("place."):
        return tensor
    read = (tensor.abs() > PLACE_START).any(1, keepdim=True)
    return torch.where(read, tensor, 0.0).half()


def read_model(folder: str | Path, check_hash: bool = True) -> tuple[CompactDenoiser, dict]:
    """The network with its weights, and the document it was described by."""
    folder = Path(folder)
    try:
        document = json.loads((folder / "model.json").read_text())
        weights = (folder / WEIGHTS).read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{folder} is no model folder: no {Path(error.filename).name}") from error
    stated = document.get("files", {}).get(WEIGHTS, {}).get("sha256")
    if check_hash and hashlib.sha256(weights).hexdigest() != stated:
        raise ModelError(f"{folder / WEIGHTS} does not have the SHA-256 that model.json states")
    network = CompactDenoiser(config_from(document))
    tensors = load_file(folder / WEIGHTS)
    expected = network.state_dict()
    missing, unused = expected.keys() - tensors.keys(), tensors.keys() - expected.keys()
    if missing or unused:
        raise ModelError(f"{folder / WEIGHTS}: missing {sorted(missing)}, unused {sorted(unused)}")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ModelError(f"{name} is {list(tensor.shape)} in the file, "
                             f"{list(expected[name].shape)} by model.json")
    network.load_state_dict(tensors)
    return network.eval(), document


def write_model(network: CompactDenoiser, folder: str | Path, name: str, version: str,
                description: str, licence: str, source: str) -> dict:
    """Writes both files; a reader never sees a half-written one."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: stored(key, value) for key, value in sorted(network.state_dict().items())}
    for key, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise ModelError(f"{key} holds values that are not finite: the training diverged")
    with written_whole(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
        os.chmod(temporary, READABLE)  # the package lets nobody else read it, the daemon must
        content = temporary.read_bytes()
    files = {WEIGHTS: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}}
    document = described(network.config, name, version, description, licence, source, files)
    write_document(folder, document)
    return document


def write_document(folder: str | Path, document: dict) -> None:
    with written_whole(Path(folder) / "model.json") as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n")


def write_precisions(folder: str | Path, entries: list[dict]) -> None:
    """Puts what the precisions cost into a model's description."""
    document = json.loads((Path(folder) / "model.json").read_text())
    document["precisions"] = entries
    write_document(folder, document)


def add_file(folder: str | Path, name: str, content: bytes) -> None:
    """Puts a file into a model folder and lists it in model.json."""
    folder = Path(folder)
    document = json.loads((folder / "model.json").read_text())
    document["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(),
                               "bytes": len(content)}
    (folder / name).write_bytes(content)
    write_document(folder, document)
