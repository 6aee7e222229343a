# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes the files that the Swift tests compare the daemon's network and geometry with.

    python training/make_goldens.py --model Models/atrium            new outputs, inputs kept
    python training/make_goldens.py --model Models/atrium --compare  says how far they are off
    python training/make_goldens.py --model Models/atrium --clip DATA/val/walk00   all anew
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from accumulation import accumulated, eye_moved, kept, mirrors
from clip import Encodings
from clip_files import ClipError
from color import linear_from_srgb, log_light
from dataset import batch, load
from geometry import DEPTH_ABSOLUTE, DEPTH_RELATIVE, IN_FRONT, PATCH, Camera, Cells, cells, \
    motion, nearest_index, trust, warp
from history import SHINING, FrameBatch, masked
from model import INPUT_PLANES, CompactDenoiser, FramePlanes, composed, picture
from model_files import ModelError, read_model

GOLDENS = Path(__file__).resolve().parent.parent / "Tests" / "TestSupport" / "Goldens"
NEAR_ROUNDING = 0.002  # pixels: an index this close to being rounded the other way is undecided
NEAR_DEPTH = 1e-3  # metres: the same for the depth test
WINDOWS = {"geometry": (128, 128, 160, 128), "padding": (158, 148, 70, 50)}
FRAME = 10
PLANE_CHANNELS = sum(count for _, count in INPUT_PLANES) * PATCH * PATCH  # of the features

Tensors = dict[str, torch.Tensor]


def network_inputs(config, seed: int = 7) -> Tensors:
    """Random planes of 96x64: with sky, with and without history, with cells of sky only."""
    draw = torch.Generator().manual_seed(seed)
    random = lambda *shape: torch.rand(*shape, generator=draw)
    height, width = 64, 96
    h, w = height // 4, width // 4
    view = torch.randn(3, h, w, generator=draw)
    sky = torch.zeros(1, height, width, dtype=torch.bool)
    sky[:, :8] = True
    depth = torch.where(sky, 0.0, random(1, height, width) * 19 + 1)
    return {
        "base": random(3, height, width), "normal": random(3, height, width) * 2 - 1,
        "depth_m": depth, "rough": random(1, height, width),
        "metal": (random(1, height, width) > 0.8).float(), "x": random(3, height, width),
        "sigma": torch.where(random(1, height, width) < 0.6, 0.05, 1.0),
        "light": random(3, height, width) * 4 - 2,
        "pos": (random(h, w, 3) * 2.5 - 1.25).clamp(-1, 1), "view": view / view.norm(dim=0),
        "cell_has_surface": (random(1, h, w) > 0.1).float()} | (
            block_inputs(config, h, w, draw) if config.place_sides else {})


def block_inputs(config, h: int, w: int, draw: torch.Generator) -> Tensors:
    """Points of the 2x2 blocks, some beyond the bounds of the place grid, and which are sky."""
    low, high = torch.tensor(config.place_min), torch.tensor(config.place_max)
    part = torch.rand(2 * h, 2 * w, 3, generator=draw) * 1.2 - 0.1
    return {"block_pos": low + part * (high - low),
            "block_has_surface": (torch.rand(1, 2 * h, 2 * w, generator=draw) > 0.1).float()}


@torch.no_grad()
def network_outputs(network: CompactDenoiser, inputs: Tensors) -> Tensors:
    one = {name: tensor[None] for name, tensor in inputs.items()}
    planes = FramePlanes(one["base"], one["normal"], one["depth_m"], one["rough"], one["metal"],
                         one["x"], one["sigma"], one["light"])
    place = Cells(one["pos"].permute(0, 3, 1, 2), one["cell_has_surface"] > 0, one["view"])
    if "block_pos" in one:
        place.block_position = one["block_pos"].permute(0, 3, 1, 2)
        place.block_has_surface = one["block_has_surface"] > 0
    features = network.features(planes, place)
    stages = {name: tensor[0] for name, tensor in network.stages(features).items()}
    stages["head"] = torch.pixel_shuffle(stages["head"], PATCH)
    head = stages["head"][None]
    linear = composed(head, planes)
    bare = composed(network.layers(network.features(planes, None)), planes)
    return stages | {"features": features[0], "linear": linear[0], "picture": picture(linear)[0],
                     "picture_without_camera": picture(bare)[0]}


def camera_from(entry: dict) -> Camera:
    numbers = tuple(v for row in entry["camera_to_world"] for v in row)
    return Camera(*(entry[k] for k in ("fx", "fy", "cx", "cy", "width", "height", "near", "far")),
                  numbers)


