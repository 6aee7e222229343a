/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What surrounds the networks of the framediffuser family: planes to network inputs, samplers, noise,
 * network output to picture. A small part of a frame's time: plain loops, the same results on every
 * processor. */
#ifndef FRAMELOOM_DIFFUSION_KERNELS_H
#define FRAMELOOM_DIFFUSION_KERNELS_H

#include "kernels.h"

#define K_DIFFUSION_PLANES 10

enum k_depth_curve { K_DEPTH_LINEAR = 0, K_DEPTH_INVERSE, K_DEPTH_LOG };

/* What the model fixes about its inputs, and where a frame's tensors lie. */
typedef struct k_diffusion {
    int32_t width, height;   /* padded: rows and columns outside of the frame repeat its edge */
    int32_t depth_curve;
    float depth_white;       /* metres: linear z / white, inverse white / z, log1p(z) / log1p(white) */
    int32_t depth_sky;       /* byte of the sky */
    int32_t normal_axis[3];  /* world axis that each channel holds: 0 x, 1 y, 2 z */
    float normal_sign[3];
    int32_t sky_below;       /* sky: base color and depth bytes all below this */
    int32_t sky_is_final;    /* 1: `known` covers the picture's sky as well */
    float *planes;           /* [height, width, K_DIFFUSION_PLANES] -1...1 */
    float *previous;         /* [height, width, 3] -1...1: the previous picture */
    const float *decoded;    /* [height, width, 3] the network's picture */
} k_diffusion;

/* Rows y0 ..< y1 of the padded frame: planes and previous picture, and the next frame's history but
 * for its picture. Without a history the base color stands for the previous picture. */
void k_diffusion_inputs(const k_frame *frame, const k_diffusion *diffusion, size_t y0, size_t y1);

/* Rows y0 ..< y1 of the frame: the picture, with what the engine drew laid over. */
void k_diffusion_picture(const k_frame *frame, const k_diffusion *diffusion, size_t y0, size_t y1);

/* Factors of one step of a sampler; see SamplerStep. */
typedef struct k_sampler_step {
    float clean_sample, clean_prediction;
    int32_t corrects;
    float corrected_sample, corrected_clean, corrected_previous, corrected_before_previous;
    float next_sample, next_clean, next_previous, next_noise;
} k_sampler_step;

/* Each [count]; `noise` is read only if its factor is not 0. */
typedef struct k_sampler_state {
    float *sample, *last_sample, *clean, *previous_clean;
    const float *prediction, *noise;
} k_sampler_state;

void k_sample(const k_sampler_state *state, const k_sampler_step *step, size_t count);

/* Normally distributed numbers, [count] in groups of 4 from Philox 4x32-10 with key `seed` and
 * counter (group, stream, frame), by Box and Muller with logarithm and cosine of our own. */
void k_normal_noise(float *restrict out, size_t count, uint64_t seed, uint64_t frame,
                    uint32_t stream);

#endif
