# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes a model folder for the daemon from FrameDiffuser's published files.

    python training/import_framediffuser.py --sd DIR --controlnet DIR --lora FILE \\
        --prompt "a street on a sunny day" --out MODELS/downtown

`--sd` is Stable Diffusion 1.5 as diffusers saves it (unet/, vae/, text_encoder/, tokenizer/,
scheduler/). The prompt's embedding is computed once, here; everything else stays as published: the
model folder links to it (or holds copies with --copy) and states sizes and SHA-256.

FrameDiffuser's files do not say how their planes were drawn. State it: --depth-curve and
--depth-white (the metres that are white), --normal-axes (the world axis in each channel).
"""

import argparse
import hashlib
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from published_configs import check_part_config, stated_scheduler
from published_files import (ImportFailed, check_model_name, part_folder, read_container, read_json,
                             read_part, sd_folder, weight_files)
from published_lora import Lora, lora_file, read_lora, write_lora
from published_shapes import SHAPES, check_shapes

# Names of samplers in the file, and the spacing that each was made for.
SAMPLERS = {"unipc": "linspace", "ddim": "leading", "lcm": "distilled"}
LICENCE = ("CreativeML Open RAIL-M (Stable Diffusion 1.5, passed on); ControlNet and LoRA: unknown "
           "unless their publisher states it")
AXES = ("x", "y", "z", "-x", "-y", "-z")


@dataclass
class Recipe:
    """What model.json says beside names and sums of files."""

    name: str
    scheduler: dict
    description: str = ""
    version: str = "1"
    licence: str = LICENCE
    source: str = "unknown"
    prompt_text: str = ""
    sampler: str = "unipc"
    spacing: str = ""
    steps: int = 10
    precision: str = "bf16"
    depth_curve: str = "linear"
    depth_white: float = 100.0
    depth_sky: int = 0
    normal_axes: tuple[str, ...] = ("x", "y", "z")
    sky_picture: str = "network"
    controlnet_scale: float = 1.0
    lora_scale: float = 1.0
    lora_per_session: bool = False
    coder: str = "AutoencoderKL"
    parts: dict[str, str] = field(default_factory=lambda: {
        "unet": "unet", "controlnet": "controlnet", "vae": "vae",
        "lora": "controllora.safetensors", "prompt": "prompt.safetensors"})


def sum_of(path: Path) -> dict:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 22):
            digest.update(piece)
    return {"sha256": digest.hexdigest(), "bytes": path.stat().st_size}


def listed_files(folder: Path, recipe: Recipe) -> dict[str, dict]:
    names = []
    for part in ("unet", "controlnet", "vae"):
        place = recipe.parts[part]
        names += [f"{place}/config.json"]
        names += [f"{place}/{name}" for name in weight_files(folder / place)]
    names += [recipe.parts[part] for part in ("lora", "prompt") if part in recipe.parts]
    return {name: sum_of(folder / name) for name in names}


def noise(scheduler: dict) -> dict:
    return {"betaSchedule": "scaled_linear", "betaStart": scheduler["beta_start"],
            "betaEnd": scheduler["beta_end"], "trainSteps": scheduler["num_train_timesteps"],
            "stepsOffset": scheduler.get("steps_offset", 0),
            "endsClean": scheduler.get("set_alpha_to_one", True)}


def manifest(folder: Path, recipe: Recipe) -> dict:
    spacing = recipe.spacing
    if not spacing and recipe.sampler != "lcm":
        spacing = recipe.scheduler.get("timestep_spacing", "")
    sampling = {"sampler": recipe.sampler,
                "spacing": spacing or SAMPLERS[recipe.sampler], "steps": recipe.steps,
                "prediction": recipe.scheduler.get("prediction_type", "epsilon"),
                "noise": noise(recipe.scheduler)}
    if recipe.sampler == "lcm":
        sampling["distilledSteps"] = recipe.scheduler.get("original_inference_steps", 50)
    return {
        "format": "frameloom-model-1", "family": "framediffuser", "name": recipe.name,
        "version": recipe.version, "description": recipe.description,
        "licence": recipe.licence, "source": recipe.source, "prompt": recipe.prompt_text,
        "parts": recipe.parts | {"coder": recipe.coder},
        "weights": {"precision": recipe.precision},
        "input": {
            "baseColor": "srgb", "normals": {"space": "world", "axes": list(recipe.normal_axes)},
            "depth": {"kind": "planar", "unit": "metre", "curve": recipe.depth_curve,
                      "white": recipe.depth_white, "sky": recipe.depth_sky},
            "roughness": "linear", "metallic": "linear",
            "sky": {"below": 10, "picture": recipe.sky_picture}},
        "output": {"picture": "srgb"}, "sampling": sampling,
        "scales": {"controlnet": recipe.controlnet_scale, "lora": recipe.lora_scale,
                   "loraPerSession": recipe.lora_per_session},
        "files": listed_files(folder, recipe)}


def write_manifest(folder: Path, recipe: Recipe) -> None:
    text = json.dumps(manifest(folder, recipe), indent=2)
    (folder / "model.json").write_text(text + "\n")


def encoder_variant(folder: Path) -> str | None:
    """Which files of a text encoder are there: None for the plain ones."""
    for variant in (None, "fp16", "bf16"):
        stem = "model" if variant is None else f"model.{variant}"
        if (folder / f"{stem}.safetensors").exists():
            read_container(folder / f"{stem}.safetensors")
            return variant
        if list(folder.glob(f"model.safetensors.index{'.' + variant if variant else ''}.json")):
            return variant
    found = sorted(p.name for p in folder.iterdir())
    raise ImportFailed(f"{folder}: no model.safetensors (nor .fp16, .bf16; .bin files must be "
                       f"converted to safetensors first), found {', '.join(found)[:200]}")


def embed(sd: Path, prompt: str):
    """The prompt as the UNet reads it, [tokens, channels]."""
    import torch
    from transformers import CLIPTextModel, CLIPTokenizer
    variant = encoder_variant(sd / "text_encoder")
    read_json(sd / "text_encoder" / "config.json")
    tokenizer = CLIPTokenizer.from_pretrained(sd / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(
        sd / "text_encoder", dtype=torch.float32, variant=variant).eval()
    limit = tokenizer.model_max_length
    count = len(tokenizer(prompt).input_ids)
    if count > limit:
        print(f"the prompt has {count} tokens, of which {limit} are read: its end is left out",
              file=sys.stderr)
    tokens = tokenizer(prompt, padding="max_length", max_length=limit,
                       truncation=True, return_tensors="pt").input_ids
    with torch.no_grad():
        return encoder(tokens)[0][0].contiguous()


@dataclass
class Published:
    """The files that are tied together, each looked at."""

    sd: Path
    controlnet: Path
    vae: Path
    scheduler: dict
    lora: Lora | None


def checked(options: argparse.Namespace) -> Published:
    """Loads names, shapes and configs of all parts as the daemon will. Raises `ImportFailed`."""
    check_model_name(options.out.name)
    sd = sd_folder(options.sd)
    controlnet = part_folder(options.controlnet, "--controlnet")
    vae = part_folder(options.tiny, "--tiny") if options.tiny else sd / "vae"
    path = sd / "scheduler" / "scheduler_config.json"
    scheduler = stated_scheduler(path, read_json(path), options.sampler)
    found, shapes = {}, {}
    for name, folder in (("unet", sd / "unet"), ("controlnet", controlnet), ("vae", vae)):
        kind = "tiny" if name == "vae" and options.tiny else name
        config = read_json(folder / "config.json")
        check_part_config(folder / "config.json", config, kind)
        tensors = read_part(folder)
        found[name], shapes[name] = SHAPES[kind](folder / "config.json", config)
        check_shapes(folder, tensors, shapes[name])
    check_agreement(sd / "unet", controlnet, vae, found)
    lora = read_lora(lora_file(options.lora), shapes["unet"]) if options.lora else None
    if lora and lora.left_out:
        print(f"{options.lora}: {len(lora.left_out)} tensors of a text encoder are left out (the "
              f"first is {lora.left_out[0]}): the prompt is embedded without them", file=sys.stderr)
    return Published(sd, controlnet, vae, scheduler, lora)


def check_agreement(unet: Path, controlnet: Path, vae: Path, found: dict[str, dict]) -> None:
    """What one part hands to another must be of the same size."""
    u, c, v = found["unet"], found["controlnet"], found["vae"]
    for folder, key, expected, has in (
            (unet, "in_channels", u["outputs"], u["inputs"]),
            (vae, "latent_channels", u["outputs"], v["latent"]),
            (controlnet, "in_channels", u["inputs"], c["inputs"]),
            (controlnet, "cross_attention_dim", u["text"], c["text"]),
            (controlnet, "layers_per_block", u["blocks"], c["blocks"]),
            (controlnet, "block_out_channels", u["widths"], c["widths"]),
            (controlnet, "conditioning_embedding_out_channels", v["reduction"], c["reduction"])):
        if expected != has:
            raise ImportFailed(f"{folder / 'config.json'}: {key}: expected {expected}, found {has}")


def place(source: Path, target: Path, copies: bool) -> None:
    if not source.exists():
        raise ImportFailed(f"{source}: no such file or folder")
    if copies:
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, target)
    else:
        target.symlink_to(source.resolve())


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sd", type=Path, required=True, help="Stable Diffusion 1.5's folder.")
    parser.add_argument("--controlnet", type=Path, required=True,
                        help="The ControlNet's folder.")
    parser.add_argument("--lora", type=Path, help="The ControlLoRA's file.")
    parser.add_argument("--prompt", required=True, help="The environment in one sentence.")
    parser.add_argument("--out", type=Path, required=True, help="New folder; its name is the model's.")
    parser.add_argument("--tiny", type=Path, help="A tiny autoencoder (TAESD) in place of the VAE.")
    parser.add_argument("--copy", action="store_true", help="Copy files instead of linking to them.")
    parser.add_argument("--sampler", choices=sorted(SAMPLERS), default="unipc",
                        help="How noise becomes a picture.")
    parser.add_argument("--steps", type=int, default=10, help="Steps of the sampler (10).")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16",
                        help="Of the weights in memory.")
    parser.add_argument("--depth-curve", choices=("linear", "inverse", "log1p"), default="linear",
                        help="How metres became grey in the model's training.")
    parser.add_argument("--depth-white", type=float, default=100.0, help="Metres that are white.")
    parser.add_argument("--normal-axes", default="x,y,z", help="e.g. x,-z,y.")
    parser.add_argument("--sky-by", choices=("network", "known"), default="network",
                        help="Who paints the sky where the engine sends it.")
    parser.add_argument("--controlnet-scale", type=float, default=1.0,
                        help="How strongly the planes count.")
    parser.add_argument("--lora-scale", type=float, default=1.0,
                        help="How strongly the previous picture counts.")
    parser.add_argument("--lora-per-session", action="store_true",
                        help="Let each session choose the LoRA's scale: it is kept beside the "
                        "weights, which costs memory and time.")
    parser.add_argument("--licence", default=LICENCE, help="What you know of the files' licences.")
    parser.add_argument("--source", default="unknown", help="Where the files come from.")
    parser.add_argument("--description", default="FrameDiffuser on Stable Diffusion 1.5",
                        help="One line for people.")
    return parser


def check_prompt(sd: Path, embedding) -> None:
    wanted = read_json(sd / "unet" / "config.json")["cross_attention_dim"]
    if embedding.shape[1] != wanted or not bool(embedding.isfinite().all()):
        raise ImportFailed(f"{sd / 'text_encoder'}: expected an embedding of {wanted} finite "
                           f"channels, found {embedding.shape[1]}")


def run(options: argparse.Namespace) -> None:
    axes = tuple(options.normal_axes.split(","))
    if len(axes) != 3 or any(axis not in AXES for axis in axes):
        raise ImportFailed(f"--normal-axes {options.normal_axes}: three of {', '.join(AXES)}")
    if options.lora is None and options.lora_per_session:
        raise ImportFailed("--lora-per-session needs --lora")
    published = checked(options)
    recipe = Recipe(
        name=options.out.name, scheduler=published.scheduler,
        description=options.description, licence=options.licence, source=options.source,
        prompt_text=options.prompt, sampler=options.sampler, steps=options.steps,
        precision=options.precision, depth_curve=options.depth_curve,
        depth_white=options.depth_white, normal_axes=axes, sky_picture=options.sky_by,
        controlnet_scale=options.controlnet_scale, lora_scale=options.lora_scale,
        lora_per_session=options.lora_per_session,
        coder="AutoencoderTiny" if options.tiny else "AutoencoderKL")
    if published.lora is None:
        del recipe.parts["lora"]
    from safetensors.torch import save_file
    embedding = embed(published.sd, options.prompt)
    check_prompt(published.sd, embedding)
    options.out.mkdir(parents=True)
    place(published.sd / "unet", options.out / "unet", options.copy)
    place(published.controlnet, options.out / "controlnet", options.copy)
    place(published.vae, options.out / "vae", options.copy)
    if published.lora and published.lora.is_as_published:
        place(published.lora.container.path, options.out / recipe.parts["lora"], options.copy)
    elif published.lora:
        write_lora(published.lora, options.out / recipe.parts["lora"])
    save_file({"embedding": embedding}, options.out / recipe.parts["prompt"])
    write_manifest(options.out, recipe)


def main() -> int:
    options = arguments().parse_args()
    if options.out.exists():
        print(f"{options.out} exists already", file=sys.stderr)
        return 2
    try:
        run(options)
    except (ImportFailed, OSError) as error:
        print(f"not imported: {error}", file=sys.stderr)
        shutil.rmtree(options.out, ignore_errors=True)
        return 1
    print(f"{options.out / 'model.json'} written; the daemon serves it as '{options.out.name}' "
          "once the folder lies in its model folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())