def camera_entry(camera: Camera) -> dict:
    return {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx, "cy": camera.cy,
            "camera_to_world": camera.matrix().tolist(), "near": camera.near, "far": camera.far,
            "width": camera.width, "height": camera.height}


def window_inputs(clip_folder: Path, window: tuple[int, int, int, int]) -> tuple[Tensors, dict]:
    clip = load(clip_folder, Encodings())[0]
    x, y, width, height = window
    current, previous = (batch([(clip, i, x, y)], width, height) for i in (FRAME, FRAME - 1))
    raw = clip.planes[FRAME, :, y:y + height, x:x + width]
    before = clip.planes[FRAME - 1, :, y:y + height, x:x + width]
    tensors = {"base": raw[0:3], "normal": raw[3:6], "roughness": raw[6], "metallic": raw[7],
               "depth_m": current.depth[0], "previous_base": before[0:3],
               "previous_picture": before[8:11], "previous_depth_m": previous.depth[0]}
    cameras = {"clip": f"{clip_folder.parent.name}/{clip.name}", "frame": FRAME,
               "window": {"x": x, "y": y, "width": width, "height": height},
               "current": camera_entry(current.cameras[0]),
               "previous": camera_entry(previous.cameras[0])}
    return {name: t.contiguous() for name, t in tensors.items()}, cameras


def undecided(pixel: torch.Tensor, reprojected: torch.Tensor, depth: torch.Tensor,
              previous_depth: torch.Tensor) -> torch.Tensor:
    """Pixels whose history another rounding could give or take: bool `[B, H, W]`."""
    _, height, width = previous_depth.shape
    close = torch.zeros_like(depth, dtype=torch.bool)
    for axis, size in ((0, width), (1, height)):
        at = pixel[:, axis]
        close |= ((at - 0.5) - torch.floor(at - 0.5) - 0.5).abs() < NEAR_ROUNDING
        close |= (at.abs() < NEAR_ROUNDING) | ((at - size).abs() < NEAR_ROUNDING)
    row, column = nearest_index(pixel[:, 1], height), nearest_index(pixel[:, 0], width)
    there = previous_depth[0][row[0], column[0]][None].to(reprojected.dtype)
    margin = (there - reprojected).abs() - (DEPTH_RELATIVE * reprojected + DEPTH_ABSOLUTE)
    close |= (margin.abs() < NEAR_DEPTH) & (depth > 0) & (there > 0)
    return close & (reprojected > IN_FRONT)


@torch.no_grad()
def window_outputs(network: CompactDenoiser, inputs: Tensors, cameras: dict) -> Tensors:
    """Geometry in float64, as the judge; what the network makes of it in float32."""
    unit = lambda name: inputs[name][None].float() / 255
    current, before = camera_from(cameras["current"]), camera_from(cameras["previous"])
    depth, previous_depth = inputs["depth_m"][None], inputs["previous_depth_m"][None]
    normal = inputs["normal"][None].float() / 127.5 - 1
    pixel, reprojected = motion(depth, [current], [before], torch.float64)
    valid = trust(pixel, reprojected, depth, previous_depth)
    shown, base = unit("previous_picture"), unit("base")
    moved = warp(torch.cat([shown, log_light(shown, unit("previous_base"))], 1).double(), pixel)
    rough = unit("roughness")[:, None]
    emissive = unit("emissive") if "emissive" in inputs else None
    if emissive is not None:
        valid &= linear_from_srgb(emissive).amax(1) <= SHINING
    frame = FrameBatch(base, normal, depth, rough, unit("metallic")[:, None], base, [current],
                       emissive=emissive)
    config = network.config
    source, light = moved[:, :3].float(), moved[:, 3:].float()
    step = eye_moved([current], [before], depth.device)
    mirror = mirrors(rough, frame.metallic, depth, None, step, config.mirror_parallax)[:, 0]
    history = masked(frame, source, light, valid & ~mirror, pixel, config.own_trust)
    previous = kept(base, None, rough, source, light, valid, config.accumulation) \
        if config.accumulation > 0 else None
    place = cells(depth, normal, [current], torch.tensor([config.bounds_min, config.bounds_max]),
                  config.normal_offset, config.multiple,
                  config.place_offset if config.place_sides else None, torch.float64)
    place = replace(place, position=place.position.float(), view=place.view.float())
    blocks = {}
    if config.place_sides:
        place.block_position = place.block_position.float()
        blocks = {"block_position": place.block_position[0],
                  "block_has_surface": place.block_has_surface[0, 0].byte()}
    planes = FramePlanes(base, normal, depth[:, None], rough, frame.metallic, history.source,
                         history.sigma, history.light, emissive)
    features = network.features(planes, place)
    linear = composed(network.layers(features), planes)
    keeping = {} if previous is None else {
        "kept": (previous.picture[0] * 255).round().byte(),
        "kept_share": (previous.share[0, 0] * 255).round().byte(),
        "shown": accumulated(picture(linear), previous)[0]}
    probes = PLANE_CHANNELS, PLANE_CHANNELS + config.probe_channels
    return {
        "previous_pixel": pixel[0].float(), "in_front": (reprojected[0] > IN_FRONT).byte(),
        "valid": valid[0].byte(), "undecided":
            (undecided(pixel, reprojected, depth, previous_depth)
             | ((depth * config.mirror_parallax - step[:, 0]).abs() < NEAR_DEPTH))[0].byte(),
        "x": history.source[0], "sigma": history.sigma[0], "light": history.light[0],
        "cell_position": place.position[0],
        "cell_has_surface": place.has_surface[0, 0].byte(), "view": place.view[0],
        "probe_features": features[0, slice(*probes)], "features": features[0],
        "picture": picture(linear)[0]} | blocks | keeping


