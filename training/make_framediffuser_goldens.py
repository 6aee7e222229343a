# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Makes the files that the Swift tests compare the framediffuser family with.

    python training/make_framediffuser_goldens.py
    python training/make_framediffuser_goldens.py --reference DIR   also checks the frames against
                                                  the pipeline of a checkout of FrameDiffuser

Small random networks of exactly Stable Diffusion 1.5's and FrameDiffuser's structure, saved as their
files are published, and what diffusers computes with them in fp32.
"""

import argparse
import json
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, LCMScheduler, UniPCMultistepScheduler
from PIL import Image
from safetensors.torch import save_file

from framediffuser_parts import SCHEDULER, SMALL, Parts, add_lora, make_parts, save_controlnet, \
    save_kohya_lora, save_lora, save_module, set_lora_scale
from import_framediffuser import Recipe, write_manifest

GOLDENS = (Path(__file__).resolve().parent.parent / "Tests" / "TestSupport" / "Goldens"
           / "framediffuser")
TYPES = (torch.float16, torch.bfloat16, torch.float16, torch.float32)
TOKENS = 77
FRAMES = 4
STEPS = 10
SIZES = {"64x64": (64, 64), "128x64": (64, 128)}  # width x height: rows, columns

Tensors = dict[str, torch.Tensor]


def taps(module: torch.nn.Module, names: list[str], prefix: str, into: Tensors) -> list:
    """Keeps what the named inner modules return, to find where a difference begins."""
    def keep(name):
        def hook(_module, _inputs, output):
            value = output[0] if isinstance(output, tuple) else output
            into[f"{prefix}.{name}"] = value.detach().clone()
        return hook
    inner = dict(module.named_modules())
    return [inner[name].register_forward_hook(keep(name)) for name in names]


@torch.no_grad()
def module_goldens(parts: Parts, size: str, draw: torch.Generator, embedding) -> Tensors:
    height, width = SIZES[size]
    inside = taps if size == "64x64" else lambda *_: []
    normal = lambda *shape: torch.randn(*shape, generator=draw)
    h, w = height // 8, width // 8
    t: Tensors = {
        "latent": normal(1, 8, h, w), "planes": torch.rand(1, 10, height, width, generator=draw)
        * 2 - 1, "picture": torch.rand(1, 3, height, width, generator=draw) * 2 - 1,
        "decoder.latent": normal(1, 4, h, w), "timestep": torch.tensor([617.0]),
        "embedding": embedding}
    step = torch.tensor(617)
    last = len(SMALL.widths) - 1
    inner = ["time_embedding", "conv_in"] + [f"down_blocks.{i}" for i in range(last + 1)]
    inner += ["down_blocks.0.resnets.0", "down_blocks.0.attentions.0", "mid_block"]
    hooks = inside(parts.controlnet, inner + ["controlnet_cond_embedding"], "controlnet", t)
    down, mid = parts.controlnet(t["latent"][:, :4], step, embedding, t["planes"],
                                 return_dict=False)
    t |= {f"controlnet.out.{i}": value for i, value in enumerate(down)}
    t["controlnet.out.mid"] = mid
    hooks += inside(parts.unet, inner + [f"up_blocks.{i}" for i in range(last + 1)], "unet", t)
    t["unet.out"] = parts.unet(t["latent"], step, embedding, down_block_additional_residuals=down,
                               mid_block_additional_residual=mid).sample
    for hook in hooks:
        hook.remove()
    set_lora_scale(parts.unet, 0.5)
    t["unet.out_lora_half"] = parts.unet(
        t["latent"], step, embedding, down_block_additional_residuals=down,
        mid_block_additional_residual=mid).sample
    set_lora_scale(parts.unet, 1.0)
    t["unet.out_uncontrolled"] = parts.unet(t["latent"], step, embedding).sample
    hooks = inside(parts.vae, ["encoder.down_blocks.0", "encoder.mid_block"], "vae", t)
    t["vae.mean"] = parts.vae.encode(t["picture"]).latent_dist.mode()
    hooks += inside(parts.vae, ["decoder.mid_block", "decoder.up_blocks.0"], "vae", t)
    t["vae.picture"] = parts.vae.decode(t["decoder.latent"]).sample
    for hook in hooks:
        hook.remove()
    t["tiny.latent"] = parts.tiny.encode(t["picture"]).latents
    t["tiny.picture"] = parts.tiny.decode(t["decoder.latent"]).sample
    return {name: value[0].contiguous() if value.dim() > 1 else value
            for name, value in t.items()}


def unipc() -> UniPCMultistepScheduler:
    """As the reference makes it from the published scheduler's configuration."""
    return UniPCMultistepScheduler.from_config(DDPMScheduler.from_config(SCHEDULER).config)


