# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A published LoRA's file: which layers it is for, and its alpha, which stands in tensors (kohya), in
the file's metadata (diffusers) or in an adapter_config.json beside it (peft). The daemon reads alpha
from tensors, and from metadata one for all layers, so that a file with any other is written anew."""

import json
import re
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

from names import nearest
from published_files import Container, ImportFailed, read_container, read_json, snapshot

FILE_NAMES = ("pytorch_lora_weights.safetensors", "adapter_model.safetensors",
              "controllora.safetensors")
CONFIG = "adapter_config.json"
# NeuralModel's LowRankAdapter reads the same endings.
ENDINGS = [(".lora_A.weight", "down"), (".lora_B.weight", "up"), (".lora_A.default.weight", "down"),
           (".lora_B.default.weight", "up"), (".lora.down.weight", "down"),
           (".lora.up.weight", "up"), (".lora_down.weight", "down"), (".lora_up.weight", "up"),
           ("_lora.down.weight", "down"), ("_lora.up.weight", "up"), (".alpha", "alpha")]
PREFIXES = ("unet.", "base_model.model.unet.", "base_model.model.", "")
TEXT_ENCODER = ("lora_te", "text_encoder.", "text_encoder_2.", "base_model.model.text_encoder",
                "base_model.model.text_model", "text_model.")
WIDENED = "conv_in"  # the layer that gets the previous latent's channels
# Of a peft configuration: what says how strong the factors are, what is not computed, and what only
# says how the training was set up.
CONFIG_READ = {"r", "lora_alpha", "rank_pattern", "alpha_pattern", "use_rslora"}
CONFIG_FIXED = {
    "use_dora": [False, None], "lora_bias": [False, None], "bias": ["none", None],
    "fan_in_fan_out": [False, None], "peft_type": ["LORA", None], "modules_to_save": [None, []],
    "layer_replication": [None], "trainable_token_indices": [None], "use_qalora": [False, None],
    "use_bdlora": [None, False], "arrow_config": [None], "alora_invocation_tokens": [None],
    "target_parameters": [None], "lora_ga_config": [None]}
CONFIG_HARMLESS = {
    "target_modules", "exclude_modules", "lora_dropout", "init_lora_weights", "inference_mode",
    "base_model_name_or_path", "auto_mapping", "revision", "task_type", "layers_to_transform",
    "layers_pattern", "megatron_config", "megatron_core", "loftq_config", "eva_config",
    "corda_config", "runtime_config", "qalora_group_size", "ensure_weight_tying", "peft_version",
    "num_pattern", "monteclora_config", "velora_config"}


@dataclass
class Lora:
    container: Container
    layers: dict[str, dict[str, str]]  # by layer: down, up, alpha: names of tensors
    scales: dict[str, float] = field(default_factory=dict)  # by layer, alpha of metadata
    left_out: list[str] = field(default_factory=list)  # tensors of a text encoder

    @property
    def is_as_published(self) -> bool:
        """Whether the daemon reads the file itself rightly."""
        return not self.left_out and not self.scales


def lora_file(path: Path) -> Path:
    """The file itself, or the one in a folder."""
    if not path.exists():
        raise ImportFailed(f"{path}: no such file")
    if path.is_file():
        return path
    path = snapshot(path)
    for name in FILE_NAMES:
        if (path / name).exists():
            return path / name
    raise ImportFailed(f"{path}: holds none of {', '.join(FILE_NAMES)}; name the LoRA's file")


def read_lora(path: Path, layer_shapes: dict[str, list[int]]) -> Lora:
    """`layer_shapes`: the UNet's tensors, by which the LoRA's layers are checked."""
    if path.suffix == ".bin" or path.suffix == ".pt":
        raise ImportFailed(f"{path}: expected a safetensors file, found {path.suffix}; convert it "
                           "first")
    container = read_container(path)
    known = {name.removesuffix(".weight"): shape for name, shape in layer_shapes.items()
             if name.endswith(".weight")}
    underscored = {name.replace(".", "_"): name for name in reversed(list(known))}
    lora = Lora(container, {})
    for name, tensor in container.tensors.items():
        if name.startswith(TEXT_ENCODER):
            lora.left_out.append(name)
            continue
        found = parsed(name, known, underscored)
        if found is None:
            raise ImportFailed(f"{path}: tensor {name}: expected a LoRA factor of a layer of the "
                               f"UNet, found shape {tensor.shape}")
        layer, kind = found
        parts = lora.layers.setdefault(layer, {})
        if kind in parts:
            raise ImportFailed(f"{path}: tensor {name}: expected the layer's factor once, found "
                               f"{parts[kind]} too")
        parts[kind] = name
    check_factors(lora, known)
    lora.scales = stated_scales(path, lora)
    return lora


def parsed(name: str, known: dict, underscored: dict) -> tuple[str, str] | None:
    for ending, kind in ENDINGS:
        if not name.endswith(ending):
            continue
        layer = name.removesuffix(ending)
        if layer.startswith("lora_unet_"):
            if layer[10:] in underscored:
                return underscored[layer[10:]], kind
            continue
        for prefix in PREFIXES:
            inner = layer.removeprefix(prefix)
            if prefix and inner == layer:
                continue
            if ".processor.to_" in inner:
                inner = inner.replace(".processor.to_", ".to_", 1)
                inner += ".0" if inner.endswith(".to_out") else ""
            if inner in known:
                return inner, kind
    return None


def check_factors(lora: Lora, known: dict[str, list[int]]) -> None:
    tensors, path = lora.container.tensors, lora.container.path
    for layer, parts in sorted(lora.layers.items()):
        for kind, other in (("down", "up"), ("up", "down")):
            if kind not in parts:
                name = parts.get(other, parts.get("alpha", layer))
                raise ImportFailed(f"{path}: tensor {name}: expected the layer's other factor too, "
                                   "found this one alone")
        down, up = tensors[parts["down"]].shape, tensors[parts["up"]].shape
        weight = known[layer]
        if len(down) < 2 or len(up) < 2 or prod(up[1:]) != down[0] or down[0] < 1:
            raise ImportFailed(f"{path}: tensor {parts['up']}: expected [outputs, rank] for a first "
                               f"factor of shape {down}, found shape {up}")
        inputs, columns = prod(weight[1:]), prod(down[1:])
        fits = columns == inputs
        if layer == WIDENED and len(weight) == 4:
            fits = columns in (inputs, 2 * inputs)
        if not fits:
            raise ImportFailed(f"{path}: tensor {parts['down']}: expected {inputs} values per rank "
                               f"for a weight of shape {weight}, found shape {down}")
        if up[0] != weight[0]:
            raise ImportFailed(f"{path}: tensor {parts['up']}: expected {weight[0]} outputs, found "
                               f"shape {up}")
        if "alpha" in parts and prod(tensors[parts["alpha"]].shape) != 1:
            raise ImportFailed(f"{path}: tensor {parts['alpha']}: expected one number, found shape "
                               f"{tensors[parts['alpha']].shape}")


# Alpha that stands outside of the tensors


def stated_scales(path: Path, lora: Lora) -> dict[str, float]:
    """alpha / rank of each layer, where metadata or a configuration states one that is not 1."""
    config, place = stated_config(path, lora)
    if config is None or not lora.layers:
        return {}
    known = sorted(CONFIG_READ | set(CONFIG_FIXED) | CONFIG_HARMLESS)
    for key, value in config.items():
        if key not in known and value not in (None, False, [], {}, ""):  # off, whatever it is
            raise ImportFailed(f"{place}: {key} is not known; the nearest known key is "
                               f"{nearest(key, known)}")
        if key in CONFIG_FIXED and value not in CONFIG_FIXED[key] and value != {}:
            raise ImportFailed(f"{place}: {key}: expected {CONFIG_FIXED[key][0]}, found {value}")
    if any("alpha" in parts for parts in lora.layers.values()):
        raise ImportFailed(f"{place}: states alpha, and so do tensors: expected one of them")
    scales = {}
    for layer, parts in lora.layers.items():
        rank = lora.container.tensors[parts["down"]].shape[0]
        stated = of_pattern(config.get("rank_pattern"), layer, config.get("r", rank))
        if stated != rank:
            raise ImportFailed(f"{place}: r: expected {rank}, the rank of {parts['down']}, found "
                               f"{stated}")
        alpha = of_pattern(config.get("alpha_pattern"), layer, config.get("lora_alpha", rank))
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)):
            raise ImportFailed(f"{place}: lora_alpha: expected a number, found {alpha}")
        scales[layer] = alpha / (rank ** 0.5 if config.get("use_rslora") else rank)
    # A pattern is written out even where it changes nothing: the daemon reads none.
    has_pattern = any(config.get(key) for key in ("rank_pattern", "alpha_pattern", "use_rslora"))
    return scales if has_pattern or any(scale != 1 for scale in scales.values()) else {}


def stated_config(path: Path, lora: Lora) -> tuple[dict | None, str]:
    """The configuration of the UNet's adapter, and what messages call it."""
    text = lora.container.metadata.get("lora_adapter_metadata")
    beside = path.parent / CONFIG
    if text is not None:
        try:
            stated = json.loads(text)
            config = {key.removeprefix("unet."): value for key, value in stated.items()
                      if key.startswith("unet.")}
        except (ValueError, AttributeError) as error:
            raise ImportFailed(f"{path}: metadata lora_adapter_metadata: is not valid JSON") \
                from error
        return config or None, f"{path}: metadata lora_adapter_metadata"
    if beside.exists():
        return read_json(beside), str(beside)
    return None, ""


def of_pattern(pattern: dict | None, layer: str, otherwise):
    """As peft chooses it: the first pattern that the layer's name ends with."""
    for key, value in (pattern or {}).items():
        if re.match(rf"(.*\.)?({key})$", layer):
            return value
    return otherwise


def write_lora(lora: Lora, to: Path) -> None:
    """The layers of the UNet alone, with alpha as tensors, where the daemon looks for it."""
    import torch
    from safetensors.torch import load_file, save_file
    tensors = {name: tensor.contiguous() for name, tensor in load_file(lora.container.path).items()
               if name not in lora.left_out}
    for layer, scale in lora.scales.items():
        down = lora.layers[layer]["down"]
        tensors[f"unet.{layer}.alpha"] = torch.tensor(scale * tensors[down].shape[0])
    save_file(tensors, to)
