/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Matrix products of the diffusion networks in fp32, one thread: our kernels beside OpenBLAS. The
 * library gets each product in one call, and of a 3x3 convolution the pixels already laid out: what it
 * would take besides is not counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "open_blas.h"
#include "tensor_kernels.h"

/* Layers of Stable Diffusion 1.5 for a picture of 512x512: the pixels' side, inputs, outputs, taps' side. */
static const struct {
    const char *name;
    size_t side, cin, couts, taps;
} layers[] = {
    {"attention's projections, 1/8", 64, 320, 320, 1},
    {"feed forward, 1/8", 64, 320, 2560, 1},
    {"attention's projections, 1/16", 32, 640, 640, 1},
    {"feed forward's way back, 1/16", 32, 2560, 640, 1},
    {"attention's projections, 1/32", 16, 1280, 1280, 1},
    {"convolution, 1/8", 64, 320, 320, 3},
    {"convolution, 1/16", 32, 640, 640, 3},
    {"convolution, 1/32", 16, 1280, 1280, 3},
};
enum { LAYERS = sizeof layers / sizeof *layers, ROUNDS = 7, COUNT = 4 };

static double milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static float *numbers(size_t count)
{
    float *out = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    if (!out)
        exit(1);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    return out;
}

static double best(const double *times)
{
    double least = times[0];
    for (size_t r = 1; r < ROUNDS; r++)
        least = times[r] < least ? times[r] : least;
    return least;
}

static void run_layer(size_t l, ob_sgemm sgemm)
{
    static const enum k_path paths[] = {K_AVX512, K_AVX2, K_PORTABLE};
    const size_t side = layers[l].side, cin = layers[l].cin, couts = layers[l].couts;
    const size_t taps = layers[l].taps * layers[l].taps, rows = side * side, depth = cin * taps;
    const size_t padded = k_padded_couts(couts, K_IDENTITY);
    float *weight = numbers(couts * depth), *packed = numbers(padded * depth);
    float *in = numbers(rows * cin), *laid = numbers(rows * depth), *out = numbers(rows * couts);
    float *bias = numbers(padded);
    k_pack_weights(packed, weight, couts, cin, taps, K_IDENTITY);
    k_product p = {
        .sources = {{in, cin}}, .source_count = 1, .in_width = side, .in_height = side,
        .side = layers[l].taps, .stride = 1, .pad = layers[l].taps == 3, .out_width = side,
        .out_height = side, .weights = packed, .couts = couts, .bias = bias, .out = out,
    };
    double times[COUNT][ROUNDS] = {{0}};
    for (size_t r = 0; r < ROUNDS; r++) /* in turns */
        for (size_t k = 0; k < COUNT; k++) {
            const double begun = milliseconds();
            if (k < 3) {
                const k_tensor_kernels *kernels = k_tensor_kernels_of(paths[k], 0);
                if (kernels)
                    kernels->product(&p, 0, (padded + K_PANEL - 1) / K_PANEL, 0, rows);
            } else {
                sgemm(101, 111, 111, (int)rows, (int)couts, (int)depth, 1.0f, laid, (int)depth,
                      weight, (int)couts, 0.0f, out, (int)couts);
            }
            times[k][r] = milliseconds() - begun;
        }
    const double gigaflops = 2e-6 * (double)rows * (double)couts * (double)depth;
    printf("%-30s %5zu x %4zu x %5zu ", layers[l].name, rows, couts, depth);
    for (size_t k = 0; k < COUNT; k++)
        printf(" %8.1f", gigaflops / best(times[k]));
    printf("\n");
    free(weight), free(packed), free(in), free(laid), free(out), free(bias);
}

int main(void)
{
    ob_library library;
    memset(&library, 0, sizeof library);
    ob_load(&library);
    if (!library.sgemm) {
        fprintf(stderr, "products: %s\n", library.error);
        return 1;
    }
    printf("billions of operations a second, the best of %d; OpenBLAS %s, kernels of %s\n", ROUNDS,
           library.version, library.core);
    printf("%-30s %5s   %4s   %5s  %8s %8s %8s %8s\n", "", "rows", "outs", "depth", "avx512", "avx2",
           "portable", "OpenBLAS");
    for (size_t l = 0; l < LAYERS; l++)
        run_layer(l, library.sgemm);
    return 0;
}
