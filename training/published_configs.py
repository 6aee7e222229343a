# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""config.json of a UNet, ControlNet and VAE, and scheduler_config.json. Every key is on a list: read by
the daemon, needed at one value because the daemon computes nothing else, or without meaning for the
picture. Other keys are refused with the nearest known name. Names are diffusers' (0.42)."""

from pathlib import Path

from names import nearest
from published_files import ImportFailed

# Read by the daemon (NeuralModel/DiffusionConfig.swift).
UNET_READ = {
    "in_channels", "out_channels", "block_out_channels", "layers_per_block", "cross_attention_dim",
    "norm_num_groups", "norm_eps", "flip_sin_to_cos", "freq_shift", "act_fn", "down_block_types",
    "up_block_types", "attention_head_dim"}
CONTROLNET_READ = UNET_READ - {"out_channels", "up_block_types"} | {
    "gbuffer_channels", "conditioning_channels", "conditioning_embedding_out_channels",
    "num_attention_heads"}
# Computed at this value alone: diffusers' picture is another one with any other.
BOTH_FIXED = {
    "center_input_sample": [False], "mid_block_scale_factor": [1], "downsample_padding": [1],
    "mid_block_type": ["UNetMidBlock2DCrossAttn"], "only_cross_attention": [False],
    "transformer_layers_per_block": [1], "encoder_hid_dim": [None], "encoder_hid_dim_type": [None],
    "class_embed_type": [None], "addition_embed_type": [None], "num_class_embeds": [None],
    "resnet_time_scale_shift": ["default"], "projection_class_embeddings_input_dim": [None],
    "act_fn": ["silu"]}
UNET_FIXED = BOTH_FIXED | {
    "num_attention_heads": [None], "mid_block_only_cross_attention": [None, False],
    "dual_cross_attention": [False], "reverse_transformer_layers_per_block": [None],
    "time_embedding_type": ["positional"], "time_embedding_dim": [None],
    "time_embedding_act_fn": [None], "timestep_post_act": [None], "time_cond_proj_dim": [None],
    "conv_in_kernel": [3], "conv_out_kernel": [3], "attention_type": ["default"],
    "class_embeddings_concat": [False], "cross_attention_norm": [None],
    "resnet_skip_time_act": [False], "resnet_out_scale_factor": [1], "in_channels": [4]}
CONTROLNET_FIXED = BOTH_FIXED | {
    "global_pool_conditions": [False], "controlnet_conditioning_channel_order": ["rgb"]}
# Sizes at training, dropout, the precision of sums, and counts for what is refused above.
BOTH_HARMLESS = {
    "sample_size", "dropout", "upcast_attention", "use_linear_projection", "addition_time_embed_dim",
    "addition_embed_type_num_heads"}

VAE_READ = {"in_channels", "latent_channels", "block_out_channels", "layers_per_block",
            "norm_num_groups", "scaling_factor", "act_fn"}
VAE_FIXED = {
    "in_channels": [3], "out_channels": [3], "act_fn": ["silu"], "mid_block_add_attention": [True],
    "use_quant_conv": [True], "use_post_quant_conv": [True], "latents_mean": [None],
    "latents_std": [None], "shift_factor": [None, 0], "down_block_types": ["DownEncoderBlock2D"],
    "up_block_types": ["UpDecoderBlock2D"]}
TINY_READ = {"latent_channels", "num_encoder_blocks", "num_decoder_blocks", "scaling_factor",
             "act_fn", "encoder_block_out_channels", "decoder_block_out_channels"}
TINY_FIXED = {
    "in_channels": [3], "out_channels": [3], "act_fn": ["relu"], "shift_factor": [None, 0],
    "upsampling_scaling_factor": [2], "upsample_fn": ["nearest"]}
VAE_HARMLESS = {"sample_size", "force_upcast"}
TINY_HARMLESS = {"force_upcast", "block_out_channels", "latent_magnitude", "latent_shift"}

SCHEDULER_READ = {
    "beta_schedule", "beta_start", "beta_end", "num_train_timesteps", "steps_offset",
    "set_alpha_to_one", "prediction_type", "timestep_spacing", "original_inference_steps"}
SCHEDULER_FIXED = {
    "beta_schedule": ["scaled_linear"], "trained_betas": [None], "rescale_betas_zero_snr": [False],
    "thresholding": [False], "use_karras_sigmas": [False], "use_exponential_sigmas": [False],
    "use_beta_sigmas": [False], "use_flow_sigmas": [False], "use_lu_lambdas": [False],
    "final_sigmas_type": ["zero"], "predict_x0": [True], "lower_order_final": [True],
    "solver_order": [2], "solver_type": ["bh2", "midpoint", "heun", "logrho"],
    "disable_corrector": [[]], "solver_p": [None], "shift_terminal": [None],
    "use_dynamic_shifting": [False], "timestep_scaling": [10.0]}