def sampler_goldens(draw: torch.Generator) -> tuple[Tensors, list[dict]]:
    """Each sampler driven by given predictions; after each step its sample."""
    shape = (4, 3, 5)
    makers = {
        "unipc": unipc, "ddim": lambda: DDIMScheduler.from_config(SCHEDULER),
        "ddim_trailing": lambda: DDIMScheduler.from_config(SCHEDULER, timestep_spacing="trailing"),
        "ddim_v": lambda: DDIMScheduler.from_config(SCHEDULER, prediction_type="v_prediction"),
        "lcm": lambda: LCMScheduler.from_config(SCHEDULER)}
    runs = [("unipc", n) for n in (1, 2, 3, 10, 20)] + [("ddim", n) for n in (1, 4, 10)] + [
        ("ddim_trailing", 1), ("ddim_trailing", 4), ("ddim_v", 4), ("lcm", 1), ("lcm", 2),
        ("lcm", 4)]
    tensors: Tensors = {}
    notes = []
    for name, count in runs:
        sampler = makers[name]()
        sampler.set_timesteps(count)
        key = f"{name}.{count}"
        sample = torch.randn(shape, generator=draw)
        predictions = torch.randn(count, *shape, generator=draw)
        noises = torch.randn(count, *shape, generator=draw)
        tensors |= {f"{key}.start": sample.clone(), f"{key}.predictions": predictions,
                    f"{key}.noises": noises}
        after = []
        for i, step in enumerate(sampler.timesteps):
            if name == "lcm":
                sample = lcm_step(sampler, predictions[i], step, sample, noises[i])
            else:
                sample = sampler.step(predictions[i], step, sample).prev_sample
            after.append(sample.clone())
        tensors[f"{key}.samples"] = torch.stack(after)
        notes.append({"name": name, "steps": count,
                      "timesteps": [int(v) for v in sampler.timesteps]})
    return tensors, notes


def lcm_step(sampler: LCMScheduler, prediction, step, sample, noise):
    """LCM's step with the noise that it would draw given."""
    import diffusers.schedulers.scheduling_lcm as lcm
    drawn = lcm.randn_tensor
    lcm.randn_tensor = lambda *_args, **_words: noise
    try:
        return sampler.step(prediction, step, sample).prev_sample
    finally:
        lcm.randn_tensor = drawn


def clip_planes(height: int, width: int, draw: torch.Generator) -> dict[str, np.ndarray]:
    """Moving patterns under a sky; 8-bit planes as FrameDiffuser's files hold them."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    frames: dict[str, list[np.ndarray]] = {}
    grain = torch.randint(0, 24, (FRAMES, height, width, 3), generator=draw).numpy()
    for i in range(FRAMES):
        wave = lambda a, b, c: 0.5 + 0.5 * np.sin(a * (x + 2 * i) / 9 + b * y / 7 + c)
        sky = y < height // 4 + 2 * np.sin(x / 6 + i)
        color = np.stack([wave(1, .3, 0), wave(.4, 1, 1), wave(.8, -.6, 2)], -1) * 190 + 30
        base = np.where(sky[..., None], 3, color + grain[i])
        base[height // 2:height // 2 + 4, :12] = 2  # black, but no sky
        normals = np.stack([wave(.5, .2, 0), wave(.2, .5, 2), wave(.3, .3, 4)], -1) * 255
        picture = np.where(sky[..., None], (110, 160, 230), color * wave(.3, .2, 1)[..., None])
        for name, plane in {
                "base_color": base, "normals": normals,
                "depth": np.where(sky, 0, 20 + 200 * wave(.2, .1, 3)),
                "roughness": 255 * wave(.1, .4, 1), "metallic": 255 * (wave(.2, .2, 5) > .8),
                "picture": picture}.items():
            frames.setdefault(name, []).append(plane.round().clip(0, 255).astype(np.uint8))
    return {name: np.stack(planes) for name, planes in frames.items()}


def irradiance(picture: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Brightness of the previous picture over that of its base color, 0 to 2, as 8 bits."""
    luma = lambda image: (torch.from_numpy(image).float() / 255 * torch.tensor(
        [0.299, 0.587, 0.114])).unbind(-1)
    light, surface = (r + g + b for r, g, b in (luma(picture), luma(base)))
    ratio = torch.where(surface > 0.01, light / (surface + 1e-6), 2.0)
    return ((ratio.clamp(0, 2) / 2).numpy() * 255).astype(np.uint8)


def with_sky(base: np.ndarray, depth: np.ndarray, picture: np.ndarray) -> np.ndarray:
    sky = (base < 10).all(-1) & (depth < 10)
    return np.where(sky[..., None], picture, base)


