# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The compact network's layers in the order of computing, and which reads what: written once, for
whoever makes weights, computes, calibrates or counts work (the daemon's is
`Sources/NeuralModel/Compact/CompactTopology.swift`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True)
class Layer:
    """One convolution. Its name is that of its weights and of the value that it finishes."""

    name: str
    inputs: int  # channels
    outputs: int
    side: int  # of its kernel; 2: at every second pixel
    level: int  # of its result, 0 the finest
    has_bias: bool = True
    relu_before: bool = False  # reads max(x, 0)
    doubles_added: bool = False  # what is added has half the size: it is repeated 2x2

    @property
    def part(self) -> str:
        return self.name.split(".")[0]


PARTS = ("stem", "encoder", "down", "up", "skip", "decoder", "head")  # of names; the file's order


@dataclass(frozen=True)
class Topology:
    """`channels` and `blocks` are those of each level, the finest first."""

    inputs: int  # channels
    channels: list[int]
    blocks: list[int]
    outputs: int

    def walk(self, features: Value,
             convolve: Callable[[Layer, Value, Value | None], Value]) -> dict[str, Value]:
        """Goes through the network from its features to its head; gives what each stage hands on.
        `convolve(layer, x, added)` is what a layer makes of the value that it reads and of one that
        is added to its result: `layer(x) + added`."""
        stages: dict[str, Value] = {}

        def residual_blocks(part: str, level: int, x: Value) -> Value:
            """x + conv2(relu(conv1(relu(x)))), 3x3, some times after each other."""
            width = self.channels[level]
            for index in range(self.blocks[level]):
                first, second = (
                    Layer(f"{part}.{level}.{index}.{name}", width, width, 3, level, relu_before=True)
                    for name in ("conv1", "conv2"))
                x = convolve(second, convolve(first, x, None), x)
            stages[f"{part}.{level}"] = x
            return x

        stem = Layer("stem", self.inputs, self.channels[0], 1, 0)
        x = stages["stem"] = convolve(stem, features, None)
        for level, width in enumerate(self.channels):
            if level > 0:
                down = Layer(f"down.{level - 1}", self.channels[level - 1], width, 2, level)
                x = stages[down.name] = convolve(down, x, None)
            x = residual_blocks("encoder", level, x)
        for level in reversed(range(len(self.channels) - 1)):
            width = self.channels[level]
            up = Layer(f"up.{level}", self.channels[level + 1], width, 1, level + 1)
            skip = Layer(f"skip.{level}", width, width, 1, level, has_bias=False,
                         doubles_added=True)
            x = convolve(skip, stages[f"encoder.{level}"], convolve(up, x, None))
            x = residual_blocks("decoder", level, x)
        head = Layer("head", self.channels[0], self.outputs, 3, 0, relu_before=True)
        stages["head"] = convolve(head, x, None)
        return stages

    @property
    def layers(self) -> list[Layer]:
        """In the order of computing."""
        layers: list[Layer] = []
        self.walk(None, lambda layer, x, added: layers.append(layer))
        return layers

    @property
    def stored(self) -> list[Layer]:
        """In the order of weights files and of optimisers' states: part by part, each from its finest
        level."""
        return sorted(self.layers, key=lambda layer: (PARTS.index(layer.part), layer.level))
