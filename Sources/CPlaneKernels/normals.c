/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "lanes.h"

INLINE void turn8(uint8_t *restrict out, const uint8_t *restrict in, const size_t pixel_bytes,
                  p_turn turn, size_t pixels)
{
    const size_t from[3] = {(size_t)turn.axis[0], (size_t)turn.axis[1], (size_t)turn.axis[2]};
    /* 255 - byte is the opposite of byte / 127.5 - 1. */
    const uint8_t flip[3] = {turn.negative[0] ? 255 : 0, turn.negative[1] ? 255 : 0,
                             turn.negative[2] ? 255 : 0};
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++)
            out[i * 3 + c] = in[i * pixel_bytes + from[c]] ^ flip[c];
}

KERNEL void p_turn_normals8(uint8_t *restrict out, const uint8_t *restrict in, size_t pixel_bytes,
                            p_turn turn, size_t pixels)
{
    if (pixel_bytes == 3)
        turn8(out, in, 3, turn, pixels);
    else
        turn8(out, in, 4, turn, pixels);
}

/* 0 ... 1023 of -1 ... 1; NaN: the middle. */
INLINE uint32_t ten_bits(float n)
{
    float clamped = n > -1.0f ? n : -1.0f;
    clamped = clamped < 1.0f ? clamped : 1.0f;
    clamped = n == n ? clamped : 0.0f;
    return (uint32_t)(int32_t)(clamped * 511.5f + 512.0f);
}

INLINE float positive(float value) { return value > 0.0f ? value : 0.0f; }
INLINE float with_sign(float size, float of)
{
    return float_of(bits_of(size) | (bits_of(of) & 0x80000000u));
}

/* The lower half of the octahedron is folded over its edges. */
INLINE void unfold(float *restrict x, float *restrict y, float *restrict z)
{
    for (size_t i = 0; i < CHUNK; i++) {
        const float ax = float_of(bits_of(x[i]) & 0x7fffffff);
        const float ay = float_of(bits_of(y[i]) & 0x7fffffff);
        const float up = 1.0f - ax - ay, fold = positive(-up);
        const float vx = x[i] - with_sign(fold, x[i]), vy = y[i] - with_sign(fold, y[i]);
        const float size = __builtin_sqrtf(vx * vx + vy * vy + up * up);
        x[i] = vx / size;
        y[i] = vy / size;
        z[i] = up / size;
    }
}

INLINE void unpack(float *restrict x, float *restrict y, float *restrict z,
                   const uint8_t *restrict in, enum p_normals format)
{
    switch (format) {
    case P_RGBA8_SNORM:
        for (size_t i = 0; i < CHUNK; i++) {
            x[i] = (float)(int8_t)in[i * 4] * (1.0f / 127.0f);
            y[i] = (float)(int8_t)in[i * 4 + 1] * (1.0f / 127.0f);
            z[i] = (float)(int8_t)in[i * 4 + 2] * (1.0f / 127.0f);
        }
        return;
    case P_RGBA16F:
        for (size_t i = 0; i < CHUNK; i++) {
            x[i] = float_of_half(half_at(in + i * 8));
            y[i] = float_of_half(half_at(in + i * 8 + 2));
            z[i] = float_of_half(half_at(in + i * 8 + 4));
        }
        return;
    case P_RG16_OCTAHEDRAL:
        for (size_t i = 0; i < CHUNK; i++) {
            x[i] = (float)half_at(in + i * 4) / 32767.5f - 1.0f;
            y[i] = (float)half_at(in + i * 4 + 2) / 32767.5f - 1.0f;
        }
        break;
    case P_RG8_OCTAHEDRAL:
        for (size_t i = 0; i < CHUNK; i++) {
            x[i] = (float)in[i * 2] / 127.5f - 1.0f;
            y[i] = (float)in[i * 2 + 1] / 127.5f - 1.0f;
        }
        break;
    case P_RG16F_OCTAHEDRAL:
        for (size_t i = 0; i < CHUNK; i++) {
            x[i] = float_of_half(half_at(in + i * 4));
            y[i] = float_of_half(half_at(in + i * 4 + 2));
        }
        break;
    default: /* P_RGBA8_OCTAHEDRAL */
        for (size_t i = 0; i < CHUNK; i++) {
            const uint32_t word = word_at(in + i * 4);
            const uint32_t first = (word & 255) | (word >> 8 & 0xf00);
            const uint32_t second = (word >> 8 & 255) | (word >> 12 & 0xf00);
            x[i] = (float)(int32_t)first / 2047.5f - 1.0f;
            y[i] = (float)(int32_t)second / 2047.5f - 1.0f;
        }
    }
    unfold(x, y, z);
}

