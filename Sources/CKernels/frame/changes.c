/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What changed between two frames: whole numbers only, so one form for every kernel path. */
#include "change_kernels.h"

#include <string.h>

static size_t pixel_bytes(int32_t format)
{
    switch (format) {
    case K_R8: return 1;
    case K_R16: return 2;
    case K_RGB8: return 3;
    case K_RGBA16F: return 8;
    default: return 4;
    }
}

static int bytes_are_near(const uint8_t *a, const uint8_t *b, size_t count, int steps)
{
    int most = 0;
    for (size_t i = 0; i < count; i++) {
        int apart = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
        most = apart > most ? apart : most;
    }
    return most <= steps;
}

static int colors_are_near(const uint8_t *a, const uint8_t *b, size_t pixels, int steps)
{
    int most = 0;
    for (size_t i = 0; i < pixels * 4; i++) {
        int apart = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
        apart = i % 4 == 3 ? 0 : apart; /* alpha means nothing here */
        most = apart > most ? apart : most;
    }
    return most <= steps;
}

static int fields_are_near(const uint8_t *a, const uint8_t *b, size_t pixels, int steps)
{
    int most = 0;
    for (size_t i = 0; i < pixels; i++) {
        uint32_t v, w;
        memcpy(&v, a + i * 4, 4);
        memcpy(&w, b + i * 4, 4);
        for (int at = 0; at < 30; at += 10) {
            int apart = (int)((v >> at) & 1023) - (int)((w >> at) & 1023);
            apart = apart < 0 ? -apart : apart;
            most = apart > most ? apart : most;
        }
    }
    return most <= steps;
}

/* Nearly the same distance. Sky is near to the very same value only, and so is a NaN. */
static int depth_is_near(float a, float b, float relative)
{
    float apart = a > b ? a - b : b - a, least = a < b ? a : b;
    return least > 0.0f && apart <= least * relative;
}

static int depths_are_near(const uint8_t *a, const uint8_t *b, size_t pixels, int32_t format,
                           float relative)
{
    for (size_t i = 0; i < pixels; i++) {
        if (format == K_R16) {
            uint16_t v, w;
            memcpy(&v, a + i * 2, 2);
            memcpy(&w, b + i * 2, 2);
            if (v != w && !depth_is_near(v, w, relative))
                return 0;
        } else {
            float v, w;
            memcpy(&v, a + i * 4, 4);
            memcpy(&w, b + i * 4, 4);
            if (memcmp(a + i * 4, b + i * 4, 4) != 0 && !depth_is_near(v, w, relative))
                return 0;
        }
    }
    return 1;
}

static int row_is_near(const uint8_t *a, const uint8_t *b, size_t pixels, int32_t format,
                       const k_tolerance *tolerance)
{
    switch (tolerance->kind) {
    case K_TOLERATE_DEPTH: return depths_are_near(a, b, pixels, format, tolerance->relative);
    case K_TOLERATE_STEPS:
        if (format == K_RGB10A2)
            return fields_are_near(a, b, pixels, tolerance->steps * 4);
        if (format == K_RGBA8)
            return colors_are_near(a, b, pixels, tolerance->steps);
        if (format == K_RGBA16F) /* a step of 8 bits means nothing here */
            return 0;
        return bytes_are_near(a, b, pixels * pixel_bytes(format), tolerance->steps);
    default: return 0;
    }
}

int k_compare_planes(const k_plane *now, const k_plane *kept, size_t y0, size_t y1, size_t x0,
                     size_t x1, const k_tolerance *tolerance)
{
    const size_t bytes = pixel_bytes(now->format);
    int found = K_SAME;
    for (size_t y = y0; y < y1; y++) {
        const uint8_t *a = now->top + (ptrdiff_t)y * now->row_stride + x0 * bytes;
        const uint8_t *b = kept->top + (ptrdiff_t)y * kept->row_stride + x0 * bytes;
        if (memcmp(a, b, (x1 - x0) * bytes) == 0)
            continue;
        found = K_NEAR;
        if (!row_is_near(a, b, x1 - x0, now->format, tolerance))
            return K_APART;
    }
    return found;
}

int k_motion_of(const k_plane *motion, size_t y0, size_t y1, size_t x0, size_t x1,
                uint16_t most)
{
    unsigned largest = 0;
    for (size_t y = y0; y < y1; y++) {
        const uint8_t *row = motion->top + (ptrdiff_t)y * motion->row_stride + x0 * 4;
        for (size_t i = 0; i < (x1 - x0) * 2; i++) {
            uint16_t half;
            memcpy(&half, row + i * 2, 2);
            /* Halves without their sign are in the order of their bits. */
            unsigned size = half & 0x7fffu;
            largest = size > largest ? size : largest;
        }
    }
    return largest == 0 ? K_SAME : largest <= most ? K_NEAR : K_APART;
}

void k_copy_plane(const k_plane *to, const k_plane *from, size_t y0, size_t y1, size_t x0,
                  size_t x1)
{
    const size_t bytes = pixel_bytes(from->format);
    for (size_t y = y0; y < y1; y++)
        memcpy((uint8_t *)(uintptr_t)(to->top + (ptrdiff_t)y * to->row_stride + x0 * bytes),
               from->top + (ptrdiff_t)y * from->row_stride + x0 * bytes, (x1 - x0) * bytes);
}

k_change k_picture_change(const uint8_t *a, const uint8_t *b, size_t width, size_t y0, size_t y1,
                          size_t x0, size_t x1)
{
    k_change change = {0, 0};
    for (size_t y = y0; y < y1; y++) {
        const uint8_t *p = a + (y * width + x0) * 4, *q = b + (y * width + x0) * 4;
        unsigned char most = 0;
        unsigned sum = 0;
        for (size_t i = 0; i < (x1 - x0) * 4; i++) {
            unsigned char apart = (unsigned char)(p[i] > q[i] ? p[i] - q[i] : q[i] - p[i]);
            most = apart > most ? apart : most;
            sum += apart;
        }
        change.most = most > change.most ? most : change.most;
        change.sum += sum;
    }
    return change;
}
