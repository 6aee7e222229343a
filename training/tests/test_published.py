# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""What the import refuses, and says, before it writes anything: names, files, tensors and configs that
the daemon would refuse later, or draw another picture with."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from conftest import REPOSITORY
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import import_framediffuser as importer
from published_files import ImportFailed, read_json, snapshot
from published_lora import read_lora, write_lora
from published_shapes import SHAPES

MODEL = REPOSITORY / "Tests" / "TestSupport" / "Goldens" / "framediffuser" / "model"
STEM = "diffusion_pytorch_model"


class Files:
    """A copy of small published files that a test may change."""

    def __init__(self, root: Path):
        self.root, self.sd = root, root / "sd"
        for part in ("unet", "vae", "scheduler"):
            shutil.copytree(MODEL / part, self.sd / part)
        for part in ("tokenizer", "text_encoder"):
            (self.sd / part).mkdir()
        self.controlnet = root / "controlnet"
        shutil.copytree(MODEL / "controlnet", self.controlnet)
        self.lora = root / "controllora.safetensors"
        shutil.copy(MODEL / "controllora.safetensors", self.lora)

    def options(self, **changes) -> Namespace:
        given = ["--sd", str(self.sd), "--controlnet", str(self.controlnet), "--lora",
                 str(self.lora), "--prompt", "a street", "--out", str(self.root / "street")]
        return Namespace(**vars(importer.arguments().parse_args(given)) | changes)

    def complaint(self, **changes) -> str:
        with pytest.raises(ImportFailed) as caught:
            importer.checked(self.options(**changes))
        return str(caught.value)

    def edit(self, path: str, **keys) -> None:
        file = self.root / path
        file.write_text(json.dumps(json.loads(file.read_text()) | keys))

    def unet_shapes(self) -> dict:
        path = self.sd / "unet" / "config.json"
        return SHAPES["unet"](path, read_json(path))[1]

    def changed_tensors(self, part: str, change) -> None:
        folder = self.root / part
        file = folder / f"{STEM}.safetensors"
        tensors = load_file(file)
        change(tensors)
        save_file(tensors, file)


@pytest.fixture
def files(tmp_path) -> Files:
    return Files(tmp_path)


def test_sound_files_pass(files):
    published = importer.checked(files.options())
    assert published.lora.is_as_published and published.scheduler["beta_start"] == 0.00085
    tiny = MODEL / "tiny"
    if tiny.exists():
        importer.checked(files.options(tiny=tiny))


def test_a_name_that_the_daemon_refuses_is_refused_with_a_suggestion(files):
    said = files.complaint(out=files.root / "DowntownWest")
    assert "found 'DowntownWest'; try 'downtownwest'" in said


@pytest.mark.parametrize("config, key, value, expected", [
    ("sd/unet", "center_input_sample", True, "expected false, found true"),
    ("sd/unet", "mid_block_scale_factor", 2, "expected 1, found 2"),
    ("sd/unet", "downsample_padding", 0, "expected 1, found 0"),
    ("sd/unet", "time_embedding_act_fn", "silu", "expected null, found silu"),
    ("sd/unet", "num_attention_heads", 1, "attention_head_dim holds the number of heads"),
    ("sd/unet", "time_cond_proj_dim", 8, "a distilled LCM UNet reads its guidance scale"),
    ("sd/unet", "in_channels", 8, "in_channels: expected 4, found 8; a UNet saved with its widened"),
    ("sd/unet", "centre_input_sample", False, "nearest known key is center_input_sample"),
    ("sd/unet", "_class_name", "UNet3DConditionModel", "expected UNet2DConditionModel"),
    ("controlnet", "global_pool_conditions", True, "expected false, found true"),
    ("controlnet", "controlnet_conditioning_channel_order", "bgr", "expected rgb, found bgr"),
    ("controlnet", "block_out_channels", [64, 64, 64], "tensor "),
    ("sd/vae", "shift_factor", 0.1, "expected null or 0, found 0.1"),
    ("sd/vae", "use_quant_conv", False, "expected true, found false"),
    ("sd/vae", "latents_mean", [0.1], "expected null"),
    ("sd/vae", "latent_channels", 8, "expected shape")])
def test_configs_are_honoured_or_refused_by_name(files, config, key, value, expected):
    files.edit(f"{config}/config.json", **{key: value})
    said = files.complaint()
    assert expected in said and str(files.root / config) in said