static const size_t bytes_of_format[] = {
    [P_RGB10A2] = 4,         [P_RGBA8_SNORM] = 4,      [P_RGBA16F] = 8,
    [P_RG16_OCTAHEDRAL] = 4, [P_RG8_OCTAHEDRAL] = 2,   [P_RG16F_OCTAHEDRAL] = 4,
    [P_RGBA8_OCTAHEDRAL] = 4,
};

INLINE void turn_words(uint8_t *restrict out, const uint8_t *restrict in, p_turn turn, size_t pixels)
{
    const uint32_t shift[3] = {(uint32_t)turn.axis[0] * 10, (uint32_t)turn.axis[1] * 10,
                               (uint32_t)turn.axis[2] * 10};
    /* 1023 - v is the opposite of v / 511.5 - 1. */
    const uint32_t flip = (turn.negative[0] ? 1023u : 0) | (turn.negative[1] ? 1023u << 10 : 0) |
                          (turn.negative[2] ? 1023u << 20 : 0);
    for (size_t i = 0; i < pixels; i++) {
        const uint32_t word = word_at(in + i * 4);
        const uint32_t turned = (word >> shift[0] & 1023) | (word >> shift[1] & 1023) << 10 |
                                (word >> shift[2] & 1023) << 20;
        put_word(out + i * 4, turned ^ flip);
    }
}

KERNEL void p_turn_normals10(uint8_t *restrict out, const uint8_t *restrict in,
                             enum p_normals format, p_turn turn, size_t pixels)
{
    if (format == P_RGB10A2) {
        turn_words(out, in, turn, pixels);
        return;
    }
    _Alignas(64) float n[3][CHUNK];
    _Alignas(64) uint8_t last[CHUNK * 8];
    const size_t size = bytes_of_format[format];
    for (size_t start = 0; start < pixels; start += CHUNK) {
        const size_t count = pixels - start < CHUNK ? pixels - start : CHUNK;
        const uint8_t *from = in + start * size;
        if (count < CHUNK) { /* The rest of the chunk is computed too, of zeros. */
            memset(last, 0, sizeof last);
            memcpy(last, from, count * size);
            from = last;
        }
        unpack(n[0], n[1], n[2], from, format);
        const float *axis[3] = {n[turn.axis[0]], n[turn.axis[1]], n[turn.axis[2]]};
        float sign[3];
        for (int c = 0; c < 3; c++)
            sign[c] = turn.negative[c] ? -1.0f : 1.0f;
        for (size_t i = 0; i < count; i++)
            put_word(out + (start + i) * 4, ten_bits(axis[0][i] * sign[0]) |
                                                ten_bits(axis[1][i] * sign[1]) << 10 |
                                                ten_bits(axis[2][i] * sign[2]) << 20);
    }
}

/* ---- From depth ---- */

INLINE float inverse_depth(float value, const p_depth_view *view)
{
    const float w =
        view->is_reversed ? value * view->slope + view->offset : 1.0f / (value * view->scale);
    return value > 0.0f && w > view->nearest && w < __builtin_inff() ? w : 0.0f;
}