def as_input(image: np.ndarray) -> torch.Tensor:
    """[1, channels, height, width] from -1 to 1."""
    values = torch.from_numpy(image).float() / 255
    values = values[None] if image.ndim == 2 else values.permute(2, 0, 1)
    return ((values - 0.5) / 0.5)[None]


@torch.no_grad()
def frame_goldens(parts: Parts, planes: dict[str, np.ndarray], noise: torch.Tensor, embedding,
                  reference=None) -> Tensors:
    """FrameDiffuser's loop, with the mode of the previous latent instead of a sample."""
    pictures, lights, latents, inputs, controls = [], [], [], [], []
    previous, previous_base = planes["picture"][0], planes["base_color"][0]
    factor = parts.vae.config.scaling_factor
    for i in range(FRAMES):
        base = planes["base_color"][i]
        light = irradiance(previous, previous_base)
        shown = with_sky(base, planes["depth"][i], planes["picture"][i])
        control = torch.cat([as_input(p) for p in (
            shown, planes["normals"][i], planes["depth"][i], planes["roughness"][i],
            planes["metallic"][i], light)], 1)
        encoded = parts.vae.encode(as_input(previous)).latent_dist.mode() * factor
        latent = noise[i:i + 1].clone()
        sampler = unipc()
        sampler.set_timesteps(STEPS)
        for step in sampler.timesteps:
            down, mid = parts.controlnet(latent, step, embedding, control, return_dict=False)
            prediction = parts.unet(
                torch.cat([latent, encoded], 1), step, embedding,
                down_block_additional_residuals=down, mid_block_additional_residual=mid).sample
            latent = sampler.step(prediction, step, latent).prev_sample
        decoded = (parts.vae.decode(latent / factor).sample[0] / 2 + 0.5).clamp(0, 1)
        previous = (decoded.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        previous_base = base
        pictures.append(previous)
        lights.append(light)
        latents.append(latent[0])
        inputs.append(encoded[0])
        controls.append(control)
    if reference:
        reference(controls, planes["picture"][0], noise, embedding, STEPS,
                  torch.from_numpy(np.stack(pictures)))
    return {"pictures": torch.from_numpy(np.stack(pictures)).contiguous(),
            "irradiance": torch.from_numpy(np.stack(lights)),
            "latents": torch.stack(latents), "previous_latents": torch.stack(inputs)}


def write_model(parts: Parts, folder: Path, embedding) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    unet, vae = folder / "unet", folder / "vae"
    save_module(parts.unet, unet, TYPES[0], shard="1300KB")
    save_controlnet(parts.controlnet, folder / "controlnet", TYPES[1])
    save_module(parts.vae, vae, TYPES[2])
    save_module(parts.tiny, folder / "tiny", TYPES[3])
    add_lora(parts.unet, SMALL, seed=23)
    save_lora(parts.unet, folder, "controllora.safetensors")
    save_kohya_lora(parts.unet, folder / "controllora_kohya.safetensors")
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(
        json.dumps(SCHEDULER, indent=2) + "\n")
    save_file({"embedding": embedding[0].contiguous()}, folder / "prompt.safetensors")
    # A depth byte is a metre, so that the planes' bytes come through unchanged.
    write_manifest(folder, Recipe(
        "small", SCHEDULER, description="Random weights", licence="CC0-1.0", source="generated",
        precision="fp32", depth_white=255.0))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=GOLDENS)
    parser.add_argument("--show", type=Path, help="Also writes the frames as pictures there.")
    parser.add_argument("--reference", type=Path, help="Checkout of FrameDiffuser to compare with.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(5)
    embedding = torch.randn(1, TOKENS, SMALL.embedding, generator=draw)
    parts = make_parts(SMALL, 11, TYPES)
    write_model(parts, options.out / "model", embedding)
    parts.unet.eval()
    for size in SIZES:
        save_file(module_goldens(parts, size, draw, embedding),
                  options.out / f"modules_{size}.safetensors")
    tensors, notes = sampler_goldens(draw)
    save_file(tensors, options.out / "samplers.safetensors")
    (options.out / "samplers.json").write_text(json.dumps(notes, indent=1) + "\n")
    for size, (height, width) in SIZES.items():
        planes = clip_planes(height, width, draw)
        noise = torch.randn(FRAMES, 4, height // 8, width // 8, generator=draw)
        reference = None
        if options.reference:
            from framediffuser_reference import compare
            reference = partial(compare, options.reference, options.out / "model")
        frames = frame_goldens(parts, planes, noise, embedding, reference)
        save_file(frames | {"noise": noise} | {
            f"planes.{name}": torch.from_numpy(plane) for name, plane in planes.items()},
            options.out / f"frames_{size}.safetensors")
        if options.show:
            strip = np.concatenate(list(frames["pictures"].numpy()), 1)
            Image.fromarray(strip).save(options.show / f"frames_{size}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
