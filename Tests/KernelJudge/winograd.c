/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The same convolutions Winograd's way. */
#include <math.h>
#include <string.h>

#include "layers.h"

static float winograd_scratch[K_WINOGRAD_FLOATS];

static void run_winograd(const layer *l, const void *kernel, const k_tile *tile)
{
    memset(winograd_scratch, 0xff, sizeof winograd_scratch);
    ((const k_winograd *)kernel)->run(&l->conv, winograd_scratch, tile);
}

static void judge_one_winograd(enum k_arithmetic arithmetic, const k_winograd *kernel, size_t cin,
                               size_t couts, size_t height, size_t width, int residual)
{
    layer l = {.arithmetic = arithmetic};
    make_layer(&l, 3, cin, couts, height, width);
    if (residual >= 0)
        add_residual(&l, (size_t)residual);
    uint32_t *packed = memory(k_winograd_words(kernel, couts, cin) * 4);
    k_pack_winograd(packed, l.weight, kernel, couts, cin);
    l.conv.weights = packed;
    l.conv.in_relu = random_int(0, 1);
    tensor plain = make_tensor(height, width, couts, K_PLAIN_FP32);
    bind_outputs(&l, &plain, 1);
    run_in_tiles(&l, kernel, l.conv.out_vectors, 4, run_winograd);
    judge_border(&plain);
    /* Tolerances and their reasons: those of the tests in Swift. */
    const double tolerance = kernel->numbers == 2 ? 16 * 0x1p-8 / sqrt((double)cin) : 16 * 0x1p-24;
    double largest = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++)
                for (size_t o = 0; o < couts; o++) {
                    double sum, size;
                    plain_sum(&l, o, y, x, l.conv.in_relu, &sum, &size);
                    const double more =
                        l.bias[o] + (double)(l.has_residual ? added(&l, o, y, x) : 0);
                    size += fabs(more);
                    if (pass == 0)
                        largest = fmax(largest, size);
                    else
                        expect(is_near(kept(&plain, y, x, o), sum + more, tolerance * largest),
                               "%zu to %zu, %zux%zu: %.9g, not %.9g, at %zu, %zu, %zu", cin, couts,
                               height, width, (double)kept(&plain, y, x, o), sum + more, y, x, o);
                }
    judge_forms(&l, &plain, kernel, l.conv.out_vectors, 4, run_winograd);
    free_memory();
}

void judge_winograd(enum k_path path)
{
    for (int arithmetic = K_FP32; arithmetic <= K_BF16; arithmetic++) {
        const enum k_arithmetic a = (enum k_arithmetic)arithmetic;
        const k_convolution *beside;
        for (size_t choice = 0; (beside = k_convolution_of(path, a, choice)); choice++) {
            const k_winograd *kernel = k_winograd_of(path, a, choice);
            judge_begin("winograd", beside->name);
            for (int trial = 0; trial < 24; trial++)
                judge_one_winograd(a, kernel, trial % 8 ? (size_t)random_int(1, 40) : 160,
                                   (size_t)random_int(1, 70), (size_t)random_int(1, 13),
                                   (size_t)random_int(1, 18), random_int(-1, 1));
        }
    }
}
