/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Layers with random weights, inputs and residuals, what plain loops make of them, and the forms that
 * their outputs are kept in. */
#ifndef FRAMELOOM_LAYERS_H
#define FRAMELOOM_LAYERS_H

#include "judge.h"

size_t padded(size_t channels);

/* [height, width, padded channels] with a border of one pixel. */
typedef struct tensor {
    size_t height, width, channels, pixel, row, bytes;
    int32_t form;
    uint8_t *first, *at;
    const float *levels; /* integers: number = value * level */
} tensor;

tensor make_tensor(size_t height, size_t width, size_t channels, int32_t form);
/* As it is kept: a float, or an integer of as many levels. */
float kept(const tensor *t, size_t y, size_t x, size_t c);
/* What a form makes of a value. */
float kept_as(float value, int32_t form, float level);

typedef struct layer {
    enum k_arithmetic arithmetic;
    size_t side, cin, couts, height, width; /* of the output */
    tensor in, residual;
    int has_residual;
    size_t shift; /* of the residual */
    float *weight, *bias, *scale, *steps, *residual_steps;
    int16_t *quantised;
    k_conv conv;
} layer;

void make_layer(layer *l, size_t side, size_t cin, size_t couts, size_t height, size_t width);
/* One that stands for 2^shift by 2^shift pixels. */
void add_residual(layer *l, size_t shift);
void bind_outputs(layer *l, tensor *outputs, size_t count);
int is_integer(const layer *l);
/* Sum over taps and cins, and the sum of magnitudes. */
void plain_sum(const layer *l, size_t o, size_t y, size_t x, int in_relu, double *sum, double *size);
/* What the residual adds there. */
float added(const layer *l, size_t o, size_t y, size_t x);

typedef void (*run_tile)(const layer *, const void *kernel, const k_tile *);

/* All of a layer in random tiles: rows and columns cut at multiples of `unit`, couts in two. */
void run_in_tiles(const layer *l, const void *kernel, size_t blocks, size_t unit, run_tile run);
/* Zeros still. */
void judge_border(const tensor *t);
/* Every form holds exactly what it makes of the plain result. */
void judge_forms(layer *l, const tensor *plain, const void *kernel, size_t blocks, size_t unit,
                 run_tile run);

#endif
