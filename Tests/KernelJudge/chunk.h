/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * One pixel of a chunk as a plain loop reads it, and the judges of each step. Formulas in double. */
#ifndef FRAMELOOM_CHUNK_H
#define FRAMELOOM_CHUNK_H

#include <math.h>
#include <string.h>

#include "halves.h"
#include "judge.h"
#include "scene.h"

static inline int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }
static inline double clamp(double v, double low, double high) { return v < low ? low : v > high ? high : v; }

/* Pixel `i` of a chunk; outside of the frame its edge. */
static inline int32_t pixel_x(const k_frame *f, const k_chunk *k, int i)
{
    return smaller((k->cell_x + i / K_LANES) * 4 + i % 4, f->width - 1);
}
static inline int32_t pixel_y(const k_frame *f, const k_chunk *k, int i)
{
    return smaller(k->cell_y * 4 + i % K_LANES / 4, f->height - 1);
}
static inline int is_inside(const k_frame *f, const k_chunk *k, int i)
{
    return (k->cell_x + i / K_LANES) * 4 + i % 4 < f->width &&
           k->cell_y * 4 + i % K_LANES / 4 < f->height;
}
static inline size_t pixel_at(const k_frame *f, const k_chunk *k, int i)
{
    return (size_t)pixel_y(f, k, i) * (size_t)f->width + (size_t)pixel_x(f, k, i);
}

/* The pixel's bytes as a word. */
static inline uint32_t word_at(const k_frame *f, const k_chunk *k, const k_plane *plane, int i, size_t bytes)
{
    uint32_t word = 0;
    if (plane->format != K_ABSENT)
        memcpy(&word, plane->top + pixel_y(f, k, i) * plane->row_stride +
                          (size_t)pixel_x(f, k, i) * bytes,
               bytes > 4 ? 4 : bytes);
    return word;
}

static inline double half(uint32_t bits)
{
    const uint16_t word = (uint16_t)bits;
    float value;
    halves_widen_f16(&value, &word, 1);
    return value;
}

static inline double emissive_at(const k_frame *f, const k_chunk *k, int i, int c)
{
    const k_plane *e = &f->planes[K_EMISSIVE];
    if (e->format == K_ABSENT)
        return 0;
    if (e->format != K_RGBA16F)
        return f->model->lin[word_at(f, k, e, i, e->format == K_RGB8 ? 3 : 4) >> (8 * c) & 255];
    uint16_t bits;
    memcpy(&bits, e->top + pixel_y(f, k, i) * e->row_stride + (size_t)pixel_x(f, k, i) * 8 +
                      (size_t)c * 2, 2);
    const double value = half(bits);
    return value > 0 ? fmin(value, 65504) : 0;
}

/* ---- The steps of a frame: each judges what the chunk holds after it ---- */

void judge_load(const k_frame *f, const k_chunk *k);
void judge_reproject(const k_frame *f, const k_chunk *k);
/* `before`: the chunk before this step. */
void judge_average(const k_frame *f, const k_chunk *before, const k_chunk *k);
void judge_history(const k_frame *f);
void judge_warp(const k_frame *f, const k_chunk *k);
void judge_place(const k_frame *f, const k_chunk *k);
void judge_reads(const k_model *m, const k_chunk *k);

#endif
