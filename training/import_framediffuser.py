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

STEM = "diffusion_pytorch_model"
VARIANTS = ("", ".fp16", ".bf16")
# Names of samplers in the file, and the spacing that each was made for.
SAMPLERS = {"unipc": "linspace", "ddim": "leading", "lcm": "distilled"}
LICENCE = ("CreativeML Open RAIL-M (Stable Diffusion 1.5, passed on); ControlNet and LoRA: unknown "
           "unless their publisher states it")
AXES = ("x", "y", "z", "-x", "-y", "-z")


class ImportFailed(Exception):
    """The published files cannot be used; the message says why."""


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


def weight_files(folder: Path) -> list[str]:
    """The files that the daemon will read, by the same preference."""
    for variant in VARIANTS:
        whole = f"{STEM}{variant}.safetensors"
        if (folder / whole).exists():
            return [whole]
        index = folder / f"{STEM}.safetensors.index{variant}.json"
        if index.exists():
            return sorted(set(json.loads(index.read_text())["weight_map"].values()))
    raise ImportFailed(f"{folder}: no {STEM}.safetensors, nor an index of shards "
                       "(.bin files must be converted to safetensors first)")


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
        if not (folder / place / "config.json").exists():
            raise ImportFailed(f"{folder / place}: no config.json")
        names += [f"{place}/config.json"]
        names += [f"{place}/{name}" for name in weight_files(folder / place)]
    names += [recipe.parts[part] for part in ("lora", "prompt") if part in recipe.parts]
    return {name: sum_of(folder / name) for name in names}


def noise(scheduler: dict) -> dict:
    if scheduler.get("beta_schedule") != "scaled_linear":
        raise ImportFailed("the scheduler's beta_schedule is "
                           f"{scheduler.get('beta_schedule')}, not scaled_linear")
    return {"betaSchedule": "scaled_linear", "betaStart": scheduler["beta_start"],
            "betaEnd": scheduler["beta_end"], "trainSteps": scheduler["num_train_timesteps"],
            "stepsOffset": scheduler.get("steps_offset", 0),
            "endsClean": scheduler.get("set_alpha_to_one", True)}


def manifest(folder: Path, recipe: Recipe) -> dict:
    sampling = {"sampler": recipe.sampler,
                "spacing": recipe.spacing or SAMPLERS[recipe.sampler], "steps": recipe.steps,
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


def embed(sd: Path, prompt: str):
    """The prompt as the UNet reads it, [tokens, channels]."""
    import torch
    from transformers import CLIPTextModel, CLIPTokenizer
    tokenizer = CLIPTokenizer.from_pretrained(sd / "tokenizer")
    encoder = CLIPTextModel.from_pretrained(sd / "text_encoder", torch_dtype=torch.float32).eval()
    tokens = tokenizer(prompt, padding="max_length", max_length=tokenizer.model_max_length,
                       truncation=True, return_tensors="pt").input_ids
    with torch.no_grad():
        return encoder(tokens)[0][0].contiguous()


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
    parser.add_argument("--sd", type=Path, required=True, help="Stable Diffusion 1.5's folder")
    parser.add_argument("--controlnet", type=Path, required=True)
    parser.add_argument("--lora", type=Path, help="the ControlLoRA's file")
    parser.add_argument("--prompt", required=True, help="the environment in one sentence")
    parser.add_argument("--out", type=Path, required=True, help="new folder; its name is the model's")
    parser.add_argument("--tiny", type=Path, help="a tiny autoencoder (TAESD) in place of the VAE")
    parser.add_argument("--copy", action="store_true", help="copy files instead of linking to them")
    parser.add_argument("--sampler", choices=sorted(SAMPLERS), default="unipc")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--depth-curve", choices=("linear", "inverse", "log1p"), default="linear")
    parser.add_argument("--depth-white", type=float, default=100.0, help="metres that are white")
    parser.add_argument("--normal-axes", default="x,y,z", help="e.g. x,-z,y")
    parser.add_argument("--sky-by", choices=("network", "known"), default="network",
                        help="who paints the sky where the engine sends it")
    parser.add_argument("--controlnet-scale", type=float, default=1.0)
    parser.add_argument("--lora-scale", type=float, default=1.0)
    parser.add_argument("--lora-per-session", action="store_true",
                        help="let each session choose the LoRA's scale: it is kept beside the "
                        "weights, which costs memory and time")
    parser.add_argument("--licence", default=LICENCE)
    parser.add_argument("--source", default="unknown", help="where the files come from")
    parser.add_argument("--description", default="FrameDiffuser on Stable Diffusion 1.5")
    return parser


def run(options: argparse.Namespace) -> None:
    axes = tuple(options.normal_axes.split(","))
    if len(axes) != 3 or any(axis not in AXES for axis in axes):
        raise ImportFailed(f"--normal-axes {options.normal_axes}: three of {', '.join(AXES)}")
    scheduler = options.sd / "scheduler" / "scheduler_config.json"
    if not scheduler.exists():
        raise ImportFailed(f"{scheduler}: no such file")
    recipe = Recipe(
        name=options.out.name, scheduler=json.loads(scheduler.read_text()),
        description=options.description, licence=options.licence, source=options.source,
        prompt_text=options.prompt, sampler=options.sampler, steps=options.steps,
        precision=options.precision, depth_curve=options.depth_curve,
        depth_white=options.depth_white, normal_axes=axes, sky_picture=options.sky_by,
        controlnet_scale=options.controlnet_scale, lora_scale=options.lora_scale,
        lora_per_session=options.lora_per_session,
        coder="AutoencoderTiny" if options.tiny else "AutoencoderKL")
    if options.lora is None:
        if options.lora_per_session:
            raise ImportFailed("--lora-per-session needs --lora")
        del recipe.parts["lora"]
    options.out.mkdir(parents=True)
    place(options.sd / "unet", options.out / "unet", options.copy)
    place(options.controlnet, options.out / "controlnet", options.copy)
    place(options.tiny or options.sd / "vae", options.out / "vae", options.copy)
    if options.lora:
        place(options.lora, options.out / recipe.parts["lora"], options.copy)
    from safetensors.torch import save_file
    save_file({"embedding": embed(options.sd, options.prompt)},
              options.out / recipe.parts["prompt"])
    write_manifest(options.out, recipe)


def main() -> int:
    options = arguments().parse_args()
    if options.out.exists():
        print(f"{options.out} exists already", file=sys.stderr)
        return 2
    try:
        run(options)
    except (ImportFailed, OSError, KeyError) as error:
        print(f"not imported: {error}", file=sys.stderr)
        shutil.rmtree(options.out, ignore_errors=True)
        return 1
    print(f"{options.out / 'model.json'} written; the daemon serves it as '{options.out.name}' "
          "once the folder lies in its model folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())