@pytest.mark.parametrize("key, value, expected", [
    ("rescale_betas_zero_snr", True, "expected false, found true"),
    ("beta_schedule", "linear", "expected scaled_linear, found linear"),
    ("trained_betas", [0.1, 0.2], "trained_betas: expected null"),
    ("use_karras_sigmas", True, "expected false, found true"),
    ("timestep_spacing", "log", "expected linspace, leading or trailing, found log"),
    ("prediction_type", "flow", "expected epsilon, v_prediction or sample, found flow"),
    ("beta_begin", 0.1, "nearest known key is beta_")])
def test_the_scheduler_is_honoured_or_refused_by_name(files, key, value, expected):
    files.edit("sd/scheduler/scheduler_config.json", **{key: value})
    said = files.complaint()
    assert expected in said and "scheduler_config.json" in said


def test_the_schedulers_spacing_is_honoured(files):
    files.edit("sd/scheduler/scheduler_config.json", timestep_spacing="trailing")
    recipe = importer.Recipe("street", importer.checked(files.options()).scheduler)
    recipe.parts.pop("lora"), recipe.parts.pop("prompt")
    for part in ("unet", "vae"):
        (files.root / part).symlink_to(files.sd / part)
    assert importer.manifest(files.root, recipe)["sampling"]["spacing"] == "trailing"
    files.edit("sd/scheduler/scheduler_config.json", _use_default_values=["timestep_spacing"])
    assert "timestep_spacing" not in importer.checked(files.options()).scheduler


def test_clipping_is_refused_where_the_sampler_would_clip(files):
    files.edit("sd/scheduler/scheduler_config.json", clip_sample=True)
    importer.checked(files.options())
    assert "clip_sample: expected false" in files.complaint(sampler="ddim")


def test_a_missing_tensor_is_named(files):
    files.changed_tensors("controlnet", lambda t: t.pop("controlnet_mid_block.bias"))
    assert "controlnet: tensor controlnet_mid_block.bias: expected shape [64], found no such" in \
        files.complaint()


def test_a_tensor_of_another_shape_and_one_too_many_are_named(files):
    def change(tensors):
        tensors["conv_in.bias"] = torch.zeros(5)
    files.changed_tensors("controlnet", change)
    assert "tensor conv_in.bias: expected shape [32], found shape [5]" in files.complaint()
    files.changed_tensors("controlnet", lambda t: t.update({
        "conv_in.bias": torch.zeros(32), "time_embedding.cond_proj.weight": torch.zeros(4, 8)}))
    assert "time_embedding.cond_proj.weight: expected no such tensor in this network" in \
        files.complaint()


def test_a_pointer_of_git_lfs_is_told_from_the_file(files):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    for path in (files.controlnet / f"{STEM}.safetensors", files.lora,
                 files.sd / "scheduler" / "scheduler_config.json"):
        kept = path.read_bytes()
        path.write_text(pointer)
        assert files.complaint() == \
            f"{path}: is a Git LFS pointer, not the file itself (git lfs pull fetches it)"
        path.write_bytes(kept)


def test_half_a_file_is_named(files):
    path = files.controlnet / f"{STEM}.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert f"{path}: tensor " in files.complaint()
    path.write_bytes(b"\xff" * 64)
    assert "is no whole safetensors file: expected a header of at most 56 bytes" in \
        files.complaint()


def test_files_of_halves_alone_are_read(files):
    for folder in (files.controlnet, files.sd / "vae"):
        name = f"{STEM}.safetensors"
        if (folder / name).exists():
            (folder / name).rename(folder / f"{STEM}.fp16.safetensors")
    importer.checked(files.options())
    encoder = files.sd / "text_encoder"
    for variant in ("bf16", "fp16"):
        save_file({"a": torch.zeros(1)}, encoder / f"model.{variant}.safetensors")
        assert importer.encoder_variant(encoder) == variant
    save_file({"a": torch.zeros(1)}, encoder / "model.safetensors")
    assert importer.encoder_variant(encoder) is None


def test_pickled_weights_are_named(files):
    (files.controlnet / f"{STEM}.safetensors").rename(files.controlnet / f"{STEM}.bin")
    assert f"found {STEM}.bin, which must be converted" in files.complaint()


def test_other_places_than_a_folder_of_diffusers_are_named(files):
    single = files.root / "v1-5-pruned.safetensors"
    single.write_bytes(b"x")
    assert "is a single-file checkpoint" in files.complaint(sd=single)
    (files.root / "empty").mkdir()
    shutil.copy(single, files.root / "empty")
    assert "has no folder unet/" in files.complaint(sd=files.root / "empty")
    assert "names a folder with config.json" in files.complaint(
        controlnet=files.controlnet / "config.json")
    assert f"{files.root}: no config.json; {files.controlnet} has one" in files.complaint(
        controlnet=files.root)