# Of DDIM and LCM, which clip the picture itself.
CLIPPING_FIXED = {"clip_sample": [False]}
SCHEDULER_HARMLESS = {
    "skip_prk_steps", "clip_sample", "clip_sample_range", "dynamic_thresholding_ratio",
    "sample_max_value", "algorithm_type", "euler_at_final", "variance_type", "lambda_min_clipped",
    "interpolation_type", "timestep_type", "sigma_min", "sigma_max", "flow_shift", "s_churn",
    "s_noise", "s_tmin", "s_tmax", "invert_sigmas", "stochastic_sampling", "time_shift_type",
    "sigma_data"}
CLASSES = {"unet": {"UNet2DConditionModel"},
           "controlnet": {"ControlNetModel", "ControlNetModelEx"}, "vae": {"AutoencoderKL"},
           "tiny": {"AutoencoderTiny"}}
LISTS = {
    "unet": (UNET_READ, UNET_FIXED, BOTH_HARMLESS),
    "controlnet": (CONTROLNET_READ, CONTROLNET_FIXED, BOTH_HARMLESS),
    "vae": (VAE_READ, VAE_FIXED, VAE_HARMLESS), "tiny": (TINY_READ, TINY_FIXED, TINY_HARMLESS)}
HINTS = {
    "time_cond_proj_dim": "; a distilled LCM UNet reads its guidance scale, which is not built: use an "
    "LCM-LoRA merged into the UNet, or one-step weights",
    "in_channels": "; a UNet saved with its widened conv_in is not read: give the original UNet and "
    "the LoRA",
    "num_attention_heads": "; diffusers refuses it for a UNet as well: attention_head_dim holds the "
    "number of heads"}


def check_keys(path: Path, config: dict, read: set, fixed: dict, harmless: set) -> None:
    known = sorted(read | set(fixed) | harmless)
    for key, value in config.items():
        if key.startswith("_"):  # diffusers' own notes
            continue
        if key not in known:
            raise ImportFailed(f"{path}: {key} is not known; the nearest known key is "
                               f"{nearest(key, known)}")
        if key in fixed and not allowed(value, fixed[key]):
            expected = " or ".join(shown(v) for v in fixed[key])
            raise ImportFailed(f"{path}: {key}: expected {expected}, found {shown(value)}"
                               f"{HINTS.get(key, '')}")


def allowed(value, wanted: list) -> bool:
    """A list of equal entries, one a level, counts as one of them."""
    same = lambda v: any(v == w and isinstance(v, bool) == isinstance(w, bool) for w in wanted)
    return same(value) or isinstance(value, list) and bool(value) and all(map(same, value))


def shown(value) -> str:
    words = {True: "true", False: "false", None: "null"}
    return words[value] if value is None or isinstance(value, bool) else str(value)[:64]


def check_part_config(path: Path, config: dict, part: str) -> None:
    """`part`: unet, controlnet, vae or tiny."""
    name = config.get("_class_name")
    if name is not None and name not in CLASSES[part]:
        raise ImportFailed(f"{path}: _class_name: expected {' or '.join(sorted(CLASSES[part]))}, "
                           f"found {shown(name)}")
    check_keys(path, config, *LISTS[part])


def stated_scheduler(path: Path, config: dict, sampler: str) -> dict:
    """What counts of scheduler_config.json: not what diffusers notes as never set."""
    unset = config.get("_use_default_values", [])
    stated = {key: value for key, value in config.items() if key not in unset}
    fixed = SCHEDULER_FIXED | (CLIPPING_FIXED if sampler in ("ddim", "lcm") else {})
    check_keys(path, stated, SCHEDULER_READ, fixed, SCHEDULER_HARMLESS)
    for key in ("beta_start", "beta_end", "num_train_timesteps"):
        if not isinstance(stated.get(key), (int, float)) or isinstance(stated[key], bool):
            raise ImportFailed(f"{path}: {key}: expected a number, found {shown(stated.get(key))}")
    if stated.get("beta_schedule") != "scaled_linear":
        raise ImportFailed(f"{path}: beta_schedule: expected scaled_linear, found "
                           f"{shown(stated.get('beta_schedule'))}")
    spacing = stated.get("timestep_spacing")
    if spacing is not None and spacing not in ("linspace", "leading", "trailing"):
        raise ImportFailed(f"{path}: timestep_spacing: expected linspace, leading or trailing, "
                           f"found {shown(spacing)}")
    prediction = stated.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction", "sample"):
        raise ImportFailed(f"{path}: prediction_type: expected epsilon, v_prediction or sample, "
                           f"found {shown(prediction)}")
    return stated
