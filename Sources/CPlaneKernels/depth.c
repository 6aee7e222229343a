/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "lanes.h"

KERNEL void p_floats_of_halves(uint8_t *restrict out, const uint8_t *restrict in, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        put_word(out + i * 4, bits_of(float_of_half(half_at(in + i * 2))));
}

KERNEL void p_floats_of_words(uint8_t *restrict out, const uint8_t *restrict in, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        put_word(out + i * 4, bits_of((float)(int32_t)half_at(in + i * 2)));
}

KERNEL void p_reverse_depth(uint8_t *restrict out, const uint8_t *restrict in, float scale,
                            size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        put_word(out + i * 4, bits_of((1.0f - float_of(word_at(in + i * 4))) * scale));
}

KERNEL void p_depth24(uint8_t *restrict out, const uint8_t *restrict in, int shift, int is_forward,
                      size_t pixels)
{
    const uint32_t flip = is_forward ? 0xffffff : 0;
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t value = ((word_at(in + i * 4) >> shift) & 0xffffff) ^ flip;
        put_word(out + i * 4, bits_of((float)(int32_t)value / 16777215.0f));
    }
}

KERNEL void p_planar_depth(uint8_t *row, float far, float u, float du, float v, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const float distance = float_of(word_at(row + i * 4));
        const float x = u + (float)(int32_t)i * du;
        const float planar = distance / __builtin_sqrtf(x * x + v * v + 1.0f);
        /* Written so that NaN is sky. */
        put_word(row + i * 4, distance > 0.0f && distance < far ? bits_of(planar) : 0);
    }
}
