# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Writes the network in every runtime's own form, and the features of real frames.

    python benchmarks/peers/prepare.py --model Models/atrium --clip Clips/atrium-flight --work DIR
"""

import argparse
import os
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "training"))

from color import rounded_to_bytes
from dataset import LoadedClip, load
from clip import Encodings
from geometry import PATCH, cells
from history import FrameBatch, carried, nothing_carried
from model import CompactDenoiser, FramePlanes, composed, convolved, picture
from model_files import read_model
from topology import PARTS

CALIBRATION_FRAMES = 8


class Layers(nn.Module):
    """The network without its probes and its place grid: features in, the head's channels out."""

    def __init__(self, network: CompactDenoiser):
        super().__init__()
        self.topology = network.topology
        for part in PARTS:
            setattr(self, part, getattr(network, part))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        convolve = lambda layer, x, added: convolved(self, layer, x, added)
        return self.topology.walk(x, convolve)["head"]


def network_inputs(network: CompactDenoiser, frame: FrameBatch, previous: FrameBatch | None,
                   own: torch.Tensor | None) -> tuple[FramePlanes, torch.Tensor]:
    """A frame's planes with its history, and its features `[1, channels, h, w]`."""
    config = network.config
    history = nothing_carried(frame) if own is None else \
        carried(frame, previous, own, config.own_trust)
    planes = FramePlanes(frame.base, frame.normal, frame.depth[:, None], frame.roughness,
                         frame.metallic, history.source, history.sigma, history.light)
    place = None
    if frame.cameras is not None:
        bounds = torch.tensor([config.bounds_min, config.bounds_max])
        place = cells(frame.depth, frame.normal, frame.cameras, bounds, config.normal_offset,
                      config.multiple, config.place_offset if config.place_sides else None)
    return planes, network.features(planes, place)


def walk(network: CompactDenoiser, clip: LoadedClip, count: int):
    """The first frames of a clip, each on the network's own last picture."""
    own, previous = None, None
    for index in range(min(count, len(clip))):
        frame = clip.frame(index)
        planes, features = network_inputs(network, frame, previous, own)
        yield planes, features
        own = rounded_to_bytes(picture(composed(network.layers(features), planes)))
        previous = frame


def composed_picture(head: np.ndarray, planes: dict[str, torch.Tensor]) -> torch.Tensor:
    """The 8-bit picture that a head `[1, 112, h, w]` makes of its frame."""
    out = F.pixel_shuffle(torch.from_numpy(head), PATCH)
    return rounded_to_bytes(picture(composed(out, FramePlanes(**planes))))


def write_openvino_int8(onnx: Path, calibration: list[np.ndarray], out: Path) -> None:
    import nncf
    import openvino
    model = openvino.Core().read_model(onnx)
    quantized = nncf.quantize(model, nncf.Dataset(calibration), preset=nncf.QuantizationPreset.MIXED,
                              subset_size=len(calibration))
    openvino.save_model(quantized, out, compress_to_fp16=False)


def write_onnxruntime_int8(onnx: Path, calibration: list[np.ndarray], out: Path) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Frames(CalibrationDataReader):
        def __init__(self):
            self.left = iter(calibration)

        def get_next(self):
            frame = next(self.left, None)
            return None if frame is None else {"features": frame}

    plain = out.with_suffix(".pre.onnx")
    quant_pre_process(str(onnx), str(plain))
    quantize_static(str(plain), str(out), Frames(), quant_format=QuantFormat.QDQ,
                    per_channel=True, activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8)


def write_ncnn(layers: nn.Module, features: torch.Tensor, work: Path) -> None:
    import pnnx
    here = os.getcwd()
    os.chdir(work)  # it writes files beside the ones it is told of
    try:
        pnnx.export(layers, "network.pt", (features,), fp16=False)
    finally:
        os.chdir(here)
    if not (work / "network.ncnn.param").exists():
        raise RuntimeError("pnnx wrote no network.ncnn.param")


def attempt(name: str, work: Path, step) -> None:
    """A runtime that cannot take the network is reported with its reason, not fatal."""
    try:
        step()
    except Exception as error:  # whatever a converter throws
        (work / f"{name}.error").write_text(f"{type(error).__name__}: {error}".splitlines()[0])
        print(f"prepare: {name}: {error}", file=sys.stderr)


@torch.no_grad()
def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--clip", type=Path, required=True, help="whose frame is timed")
    parser.add_argument("--frame", type=int, default=12)
    parser.add_argument("--calibration", type=Path,
                        help="clip, or folder of clips, to calibrate int8 with; by default --clip")
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    work = options.work
    work.mkdir(parents=True, exist_ok=True)
    network, _ = read_model(options.model)
    encodings = Encodings(None, "planar", "world")
    clip = load(options.clip, encodings)[0]
    planes, features = list(walk(network, clip, options.frame + 1))[-1]
    layers = Layers(network).eval()
    head = layers(features)

    features.numpy().astype("<f4").tofile(work / "features.f32")
    head.numpy().astype("<f4").tofile(work / "head.f32")
    torch.save({f.name: getattr(planes, f.name) for f in fields(planes)}, work / "planes.pt")
    (work / "model.txt").write_text(str(options.model.resolve()))
    (work / "shape.txt").write_text(" ".join(map(str, [*features.shape, head.shape[1]])))

    calibration = []
    for source in load(options.calibration or options.clip, encodings)[:CALIBRATION_FRAMES]:
        calibration += [f.numpy() for _, f in walk(network, source, CALIBRATION_FRAMES)]
    every = max(1, len(calibration) // CALIBRATION_FRAMES)
    calibration = calibration[::every][:CALIBRATION_FRAMES]

    onnx = work / "network.onnx"
    torch.onnx.export(layers, (features,), onnx, input_names=["features"], output_names=["head"],
                      opset_version=18, dynamo=True, external_data=False)
    attempt("openvino int8", work,
            lambda: write_openvino_int8(onnx, calibration, work / "openvino_int8.xml"))
    attempt("onnxruntime int8", work,
            lambda: write_onnxruntime_int8(onnx, calibration, work / "onnxruntime_int8.onnx"))
    attempt("ncnn", work, lambda: write_ncnn(layers, features, work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
