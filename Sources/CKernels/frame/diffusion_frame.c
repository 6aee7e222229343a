/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "diffusion_kernels.h"

#include <math.h>
#include <string.h>

/* The irradiance plane is cut to whole numbers: every rounding before that must be the reference's. */
#pragma STDC FP_CONTRACT OFF

static size_t clamped(size_t i, int32_t size)
{
    return i < (size_t)size ? i : (size_t)size - 1;
}

static const uint8_t *at(const k_plane *plane, size_t x, size_t y, size_t bytes)
{
    return plane->top + (ptrdiff_t)y * plane->row_stride + x * bytes;
}

/* A byte as the network reads it. */
static float input_of(int byte) { return ((float)byte / 255.0f - 0.5f) / 0.5f; }

static int byte_of(float unit)
{
    const float scaled = rintf(unit * 255.0f);
    return scaled > 0.0f ? (scaled < 255.0f ? (int)scaled : 255) : 0;
}

static float metres(const k_frame *f, size_t x, size_t y)
{
    float raw;
    if (f->planes[K_DEPTH].format == K_R16) {
        uint16_t word;
        memcpy(&word, at(&f->planes[K_DEPTH], x, y, 2), 2);
        raw = word;
    } else {
        memcpy(&raw, at(&f->planes[K_DEPTH], x, y, 4), 4);
    }
    float z = raw * f->depth_scale;
    if (f->depth_is_device)
        z = raw > 0.0f ? f->depth_product / (raw * f->depth_span + f->depth_near) : 0.0f;
    return z > 0.0f && z < f->depth_far && z < INFINITY ? z : 0.0f;
}

/* ln(1 + x) for x >= 0, from the logarithm's series: the same everywhere. */
static double log1p_of(double x)
{
    int exponent;
    double m = frexp(1.0 + x, &exponent);
    if (m < 0.70710678118654752) {
        m *= 2.0;
        exponent--;
    }
    const double s = (m - 1.0) / (m + 1.0), q = s * s;
    double sum = 0.0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * q + 1.0 / k;
    return 2.0 * s * sum + exponent * 0.69314718055994531;
}

static int depth_byte(const k_diffusion *d, float z)
{
    if (z == 0.0f)
        return d->depth_sky;
    switch (d->depth_curve) {
    case K_DEPTH_INVERSE: return byte_of(d->depth_white / z);
    case K_DEPTH_LOG: return byte_of((float)(log1p_of(z) / log1p_of(d->depth_white)));
    default: return byte_of(z / d->depth_white);
    }
}

static void normal_bytes(const k_frame *f, const k_diffusion *d, size_t x, size_t y, int out[3])
{
    float n[3], world[3];
    if (f->planes[K_NORMALS].format == K_RGB10A2) {
        uint32_t word;
        memcpy(&word, at(&f->planes[K_NORMALS], x, y, 4), 4);
        for (int c = 0; c < 3; c++)
            n[c] = (float)(word >> (10 * c) & 1023) / 511.5f - 1.0f;
    } else {
        for (int c = 0; c < 3; c++)
            n[c] = (float)at(&f->planes[K_NORMALS], x, y, 3)[c] / 127.5f - 1.0f;
    }
    for (int c = 0; c < 3; c++) {
        const float *row = f->rotation + c * 3;
        world[c] = f->turns_normals ? row[0] * n[0] + row[1] * n[1] + row[2] * n[2] : n[c];
    }
    for (int c = 0; c < 3; c++)
        out[c] = byte_of(d->normal_sign[c] * world[d->normal_axis[c]] * 0.5f + 0.5f);
}

static float luma(const uint8_t *color)
{
    return 0.299f * ((float)color[0] / 255.0f) + 0.587f * ((float)color[1] / 255.0f) +
           0.114f * ((float)color[2] / 255.0f);
}

/* Brightness of the previous picture over that of its base color: 2 where that is black. */
static int irradiance_byte(const uint8_t *picture, const uint8_t *base)
{
    const float surface = luma(base);
    float ratio = surface > 0.01f ? luma(picture) / (surface + 1e-6f) : 2.0f;
    ratio = ratio < 0.0f ? 0.0f : ratio > 2.0f ? 2.0f : ratio;
    return (int)(ratio / 2.0f * 255.0f);
}

