/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "layers.h"

#include <math.h>
#include <string.h>

size_t padded(size_t channels) { return (channels + K_LANES - 1) / K_LANES * K_LANES; }

static size_t form_bytes(int32_t form)
{
    return form == K_RELU_U8 ? 1 : form == K_PLAIN_FP32 || form == K_RELU_FP32 ? 4 : 2;
}

tensor make_tensor(size_t height, size_t width, size_t channels, int32_t form)
{
    tensor t = {height, width, channels, padded(channels) * form_bytes(form), 0, 0, form, NULL,
                NULL, NULL};
    t.row = (width + 2) * t.pixel;
    t.bytes = (height + 2) * t.row;
    t.first = memory(t.bytes);
    t.at = t.first + t.row + t.pixel;
    return t;
}

static const uint8_t *number(const tensor *t, size_t y, size_t x, size_t c)
{
    return t->at + y * t->row + x * t->pixel + c * form_bytes(t->form);
}

float kept(const tensor *t, size_t y, size_t x, size_t c)
{
    const uint8_t *p = number(t, y, x, c);
    float value;
    int16_t word;
    uint16_t half;
    switch (t->form) {
    case K_PLAIN_FP32:
    case K_RELU_FP32: memcpy(&value, p, 4); return value;
    case K_PLAIN_S16: memcpy(&word, p, 2); return word;
    case K_RELU_U8: return *p;
    default: memcpy(&half, p, 2); return bf16_to_float(half);
    }
}

float kept_as(float value, int32_t form, float level)
{
    const float positive = value > 0 ? value : 0;
    switch (form) {
    case K_PLAIN_FP32: return value;
    case K_RELU_FP32: return positive;
    case K_PLAIN_BF16: return bf16_to_float(bf16_of_float(value));
    case K_RELU_BF16: return bf16_to_float(bf16_of_float(positive));
    case K_PLAIN_S16: return fminf(fmaxf(rintf(value * level), -32768), 32767);
    default: return fminf(fmaxf(rintf(value * level), 0), 255);
    }
}

/* Random numbers inside, zeros in the border. Padding channels of integers hold anything; floats 0. */
static void fill(tensor *t)
{
    memset(t->first, 0, t->bytes);
    for (size_t y = 0; y < t->height; y++)
        for (size_t x = 0; x < t->width; x++) {
            uint8_t *p = t->at + y * t->row + x * t->pixel;
            if (t->form == K_PLAIN_S16 || t->form == K_RELU_U8) {
                random_bytes(p, t->pixel);
                continue;
            }
            for (size_t c = 0; c < t->channels; c++) {
                const float value = random_float(-1, 1);
                const uint16_t half = bf16_of_float(value);
                if (form_bytes(t->form) == 4)
                    memcpy(p + c * 4, &value, 4);
                else
                    memcpy(p + c * 2, &half, 2);
            }
        }
}

/* ---- One layer ---- */

int is_integer(const layer *l) { return l->arithmetic >= K_INT16; }

void plain_sum(const layer *l, size_t o, size_t y, size_t x, int in_relu, double *sum, double *size)
{
    const ptrdiff_t first = l->side == 3 ? -1 : 0, stride = l->side == 2 ? 2 : 1;
    *sum = *size = 0;
    for (size_t tap = 0; tap < l->side * l->side; tap++) {
        const ptrdiff_t iy = (ptrdiff_t)y * stride + first + (ptrdiff_t)(tap / l->side);
        const ptrdiff_t ix = (ptrdiff_t)x * stride + first + (ptrdiff_t)(tap % l->side);
        if (iy < 0 || ix < 0 || iy >= (ptrdiff_t)l->in.height || ix >= (ptrdiff_t)l->in.width)
            continue;
        for (size_t i = 0; i < l->cin; i++) {
            const size_t at = (o * l->cin + i) * l->side * l->side + tap;
            double value = kept(&l->in, (size_t)iy, (size_t)ix, i);
            if (in_relu && value < 0)
                value = 0;
            const double weight = is_integer(l)            ? l->quantised[at]
                                  : l->arithmetic == K_BF16 && l->conv.tap_count > 0
                                      ? bf16_to_float(bf16_of_float(l->weight[at]))
                                      : l->weight[at];
            *sum += value * weight;
            *size += fabs(value * weight);
        }
    }
}

/* In the place of a BLAS library, as layers/blas.h calls it. */
static void plain_sgemm(int order, int transpose_a, int transpose_b, int rows, int columns, int depth,
                        float alpha, const float *a, int row_a, const float *b, int row_b, float beta,
                        float *c, int row_c)
{
    expect(order == 101 && transpose_a == 111 && transpose_b == 111 && alpha == 1.0f &&
               row_a >= depth && row_b >= columns && row_c >= columns,
           "a product of %d x %d x %d whose rows are %d, %d and %d long", rows, columns, depth, row_a,
           row_b, row_c);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            float sum = beta == 0.0f ? 0.0f : beta * c[y * row_c + x];
            for (int k = 0; k < depth; k++)
                sum += a[y * row_a + k] * b[k * row_b + x];
            c[y * row_c + x] = sum;
        }
}

