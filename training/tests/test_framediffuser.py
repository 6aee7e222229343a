# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""The framediffuser family's tools: import of published files, goldens that can be made again."""

import hashlib
import json
from argparse import Namespace

import pytest
import torch
from conftest import REPOSITORY
from safetensors.torch import load_file

import import_framediffuser as importer

pytest.importorskip("diffusers", reason="framediffuser tools: diffusers is not installed "
                    "(training/requirements-framediffuser.txt)")
pytest.importorskip("peft", reason="framediffuser tools: peft is not installed "
                    "(training/requirements-framediffuser.txt)")
transformers = pytest.importorskip(
    "transformers", reason="framediffuser tools: transformers is not installed "
    "(training/requirements-framediffuser.txt)")

import framediffuser_parts as parts_of  # noqa: E402
import make_framediffuser_goldens as goldens  # noqa: E402

GOLDENS = REPOSITORY / "Tests" / "TestSupport" / "Goldens" / "framediffuser"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A small Stable Diffusion folder with text encoder, a ControlNet and a LoRA."""
    root = tmp_path_factory.mktemp("published")
    sd = root / "sd"
    goldens_model = GOLDENS / "model"
    for part in ("unet", "vae", "scheduler"):
        (sd / part).parent.mkdir(exist_ok=True)
        (sd / part).symlink_to(goldens_model / part)
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    words = letters + [c + "</w>" for c in letters] + ["<|startoftext|>", "<|endoftext|>"]
    (sd / "tokenizer").mkdir()
    (sd / "tokenizer" / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    (sd / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    transformers.CLIPTokenizer(
        str(sd / "tokenizer" / "vocab.json"), str(sd / "tokenizer" / "merges.txt"),
        model_max_length=77).save_pretrained(sd / "tokenizer")
    torch.manual_seed(3)
    transformers.CLIPTextModel(transformers.CLIPTextConfig(
        vocab_size=len(words), hidden_size=40, intermediate_size=48, num_hidden_layers=1,
        num_attention_heads=4, max_position_embeddings=77)).save_pretrained(sd / "text_encoder")
    return sd


def options(published, out, **changes) -> Namespace:
    given = ["--sd", str(published), "--controlnet", str(GOLDENS / "model" / "controlnet"),
             "--lora", str(GOLDENS / "model" / "controllora.safetensors"), "--prompt", "a quiet street",
             "--out", str(out)]
    return Namespace(**vars(importer.arguments().parse_args(given)) | changes)


def test_import_ties_the_published_files_together(published, tmp_path):
    out = tmp_path / "street"
    importer.run(options(published, out, normal_axes="x,-z,y", steps=4,
                         lora_per_session=True))
    said = json.loads((out / "model.json").read_text())
    assert said["family"] == "framediffuser" and said["name"] == "street"
    assert said["prompt"] == "a quiet street" and said["sampling"]["steps"] == 4
    assert said["input"]["normals"]["axes"] == ["x", "-z", "y"]
    assert said["scales"] == {"controlnet": 1.0, "lora": 1.0, "loraPerSession": True}
    assert "Open RAIL-M" in said["licence"] and "unknown" in said["licence"]
    names = set(said["files"])
    assert {"unet/config.json", "controllora.safetensors", "prompt.safetensors"} <= names
    assert sum(name.startswith("unet/diffusion_pytorch_model-0000") for name in names) == 3
    for name, stated in said["files"].items():
        content = (out / name).read_bytes()
        assert len(content) == stated["bytes"]
        assert hashlib.sha256(content).hexdigest() == stated["sha256"]
    assert (out / "unet").is_symlink()
    embedding = load_file(out / "prompt.safetensors")["embedding"]
    assert embedding.shape == (77, 40) and bool(embedding.isfinite().all())


def test_another_prompt_is_another_embedding(published):
    one, two = (importer.embed(published, text) for text in ("a street", "a garden"))
    assert not torch.equal(one, two)


def test_import_names_what_is_missing(published, tmp_path):
    with pytest.raises(importer.ImportFailed, match="nowhere: no such file"):
        importer.run(options(published, tmp_path / "a", controlnet=tmp_path / "nowhere"))
    with pytest.raises(importer.ImportFailed, match="normal-axes x,y: three of"):
        importer.run(options(published, tmp_path / "b", normal_axes="x,y"))
    with pytest.raises(importer.ImportFailed, match="lora-per-session needs --lora"):
        importer.run(options(published, tmp_path / "d", lora=None, lora_per_session=True))
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "config.json").write_text("{}")
    with pytest.raises(importer.ImportFailed, match="no diffusion_pytorch_model.safetensors"):
        importer.run(options(published, tmp_path / "c", controlnet=empty))


def test_samplers_goldens_are_made_again():
    # The draws before them belong to the modules' goldens; the steps themselves are what counts.
    kept = load_file(GOLDENS / "samplers.safetensors")
    for count in (1, 10):
        sampler = goldens.unipc()
        sampler.set_timesteps(count)
        sample = kept[f"unipc.{count}.start"].clone()
        predictions = kept[f"unipc.{count}.predictions"]
        for i, step in enumerate(sampler.timesteps):
            sample = sampler.step(predictions[i], step, sample).prev_sample
            assert torch.allclose(sample, kept[f"unipc.{count}.samples"][i], rtol=1e-5,
                                  atol=1e-6)


def test_frame_goldens_are_made_again():
    """From the committed files as a user has them, LoRA included."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    kept = load_file(GOLDENS / "frames_64x64.safetensors")
    model = GOLDENS / "model"
    unet = UNet2DConditionModel.from_pretrained(model / "unet", torch_dtype=torch.float32)
    controlnet = parts_of.make_controlnet(unet, parts_of.SMALL)
    controlnet.load_state_dict(
        {k: v.float() for k, v in load_file(
            model / "controlnet" / "diffusion_pytorch_model.safetensors").items()})
    parts_of.add_lora(unet, parts_of.SMALL, seed=23)
    made = parts_of.Parts(
        unet.eval(), controlnet.eval(),
        AutoencoderKL.from_pretrained(model / "vae", torch_dtype=torch.float32).eval(), None)
    planes = {k.removeprefix("planes."): v.numpy() for k, v in kept.items()
              if k.startswith("planes.")}
    embedding = load_file(model / "prompt.safetensors")["embedding"][None]
    again = goldens.frame_goldens(made, planes, kept["noise"], embedding)
    assert torch.equal(again["irradiance"][0], kept["irradiance"][0])
    apart = (again["pictures"].int() - kept["pictures"].int()).abs()
    assert int(apart.max()) <= 1
