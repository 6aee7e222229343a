/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "lanes.h"

/* Of 255. */
INLINE uint32_t meant(uint32_t value, const int is_signed, const enum p_scalar meaning)
{
    uint32_t full = value;
    if (is_signed)
        full = value < 128 ? (value * 510 + 127) / 254 : 0;
    if (meaning == P_INVERTED)
        return 255 - full;
    if (meaning == P_GODOT) {
        const uint32_t still = full > 127 ? 255 - full : full;
        const uint32_t roughness = (still * 510 + 127) / 254;
        return roughness < 255 ? roughness : 255;
    }
    return full;
}

INLINE void scalars(uint8_t *restrict out, const uint8_t *restrict in, const size_t pixel_bytes,
                    const int is_signed, const enum p_scalar meaning, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        out[i] = (uint8_t)meant(in[i * pixel_bytes], is_signed, meaning);
}

#define CASES(bytes, sign)                                                              \
    switch (meaning) {                                                                  \
    case P_DIRECT: scalars(out, from, bytes, sign, P_DIRECT, pixels); return;           \
    case P_INVERTED: scalars(out, from, bytes, sign, P_INVERTED, pixels); return;       \
    case P_GODOT: scalars(out, from, bytes, sign, P_GODOT, pixels); return;             \
    }

KERNEL void p_scalars(uint8_t *restrict out, const uint8_t *restrict in, size_t pixel_bytes,
                      size_t channel, int is_signed, enum p_scalar meaning, size_t pixels)
{
    const uint8_t *from = in + channel;
    if (pixel_bytes == 4 && is_signed) {
        CASES(4, 1)
    } else if (pixel_bytes == 4) {
        CASES(4, 0)
    } else if (pixel_bytes == 3) {
        CASES(3, 0)
    } else {
        CASES(1, 0)
    }
}

KERNEL void p_scale_motion(uint8_t *restrict out, const uint8_t *restrict in, float scale_x,
                           float scale_y, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t x = half_of_float(float_of(word_at(in + i * 8)) * scale_x);
        const uint32_t y = half_of_float(float_of(word_at(in + i * 8 + 4)) * scale_y);
        put_word(out + i * 4, x | y << 16);
    }
}
