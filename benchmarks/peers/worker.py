# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""One runtime in a process of its own: loads the prepared network, then reads counts of passes from
standard input and answers each with its times in milliseconds, one line of JSON.

    python benchmarks/peers/worker.py "openvino int8" --work DIR --threads 2
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def shape_of(work: Path) -> tuple[list[int], int]:
    numbers = [int(n) for n in (work / "shape.txt").read_text().split()]
    return numbers[:4], numbers[4]


def pytorch(work: Path, features: np.ndarray, precision: str, threads: int):
    import torch
    torch.set_num_threads(threads)
    from prepare import Layers, read_model
    network, _ = read_model(Path((work / "model.txt").read_text()))
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    layers = Layers(network).eval().to(kind).to(memory_format=torch.channels_last)
    inputs = torch.from_numpy(features).to(memory_format=torch.channels_last)

    def run() -> np.ndarray:
        with torch.inference_mode():
            return layers(inputs.to(kind)).float()

    return run, lambda head: head.contiguous().numpy()


def onnxruntime(work: Path, features: np.ndarray, precision: str, threads: int):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    name = "network.onnx" if precision == "fp32" else "onnxruntime_int8.onnx"
    session = ort.InferenceSession(str(work / name), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_ortvalue_input("features", ort.OrtValue.ortvalue_from_numpy(features))
    binding.bind_output("head")

    def run():
        session.run_with_iobinding(binding)
        return binding

    return run, lambda bound: bound.copy_outputs_to_cpu()[0]


def openvino(work: Path, features: np.ndarray, precision: str, threads: int):
    import openvino as ov
    core = ov.Core()
    name = "openvino_int8.xml" if precision == "int8" else "network.onnx"
    compiled = core.compile_model(core.read_model(work / name), "CPU", {
        "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"})
    request = compiled.create_infer_request()
    request.set_input_tensor(ov.Tensor(features, shared_memory=True))

    def run():
        request.infer()
        return request

    return run, lambda asked: np.array(asked.get_output_tensor().data)


def ncnn(work: Path, features: np.ndarray, precision: str, threads: int):
    import ncnn as runtime
    net = runtime.Net()
    net.opt.num_threads = threads
    net.opt.use_bf16_storage = precision == "bf16"
    net.load_param(str(work / "network.ncnn.param"))
    net.load_model(str(work / "network.ncnn.bin"))
    blob = runtime.Mat(features[0]).clone()

    def run():
        extractor = net.create_extractor()
        extractor.input("in0", blob)
        return extractor.extract("out0")[1]

    return run, lambda head: np.array(head)[None]


RUNTIMES = {"pytorch": pytorch, "onnxruntime": onnxruntime, "openvino": openvino, "ncnn": ncnn}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help='runtime and precision, e.g. "openvino int8"')
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--head", type=Path, required=True, help="file for what the network gives")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:options.threads])
    runtime, precision = options.name.split()[:2]
    shape, _ = shape_of(options.work)
    features = np.fromfile(options.work / "features.f32", "<f4").reshape(shape)
    run, head_of = RUNTIMES[runtime](options.work, features, precision, options.threads)
    for _ in range(2):
        head = run()
    head_of(head).astype("<f4").tofile(options.head)
    print("ready", flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps({"ms": times}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
