# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Turns a training into a model folder that the daemon serves.

    python training/export.py RUN --to MODELS/NAME --licence CC0-1.0 --source "what it saw"
"""

import argparse
import sys
from pathlib import Path

from checkpoint import CheckpointError, read_checkpoint
from model import CompactDenoiser
from model_files import ModelError, read_model, write_model


def trained(folder: Path) -> tuple[CompactDenoiser, dict]:
    """The averaged network of a training and the whole state it was in."""
    state = read_checkpoint(folder)
    if state is None:
        raise CheckpointError(f"{folder} holds no checkpoint")
    network = CompactDenoiser(state["config"])
    network.load_state_dict(state["average"])
    return network.eval(), state


def network_of(folder: Path) -> tuple[CompactDenoiser, list[str]]:
    """From a model folder or a training; with the inputs it was trained without."""
    if (folder / "model.json").exists():
        return read_model(folder)[0], []
    network, state = trained(folder)
    return network, state["recipe"]["without"]


def is_name(name: str) -> bool:
    """Whether the daemon takes it as a model's name."""
    return bool(name) and not set(name) - set("abcdefghijklmnopqrstuvwxyz0123456789._-")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="The --out folder of a training.")
    parser.add_argument("--to", type=Path, required=True, help="Folder; its name is the model's.")
    parser.add_argument("--version", default="1")
    parser.add_argument("--description", help="One line for people.")
    parser.add_argument("--licence", required=True, help="Of the weights, an SPDX name.")
    parser.add_argument("--source", required=True, help="What the training data were.")
    options = parser.parse_args()
    name = options.to.name
    if not is_name(name):
        print(f"export: a model's name has only a-z, 0-9, '.', '_', '-': not '{name}'",
              file=sys.stderr)
        return 1
    try:
        network, state = trained(options.run)
        without = state["recipe"]["without"]
        if without:
            raise ModelError(f"{options.run} was trained without {', '.join(without)}: the daemon "
                             "would feed it what it never saw; it is for comparison only")
        document = write_model(
            network, options.to, name, options.version,
            options.description or f"Compact incremental denoiser for {name}",
            options.licence, options.source)
        read_model(options.to)
    except (CheckpointError, ModelError) as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    file = document["files"]["weights.safetensors"]
    print(f"{options.to}: {file['bytes']} bytes, sha256 {file['sha256']}, "
          f"{round(state['samples'])} samples")
    return 0


if __name__ == "__main__":
    sys.exit(main())