static uint8_t mixed(int under, int over, int weight)
{
    return (uint8_t)((over * weight + under * (255 - weight) + 127) / 255);
}

static int is_sky(const k_diffusion *d, const uint8_t *base, int depth)
{
    return base[0] < d->sky_below && base[1] < d->sky_below && base[2] < d->sky_below &&
           depth < d->sky_below;
}

static void input_pixel(const k_frame *f, const k_diffusion *d, size_t x, size_t y, float *planes,
                        float *previous)
{
    const size_t i = y * (size_t)f->width + x;
    uint8_t base[4] = {0, 0, 0, 255}, shown[3];
    const k_plane *color = &f->planes[K_BASE_COLOR], *metallic = &f->planes[K_METALLIC];
    memcpy(base, at(color, x, y, color->format == K_RGB8 ? 3 : 4), 3);
    const float z = metres(f, x, y);
    const int depth = depth_byte(d, z);
    uint8_t alpha = 0;
    memcpy(shown, base, 3);
    if (f->planes[K_KNOWN].format != K_ABSENT) {
        const uint8_t *known = at(&f->planes[K_KNOWN], x, y, 4);
        alpha = known[3];
        if (is_sky(d, base, depth))
            for (int c = 0; c < 3; c++)
                shown[c] = mixed(base[c], known[c], alpha);
    }
    memcpy(f->next_base + i * 4, base, 4);
    f->next_depth[i] = z;
    f->next_coverage[i] = alpha;

    const uint8_t *picture = shown, *picture_base = base;
    if (f->previous_width > 0) {
        picture_base = f->previous_base + i * 4;
        /* What the engine drew over the scene must not smear into it. */
        const int is_covered = f->previous_coverage[i] > 0 && f->previous_depth[i] > 0.0f;
        picture = is_covered ? picture_base : f->previous_picture + i * 4;
    }
    int normals[3];
    normal_bytes(f, d, x, y, normals);
    for (int c = 0; c < 3; c++) {
        planes[c] = input_of(shown[c]);
        planes[3 + c] = input_of(normals[c]);
        previous[c] = input_of(picture[c]);
    }
    planes[6] = input_of(depth);
    planes[7] = input_of(*at(&f->planes[K_ROUGHNESS], x, y, 1));
    planes[8] = input_of(metallic->format == K_ABSENT ? 0 : *at(metallic, x, y, 1));
    planes[9] = input_of(irradiance_byte(picture, picture_base));
}

void k_diffusion_inputs(const k_frame *f, const k_diffusion *d, size_t y0, size_t y1)
{
    for (size_t y = y0; y < y1; y++)
        for (size_t x = 0; x < (size_t)d->width; x++) {
            const size_t i = y * (size_t)d->width + x;
            input_pixel(f, d, clamped(x, f->width), clamped(y, f->height),
                        d->planes + i * K_DIFFUSION_PLANES, d->previous + i * 3);
        }
}

void k_diffusion_picture(const k_frame *f, const k_diffusion *d, size_t y0, size_t y1)
{
    for (size_t y = y0; y < y1; y++)
        for (size_t x = 0; x < (size_t)f->width; x++) {
            const size_t i = y * (size_t)f->width + x;
            const float *in = d->decoded + (y * (size_t)d->width + x) * 3;
            uint8_t color[4] = {0, 0, 0, 255};
            for (int c = 0; c < 3; c++)
                color[c] = (uint8_t)byte_of(in[c] * 0.5f + 0.5f);
            if (f->planes[K_KNOWN].format != K_ABSENT) {
                const uint8_t *known = at(&f->planes[K_KNOWN], x, y, 4);
                const int is_left = !d->sky_is_final &&
                                    is_sky(d, f->next_base + i * 4, depth_byte(d, f->next_depth[i]));
                for (int c = 0; c < 3 && !is_left; c++)
                    color[c] = mixed(color[c], known[c], known[3]);
            }
            memcpy(f->next_picture + i * 4, color, 4);
            memcpy(f->picture + (ptrdiff_t)y * f->picture_row_stride + x * 4, color, 4);
        }
}
