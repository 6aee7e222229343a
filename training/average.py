# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The weighted mean of several models' weights as a new model folder.

    python training/average.py RUN MODELS/OTHER --to MODELS/NAME --licence CC0-1.0 --source "..."

Trainings that went on from the same weights lie in one valley of the loss, and their mean is often
better than each (model soups, arXiv 2203.05482). Judge it before it is served: a mean has been seen
here that was better on every clip and forgot more slowly where a player stops (evaluate.py --hold).
"""

import argparse
import sys
from pathlib import Path

import torch

from checkpoint import CheckpointError
from export import is_name, network_of
from model import CompactDenoiser
from model_files import ModelError, write_model


def averaged_networks(networks: list[CompactDenoiser], shares: list[float]) -> CompactDenoiser:
    """Raises `ModelError` where the networks have not the same sizes."""
    first = networks[0]
    for other in networks[1:]:
        for name, value in vars(first.config).items():
            if getattr(other.config, name) != value:
                raise ModelError(f"{name} is {value} in one model and "
                                 f"{getattr(other.config, name)} in another: only models of equal "
                                 "sizes and bounds have a mean")
    mean = CompactDenoiser(first.config)
    total = sum(shares)
    states = [network.state_dict() for network in networks]
    mean.load_state_dict({name: sum(share / total * state[name].double()
                                    for share, state in zip(shares, states)).float()
                          for name in states[0]})
    return mean.eval()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+", help="Trainings or model folders.")
    parser.add_argument("--shares", type=float, nargs="+", help="How much each counts (equally).")
    parser.add_argument("--to", type=Path, required=True, help="Folder; its name is the model's.")
    parser.add_argument("--version", default="1", help="Of the model, for people.")
    parser.add_argument("--description", help="One line for people.")
    parser.add_argument("--licence", required=True, help="Of the weights, an SPDX name.")
    parser.add_argument("--source", required=True, help="What the training data were.")
    options = parser.parse_args()
    shares = options.shares or [1.0] * len(options.models)
    if len(shares) != len(options.models) or min(shares) < 0 or sum(shares) <= 0:
        parser.error(f"--shares needs {len(options.models)} numbers, none negative, not all zero")
    if not is_name(options.to.name):
        parser.error(f"a model's name has only a-z, 0-9, '.', '_', '-': not '{options.to.name}'")
    try:
        with torch.no_grad():
            mean = averaged_networks([network_of(path)[0] for path in options.models], shares)
        write_model(mean, options.to, options.to.name, options.version,
                    options.description or f"Compact incremental denoiser for {options.to.name}",
                    options.licence, options.source)
    except (CheckpointError, ModelError) as error:
        print(f"average: {error}", file=sys.stderr)
        return 1
    print(f"{options.to}: the mean of {len(options.models)} models")
    return 0


if __name__ == "__main__":
    sys.exit(main())
