# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Where a training runs: one process or several that train together, on which device, and how it
is asked to stop."""

import os
import signal
from dataclasses import dataclass

import torch
import torch.distributed as dist


@dataclass
class Place:
    """This process among those that train together."""

    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.rank == 0


def take_place(device: str) -> Place:
    count, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        torch.cuda.set_device(device)
    if count > 1:
        dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    return Place(rank, count, torch.device(device))


class Stop:
    """Set by SIGTERM or SIGINT: the step is finished, a checkpoint written, then it ends."""

    def __init__(self):
        self.asked = False
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.ask)

    def ask(self, *_) -> None:
        self.asked = True