void make_layer(layer *l, size_t side, size_t cin, size_t couts, size_t height, size_t width)
{
    static const int32_t in_forms[4] = {K_PLAIN_FP32, K_PLAIN_BF16, K_PLAIN_S16, K_RELU_U8};
    const size_t stride = side == 2 ? 2 : 1;
    l->side = side, l->cin = cin, l->couts = couts, l->height = height, l->width = width;
    l->in = make_tensor(height * stride, width * stride, cin, in_forms[l->arithmetic]);
    fill(&l->in);
    l->weight = floats(couts * cin * side * side);
    random_floats(l->weight, couts * cin * side * side, -1, 1);
    l->bias = floats(padded(couts));
    l->scale = floats(padded(couts));
    memset(l->bias, 0, padded(couts) * 4);
    random_floats(l->bias, couts, -1, 1);
    l->steps = floats(cin);
    random_floats(l->steps, cin, 1e-4f, 2e-3f);
    l->quantised = memory(couts * cin * side * side * 2);
    l->conv = (k_conv){
        .in = l->in.at, .in_row = l->in.row, .in_pixel = l->in.pixel, .in_channels = cin,
        .in_step = stride, .bias = l->bias, .scale = l->scale,
        .out_vectors = padded(couts) / K_LANES, .out_width = width, .out_height = height,
        .sgemm = plain_sgemm,
    };
}

void add_residual(layer *l, size_t shift)
{
    l->has_residual = 1;
    l->shift = shift;
    const int32_t form = is_integer(l) ? K_PLAIN_S16 : l->arithmetic == K_BF16 ? K_PLAIN_BF16
                                                                              : K_PLAIN_FP32;
    l->residual = make_tensor((l->height + shift) >> shift, (l->width + shift) >> shift, l->couts, form);
    fill(&l->residual);
    l->residual_steps = floats(padded(l->couts));
    random_floats(l->residual_steps, padded(l->couts), 1e-4f, 2e-3f);
    l->conv.residual = l->residual.at;
    l->conv.residual_row = l->residual.row;
    l->conv.residual_pixel = l->residual.pixel;
    l->conv.residual_shift = shift;
    l->conv.residual_form = form;
    l->conv.residual_steps = l->residual_steps;
}

float added(const layer *l, size_t o, size_t y, size_t x)
{
    const float value = kept(&l->residual, y >> l->shift, x >> l->shift, o);
    return is_integer(l) ? value * l->residual_steps[o] : value;
}

void bind_outputs(layer *l, tensor *outputs, size_t count)
{
    l->conv.output_count = count;
    for (size_t i = 0; i < count; i++)
        l->conv.outputs[i] = (k_output){outputs[i].at, outputs[i].row, outputs[i].pixel, 1,
                                        outputs[i].levels, outputs[i].form};
}

void run_in_tiles(const layer *l, const void *kernel, size_t blocks, size_t unit, run_tile run)
{
    size_t y[3] = {0, 0, l->height}, x[3] = {0, 0, l->width}, b[3] = {0, 0, blocks};
    y[1] = (size_t)random_int(0, (int)((l->height - 1) / unit)) * unit;
    x[1] = (size_t)random_int(0, (int)((l->width - 1) / unit)) * unit;
    b[1] = (size_t)random_int(0, (int)blocks - 1);
    for (int i = 0; i < 8; i++) {
        const k_tile tile = {b[i >> 2], b[(i >> 2) + 1], y[i >> 1 & 1], y[(i >> 1 & 1) + 1],
                             x[i & 1], x[(i & 1) + 1]};
        if (tile.b0 < tile.b1 && tile.y0 < tile.y1 && tile.x0 < tile.x1)
            run(l, kernel, &tile);
    }
}

void judge_border(const tensor *t)
{
    for (size_t y = 0; y < t->height + 2; y++)
        for (size_t x = 0; x < t->width + 2; x++) {
            if (y > 0 && y <= t->height && x > 0 && x <= t->width)
                continue;
            for (size_t i = 0; i < t->pixel; i++)
                if (t->first[y * t->row + x * t->pixel + i] != 0) {
                    expect(0, "border of a %zux%zu output at %zu, %zu", t->height, t->width, y, x);
                    return;
                }
        }
    expect(1, "border");
}

/* The forms of a network of one precision, and random ones. */
static size_t random_forms(const layer *l, int32_t forms[3])
{
    static const int32_t float_forms[4] = {K_PLAIN_FP32, K_RELU_FP32, K_PLAIN_BF16, K_RELU_BF16};
    static const int32_t integer_forms[3] = {K_PLAIN_FP32, K_PLAIN_S16, K_RELU_U8};
    const size_t count = (size_t)random_int(1, 3);
    for (size_t i = 0; i < count; i++)
        forms[i] = is_integer(l) ? integer_forms[random_int(0, 2)] : float_forms[random_int(0, 3)];
    return count;
}

void judge_forms(layer *l, const tensor *plain, const void *kernel, size_t blocks, size_t unit,
                 run_tile run)
{
    int32_t forms[3];
    tensor outputs[3];
    const size_t count = random_forms(l, forms);
    float *levels = floats(padded(l->couts));
    random_floats(levels, padded(l->couts), 50, 5000);
    for (size_t i = 0; i < count; i++) {
        outputs[i] = make_tensor(l->height, l->width, l->couts, forms[i]);
        outputs[i].levels = is_integer(l) ? levels : NULL;
    }
    bind_outputs(l, outputs, count);
    run_in_tiles(l, kernel, blocks, unit, run);
    for (size_t i = 0; i < count; i++) {
        judge_border(&outputs[i]);
        for (size_t y = 0; y < l->height; y++)
            for (size_t x = 0; x < l->width; x++)
                for (size_t o = 0; o < l->couts; o++) {
                    const float expected =
                        kept_as(kept(plain, y, x, o), forms[i], levels[o]);
                    expect(kept(&outputs[i], y, x, o) == expected,
                           "form %d: %g, not %g, at %zu, %zu, %zu", forms[i],
                           (double)kept(&outputs[i], y, x, o), (double)expected, y, x, o);
                }
    }
}
