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

WIDE void k_narrow_f16(uint16_t *restrict out, const float *restrict in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, in + i, 4);
        const uint32_t sign = bits >> 16 & 0x8000u, size = bits & 0x7FFFFFFFu;
        /* Normal halves: 13 bits less, to nearest; what leaves the range is infinite. */
        uint32_t normal = (size + 0xFFFu + (size >> 13 & 1u) - (112u << 23)) >> 13;
        normal = normal > 0x7C00u ? 0x7C00u : normal;
        /* Below the smallest of them: beside 1/2 a float's last place is a half's, 2^-24. */
        float shifted;
        memcpy(&shifted, &size, 4);
        shifted += 0.5f;
        uint32_t small;
        memcpy(&small, &shifted, 4);
        const uint32_t half = size > 0x7F800000u    ? 0x7E00u
                              : size < 0x38800000u ? small - 0x3F000000u
                                                   : normal;
        out[i] = (uint16_t)(half | sign);
    }
}

WIDE int k_measure_halves(float *restrict largest, const uint32_t *restrict words, size_t count)
{
    uint32_t most[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        const uint32_t low = words[i] & 0x7FFFu, high = words[i] >> 16 & 0x7FFFu;
        most[0] = low > most[0] ? low : most[0];
        most[1] = high > most[1] ? high : most[1];
    }
    for (int f = 0; f < 2; f++) {
        const uint16_t half = (uint16_t)most[f];
        k_widen_f16(largest + f, &half, 1);
    }
    return most[0] < 0x7C00u && most[1] < 0x7C00u;
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