def shares(outputs: Tensors, inputs: Tensors) -> dict:
    share = lambda t: round(float(t.float().mean()), 4)
    return {"valid_share": share(outputs["valid"]), "sky_share": share(inputs["depth_m"] <= 0),
            "undecided_pixels": int(outputs["undecided"].sum())}


def made(network: CompactDenoiser, name: str, folder: Path,
         clip: Path | None) -> tuple[Tensors, dict | None]:
    """The tensors of one golden file, and the JSON beside it."""
    path = folder / f"goldens_{name}.safetensors"
    kept = {}
    if clip is None:
        kept = {k[3:]: v for k, v in load_file(path).items() if k.startswith("in.")}
    cameras = None
    if name == "network":
        inputs = kept or network_inputs(network.config)
        outputs = network_outputs(network, inputs)
    else:
        if clip is None:
            inputs = kept
            cameras = json.loads(path.with_suffix(".json").read_text())
        else:
            inputs, cameras = window_inputs(clip, WINDOWS[name])
        outputs = window_outputs(network, inputs, cameras)
        cameras = cameras | shares(outputs, inputs)
    tensors = {f"in.{k}": v for k, v in inputs.items()}
    tensors |= {f"out.{k}": v for k, v in outputs.items()}
    # The file takes no two names for the same memory.
    return {k: v.contiguous().clone() for k, v in tensors.items()}, cameras


def compared(made: Tensors, committed: Tensors) -> list[str]:
    """What differs by more than float32's rounding; shapes and types must be equal."""
    said = [f"{k}: only in one of the two" for k in sorted(made.keys() ^ committed.keys())]
    for name in sorted(made.keys() & committed.keys()):
        a, b = made[name], committed[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            said.append(f"{name}: {a.dtype}{list(a.shape)} against {b.dtype}{list(b.shape)}")
            continue
        apart = (a.float() - b.float()).abs()
        if name in ("out.cell_position", "out.block_position"):  # sky has none
            apart = apart * committed[name.replace("position", "has_surface")]
        off, scale = float(apart.max()), float(b.float().abs().max())
        # Room for sums taken in another order; the Swift tests allow 1e-4 of a stage.
        if off > 1e-5 * max(scale, 1.0):
            said.append(f"{name}: off by {off:.2e} of {scale:.2e}")
    return said


def handled(path: Path, tensors: Tensors, cameras: dict | None, compare: bool) -> bool:
    """Writes a file of goldens, or says what in the one that is there differs; whether it does."""
    if compare:
        said = compared(tensors, load_file(path))
        print(f"{path.name}: " + ("equal" if not said else "\n  ".join(["", *said])))
        return bool(said)
    save_file(tensors, path)
    if cameras:
        path.with_suffix(".json").write_text(json.dumps(cameras, indent=1) + "\n")
    print(f"wrote {path}")
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--clip", type=Path, help="Take new inputs from this clip.")
    parser.add_argument("--out", type=Path, default=GOLDENS)
    parser.add_argument("--compare", action="store_true", help="Write nothing.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    differing = False
    try:
        network, _ = read_model(options.model)
        for name in ("network", "geometry", "padding"):
            tensors, cameras = made(network, name, options.out, options.clip)
            path = options.out / f"goldens_{name}.safetensors"
            differing |= handled(path, tensors, cameras, options.compare)
    except (ClipError, ModelError, FileNotFoundError) as error:
        print(f"make_goldens: {error}", file=sys.stderr)
        return 1
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