KERNEL void p_blank_sky(uint8_t *restrict normals, const uint8_t *restrict row,
                        const p_depth_view *view, size_t width)
{
    const uint32_t middle = 512 | 512 << 10 | 512 << 20;
    for (size_t i = 0; i < width; i++) {
        const float w = inverse_depth(float_of(word_at(row + i * 4)), view);
        put_word(normals + i * 4, w > 0.0f ? word_at(normals + i * 4) : middle);
    }
}

/* 1/z of a row from column `start` - 2 on, 0 for sky and outside. */
INLINE void inverse_depths(float *restrict out, const uint8_t *row, const p_depth_view *view,
                           size_t start, size_t width)
{
    _Alignas(64) float values[CHUNK + 4];
    memset(values, 0, sizeof values);
    const size_t first = start < 2 ? 2 - start : 0;
    const size_t end = width + 2 - start < CHUNK + 4 ? width + 2 - start : CHUNK + 4;
    if (row)
        memcpy(values + first, row + (start + first - 2) * 4, (end - first) * 4);
    for (size_t i = 0; i < CHUNK + 4; i++)
        out[i] = inverse_depth(values[i], view);
}

/* Change of 1/z from one pixel to the next, of five in a row; the middle one is a surface. Where both
 * sides go on straight, all five are used; else the straighter side. */
INLINE float slope_of(float w0, float w1, float w2, float w3, float w4)
{
    const float none = 1e30f;
    const float before = w1 > 0.0f && w0 > 0.0f ? w1 * 2.0f - w0 - w2 : none;
    const float after = w3 > 0.0f && w4 > 0.0f ? w3 * 2.0f - w4 - w2 : none;
    const float bend_before = float_of(bits_of(before) & 0x7fffffff);
    const float bend_after = float_of(bits_of(after) & 0x7fffffff);
    const float largest = bend_before > bend_after ? bend_before : bend_after;
    const float all = ((w4 - w0) * 2.0f + (w3 - w1)) * 0.1f;
    const float one = bend_before < bend_after ? (w2 - w0) * 0.5f : (w4 - w2) * 0.5f;
    /* Neither side has two surfaces: what there is. */
    const float next = w3 > 0.0f ? w3 - w2 : w1 > 0.0f ? w2 - w1 : 0.0f;
    const float side = bend_before == none && bend_after == none ? next : one;
    return largest < w2 * 5e-4f ? all : side;
}

KERNEL void p_normals_from_depth(uint8_t *restrict out, const uint8_t *const rows[5],
                                 const p_depth_view *view, size_t width)
{
    _Alignas(64) float w[5][CHUNK + 4];
    for (size_t start = 0; start < width; start += CHUNK) {
        for (int r = 0; r < 5; r++)
            inverse_depths(w[r], rows[r], view, start, width);
        const size_t count = width - start < CHUNK ? width - start : CHUNK;
        const float *row = w[2], *r = view->rotation;
        for (size_t i = 0; i < count; i++) {
            const float here = row[i + 2];
            const float across = slope_of(row[i], row[i + 1], here, row[i + 3], row[i + 4]);
            const float down = slope_of(w[0][i + 2], w[1][i + 2], here, w[3][i + 2], w[4][i + 2]);
            /* 1/z = a u + b v + c on the surface's plane, and (-a, -b, c) stands on it, towards the
             * camera. */
            const float u = view->u + (float)(int32_t)(start + i) * view->du;
            const float a = across / view->du, b = down / view->dv;
            const float c = here - a * u - b * view->v;
            const float size = __builtin_sqrtf(a * a + b * b + c * c);
            const float scale = here > 0.0f && size > 0.0f ? 1.0f / size : 0.0f;
            const float x = -a * scale, y = -b * scale, z = c * scale;
            put_word(out + (start + i) * 4, ten_bits(r[0] * x + r[1] * y + r[2] * z) |
                                                ten_bits(r[3] * x + r[4] * y + r[5] * z) << 10 |
                                                ten_bits(r[6] * x + r[7] * y + r[8] * z) << 20);
        }
    }
}
