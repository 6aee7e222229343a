/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "halves.h"

#include <string.h>

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

WIDE void halves_widen_f16(float *restrict out, const void *restrict in, size_t count)
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

WIDE void halves_widen_bf16(float *restrict out, const void *restrict in, size_t count)
{
    const uint8_t *bytes = in;
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, bytes + 2 * i, 2);
        const uint32_t bits = (uint32_t)half << 16;
        memcpy(out + i, &bits, 4);
    }
}

WIDE void halves_narrow_f16(uint16_t *restrict out, const float *restrict in, size_t count)
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

int halves_floats_are_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(values[i] - values[i] == 0.0f))
            return 0;
    return 1;
}
