/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "weight_kernels.h"

#include <stdint.h>

#include "halves.h"

/* Every product and sum is rounded by itself, on every processor. */
#pragma STDC FP_CONTRACT OFF

/* Wider registers where there are any; the arithmetic of each element stays the same. Not under the
 * thread sanitizer, which is not ready yet when the loader picks one. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_SANITIZED
#endif
#endif
#if defined(__x86_64__) && !defined(IS_SANITIZED)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

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
        halves_widen_f16(largest + f, &half, 1);
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
