/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Convolutions of every arithmetic, kernel, residual and form, against plain loops: exactly where
 * integers are multiplied, else within what the roundings may cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layers.h"

/* ---- Plain convolutions ---- */

static void run_convolution(const layer *l, const void *kernel, const k_tile *tile)
{
    ((const k_convolution *)kernel)->run(&l->conv, tile);
}

static void bind_taps(layer *l, size_t numbers, int joins)
{
    const size_t words = (l->cin + numbers - 1) / numbers, columns = joins ? 1 : l->side;
    const ptrdiff_t first = l->side == 3 ? -1 : 0;
    l->conv.in_words = words * (l->side / columns);
    l->conv.tap_count = l->side * columns;
    for (size_t tap = 0; tap < l->conv.tap_count; tap++)
        l->conv.taps[tap] = (first + (ptrdiff_t)(tap / columns)) * (ptrdiff_t)l->in.row +
                            (first + (ptrdiff_t)(tap % columns)) * (ptrdiff_t)l->in.pixel;
}

static void pack_weights(layer *l, const k_convolution *kernel, size_t taps)
{
    const size_t words = k_packed_words(kernel, l->arithmetic, l->couts, l->cin, taps);
    uint32_t *packed = memory(words * 4);
    l->conv.weights = packed;
    if (!is_integer(l)) {
        k_pack_conv(packed, l->weight, kernel, l->arithmetic, l->couts, l->cin, taps);
        return;
    }
    k_pack_quantised(packed, l->scale, l->quantised, l->weight, l->steps, kernel, l->arithmetic,
                     l->couts, l->cin, taps);
    const int limit = l->arithmetic == K_INT8 ? 127 : 2047;
    for (size_t i = 0; i < l->couts * l->cin * taps; i++) {
        const float step = l->steps[i / taps % l->cin], scale = l->scale[i / (l->cin * taps)];
        const float exact = l->weight[i] * step / scale;
        expect(l->quantised[i] == rintf(exact) && abs(l->quantised[i]) <= limit,
               "%g is quantised to %d", (double)exact, l->quantised[i]);
    }
}

static void judge_one(enum k_arithmetic arithmetic, const k_convolution *kernel, size_t side,
                      size_t cin, size_t couts, size_t height, size_t width, int residual)
{
    const size_t numbers = arithmetic == K_FP32 ? 1 : arithmetic == K_INT8 ? 4 : 2;
    layer l = {.arithmetic = arithmetic};
    make_layer(&l, side, cin, couts, height, width);
    if (residual >= 0)
        add_residual(&l, (size_t)residual);
    pack_weights(&l, kernel, side * side);
    const size_t words = (cin + numbers - 1) / numbers;
    bind_taps(&l, numbers, words * 4 == l.in.pixel);
    tensor plain = make_tensor(height, width, couts, K_PLAIN_FP32);
    bind_outputs(&l, &plain, 1);
    const size_t blocks = k_block_count(l.conv.out_vectors, kernel->max_block);
    run_in_tiles(&l, kernel, blocks, 1, run_convolution);
    judge_border(&plain);
    /* n roundings of at most 2^-24 each: the textbook bound for any order of the sum. */
    const double roundings = (double)(cin * side * side * 2 + 2) * 0x1p-24;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t o = 0; o < couts; o++) {
                double sum, size;
                plain_sum(&l, o, y, x, 0, &sum, &size);
                const float found = kept(&plain, y, x, o);
                const float more = l.has_residual ? added(&l, o, y, x) : 0;
                if (is_integer(&l)) {
                    const float scaled = (float)(int64_t)sum * l.scale[o] + l.bias[o];
                    const float expected = l.has_residual ? scaled + more : scaled;
                    expect(fabs(sum) < 0x1p31 && found == expected,
                           "%zux%zu of %zu to %zu: %.9g, not %.9g, at %zu, %zu, %zu", side, side,
                           cin, couts, (double)found, (double)expected, y, x, o);
                } else {
                    const double bound =
                        (size + fabs((double)l.bias[o]) + fabs((double)more)) * roundings;
                    expect(is_near(found, sum + l.bias[o] + more, bound),
                           "%zux%zu of %zu to %zu: %.9g, not %.9g, at %zu, %zu, %zu", side, side,
                           cin, couts, (double)found, sum + l.bias[o] + more, y, x, o);
                }
            }
    judge_forms(&l, &plain, kernel, blocks, 1, run_convolution);
    free_memory();
}

/* ---- Conversion ---- */

static void run_conversion(const layer *l, const void *kernel, const k_tile *tile)
{
    ((const k_kernels *)kernel)->convert(&l->conv, tile);
}

static void judge_conversion(const k_kernels *kernels)
{
    static const int32_t forms[6] = {K_PLAIN_FP32, K_PLAIN_BF16, K_PLAIN_S16,
                                     K_RELU_FP32,  K_RELU_BF16,  K_RELU_U8};
    for (int i = 0; i < 6; i++) {
        layer l = {.arithmetic = K_FP32};
        const size_t channels = (size_t)random_int(1, 40);
        make_layer(&l, 1, channels, channels, (size_t)random_int(1, 6), (size_t)random_int(1, 9));
        tensor out = make_tensor(l.height, l.width, channels, forms[i]);
        float *levels = floats(padded(channels));
        random_floats(levels, padded(channels), 50, 50000);
        if (forms[i] == K_PLAIN_S16 || forms[i] == K_RELU_U8)
            out.levels = levels;
        bind_outputs(&l, &out, 1);
        l.conv.outputs[0].border = 0;
        run_in_tiles(&l, kernels, 1, 1, run_conversion);
        for (size_t y = 0; y < l.height; y++)
            for (size_t x = 0; x < l.width; x++)
                for (size_t c = 0; c < channels; c++)
                    expect(kept(&out, y, x, c) ==
                               kept_as(kept(&l.in, y, x, c), forms[i], levels[c]),
                           "form %d at %zu, %zu, %zu", forms[i], y, x, c);
        free_memory();
    }
}

void judge_convolutions(enum k_path path)
{
    for (int arithmetic = K_FP32; arithmetic <= K_INT8; arithmetic++) {
        const enum k_arithmetic a = (enum k_arithmetic)arithmetic;
        const k_convolution *kernel;
        for (size_t choice = 0; (kernel = k_convolution_of(path, a, choice)); choice++) {
            judge_begin("convolution", kernel->name);
            /* Every width of a group, every block of couts. */
            for (size_t vectors = 1; vectors <= 5; vectors++)
                for (size_t width = 1; width <= 17; width++)
                    judge_one(a, kernel, 1, (size_t)random_int(1, 9),
                              vectors * K_LANES - (size_t)random_int(0, 15), 1, width, -1);
            /* Every kernel beside every residual; whole vectors of cins join their taps. */
            for (size_t side = 1; side <= 3; side++)
                for (int residual = -1; residual <= 1; residual++)
                    for (int whole = 0; whole <= 1; whole++)
                        judge_one(a, kernel, side,
                                  whole ? (size_t)random_int(1, 3) * K_LANES
                                        : (size_t)random_int(1, 40),
                                  (size_t)random_int(1, 70), (size_t)random_int(1, 6),
                                  (size_t)random_int(1, 9), residual);
        }
    }
    judge_begin("conversion", k_convolution_of(path, K_FP32, 0)->name);
    judge_conversion(k_kernels_of(path));
}