def test_a_hubs_cache_means_its_main_snapshot(files):
    cache = files.root / "models--a--b"
    (cache / "snapshots").mkdir(parents=True)
    shutil.move(files.sd, cache / "snapshots" / "abc")
    files.sd = cache
    assert importer.checked(files.options()).sd == cache / "snapshots" / "abc"
    (cache / "snapshots" / "def").mkdir()
    assert "with 2 snapshots" in files.complaint()
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("abc\n")
    assert snapshot(cache).name == "abc"


# LoRA


def saved_with(files: Files, metadata: dict, **extra) -> None:
    with safe_open(files.lora, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
    save_file(tensors | extra, files.lora, metadata=metadata)


def rank_of(files: Files) -> int:
    lora = read_lora(files.lora, files.unet_shapes())
    return lora.container.tensors[lora.layers["conv_in"]["down"]].shape[0]


@pytest.mark.parametrize("way", ["metadata", "adapter_config.json"])
def test_alpha_outside_of_the_tensors_is_written_into_them(files, way):
    rank = rank_of(files)
    stated = {"r": rank, "lora_alpha": 2 * rank, "alpha_pattern": {"conv_in": rank}}
    if way == "metadata":
        saved_with(files, {"lora_adapter_metadata": json.dumps(
            {f"unet.{key}": value for key, value in stated.items()})})
    else:
        (files.root / "adapter_config.json").write_text(json.dumps(stated | {"peft_type": "LORA"}))
    lora = importer.checked(files.options()).lora
    assert not lora.is_as_published
    write_lora(lora, files.root / "written.safetensors")
    written = load_file(files.root / "written.safetensors")
    assert float(written["unet.conv_in.alpha"]) == rank
    other = next(layer for layer in lora.layers if not layer.endswith("conv_in"))
    assert float(written[f"unet.{other}.alpha"]) == 2 * rank
    again = read_lora(files.root / "written.safetensors", files.unet_shapes()) \
        if way == "metadata" else lora
    assert set(again.layers) == set(lora.layers)


def test_alpha_that_is_the_rank_leaves_the_file_as_it_is(files):
    rank = rank_of(files)
    saved_with(files, {"lora_adapter_metadata": json.dumps(
        {"unet.r": rank, "unet.lora_alpha": rank}), "format": "pt"})
    assert importer.checked(files.options()).lora.is_as_published


@pytest.mark.parametrize("keys, expected", [
    ({"use_dora": True}, "use_dora: expected False, found True"),
    ({"lora_alfa": 4}, "nearest known key is lora_alpha"), ({"r": 99}, "r: expected ")])
def test_what_a_lora_states_is_honoured_or_refused(files, keys, expected):
    saved_with(files, {"lora_adapter_metadata": json.dumps(
        {f"unet.{key}": value for key, value in keys.items()})})
    assert expected in files.complaint()


def test_factors_of_a_text_encoder_are_left_out_aloud(files, capsys):
    saved_with(files, {}, **{
        "lora_te_text_model_encoder_layers_0_mlp_fc1.alpha": torch.tensor(4.0),
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": torch.zeros(4, 8)})
    lora = importer.checked(files.options()).lora
    assert "2 tensors of a text encoder are left out" in capsys.readouterr().err
    write_lora(lora, files.root / "written.safetensors")
    assert not any("lora_te" in name for name in load_file(files.root / "written.safetensors"))


def test_factors_of_other_layers_and_sizes_are_named(files):
    saved_with(files, {}, **{"unet.conv_nowhere.lora.down.weight": torch.zeros(4, 8)})
    assert "expected a LoRA factor of a layer of the UNet" in files.complaint()
    files.lora.unlink()
    save_file({"unet.conv_out.lora.down.weight": torch.zeros(4, 32, 3, 3)}, files.lora)
    assert "expected the layer's other factor too" in files.complaint()
    save_file({"unet.conv_out.lora.down.weight": torch.zeros(4, 32, 1, 1),
               "unet.conv_out.lora.up.weight": torch.zeros(4, 4, 1, 1)}, files.lora)
    assert "values per rank for a weight of shape" in files.complaint()


def test_a_controlnets_own_number_of_heads_goes_first(files):
    from published_shapes import heads
    path = files.controlnet / "config.json"
    config = read_json(path) | {"attention_head_dim": 2}
    levels = len(config["block_out_channels"])
    assert heads(path, config, levels) == [2] * levels
    assert heads(path, config | {"num_attention_heads": 1}, levels) == [1] * levels
    files.edit("controlnet/config.json", attention_head_dim=2, num_attention_heads=1)
    importer.checked(files.options())
