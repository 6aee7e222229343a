/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "lanes.h"

#include <math.h>

KERNEL void p_swap_red_blue(uint8_t *restrict out, const uint8_t *restrict in, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t word = word_at(in + i * 4);
        put_word(out + i * 4,
                 (word & 0xff00ff00) | (word >> 16 & 0xff) | (word & 0xff) << 16);
    }
}

void p_map_color(uint8_t *restrict out, const uint8_t *restrict in,
                 const uint8_t *restrict table, size_t pixels)
{
    for (size_t i = 0; i < pixels * 4; i += 4) {
        for (size_t c = 0; c < 3; c++)
            out[i + c] = table[in[i + c]];
        out[i + 3] = in[i + 3];
    }
}

/* A table and not a formula: exact, and the halves of a picture use little of it. */
void p_map_half_color(uint8_t *restrict out, const uint8_t *restrict in,
                      const uint8_t *restrict table, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        for (size_t c = 0; c < 3; c++)
            out[i * 4 + c] = table[half_at(in + i * 8 + c * 2)];
        out[i * 4 + 3] = 255;
    }
}

/* The nearest of all halves to a border between two bytes is 3e-5 of a step away from it, far more
 * than any machine's pow is off. */
static uint8_t srgb_of(double linear)
{
    if (!(linear > 0))
        return 0;
    if (linear >= 1)
        return 255;
    const double curve =
        linear <= 0.0031308 ? linear * 12.92 : 1.055 * pow(linear, 1 / 2.4) - 0.055;
    return (uint8_t)(curve * 255 + 0.5);
}

void p_fill_srgb_table(uint8_t table[256])
{
    for (int i = 0; i < 256; i++)
        table[i] = srgb_of(i / 255.0);
}

void p_fill_half_srgb_table(uint8_t table[65536])
{
    for (uint32_t i = 0; i < 65536; i++)
        table[i] = srgb_of((double)float_of_half(i));
}
