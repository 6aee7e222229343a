/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "weight_kernels.h"

#include <stdint.h>
#include <string.h>

/* Every product and sum is rounded by itself, on every processor. */
#pragma STDC FP_CONTRACT OFF

/* Wider registers where there are any; the arithmetic of each element stays the same. */
#if defined(__x86_64__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

WIDE void k_widen_f16(float *restrict out, const void *restrict in, size_t count)
{
    const uint8_t *bytes = in;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, rest = half & 0x7FFFu;
        /* Normal numbers move their exponent by 112; infinity and NaN move it to the end. */
        const uint32_t normal = (rest << 13) + (rest >= 0x7C00u ? 224u << 23 : 112u << 23);
        /* Below the smallest normal half: a multiple of 2^-24, normal as a float. */
        const float small = (float)(int32_t)rest * 0x1p-24f;
        uint32_t bits;
        memcpy(&bits, &small, 4);
        bits = (rest < 0x400u ? bits : normal) | sign;
        memcpy(out + i, &bits, 4);
    }
}

WIDE void k_widen_bf16(float *restrict out, const void *restrict in, size_t count)
{
    const uint8_t *bytes = in;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        const uint32_t bits = (uint32_t)half << 16;
        memcpy(out + i, &bits, 4);
    }
}

enum { COLUMNS = 64 };

WIDE void k_add_low_rank(float *restrict weight, const float *restrict up,
                         const float *restrict down, size_t outputs, size_t inputs, size_t rank,
                         float scale)
{
    /* A strip of `down` stays in the cache while every output uses it. */
    for (size_t first = 0; first < inputs; first += COLUMNS) {
        const size_t count = inputs - first < COLUMNS ? inputs - first : COLUMNS;
        for (size_t o = 0; o < outputs; o++) {
            float sum[COLUMNS] = {0};
            const float *factors = up + o * rank;
            if (count == COLUMNS)
                for (size_t r = 0; r < rank; r++) {
                    const float *row = down + r * inputs + first, factor = factors[r];
                    for (size_t i = 0; i < COLUMNS; i++)
                        sum[i] += factor * row[i];
                }
            else
                for (size_t r = 0; r < rank; r++) {
                    const float *row = down + r * inputs + first, factor = factors[r];
                    for (size_t i = 0; i < count; i++)
                        sum[i] += factor * row[i];
                }
            float *out = weight + o * inputs + first;
            for (size_t i = 0; i < count; i++)
                out[i] += scale * sum[i];
        }
    }
}
