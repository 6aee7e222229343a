/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What changed between two frames: planes and pictures of incremental sessions, compared and kept. */
#ifndef FRAMELOOM_CHANGE_KERNELS_H
#define FRAMELOOM_CHANGE_KERNELS_H

#include "kernels.h"

/* How two planes compare: the same bytes, nothing beyond the tolerance, or something beyond it. */
enum k_difference { K_SAME = 0, K_NEAR, K_APART };

enum k_tolerance_kind { K_TOLERATE_NOTHING = 0, K_TOLERATE_STEPS, K_TOLERATE_DEPTH };

typedef struct k_tolerance {
    int32_t kind;
    int32_t steps;  /* of 255; alpha of a color is not looked at */
    float relative; /* of the nearer depth */
} k_tolerance;

/* Rows y0 ..< y1, columns x0 ..< x1 of two planes of one format. */
int k_compare_planes(const k_plane *now, const k_plane *kept, size_t y0, size_t y1, size_t x0,
                     size_t x1, const k_tolerance *tolerance);

/* A motion plane against no motion at all. `most`: the tolerance as a half float's bits. */
int k_motion_of(const k_plane *motion, size_t y0, size_t y1, size_t x0, size_t x1,
                uint16_t most);

/* Pixels of one plane into another of the same format; writes through `to->top`. */
void k_copy_plane(const k_plane *to, const k_plane *from, size_t y0, size_t y1, size_t x0,
                  size_t x1);

typedef struct k_change {
    uint32_t most; /* largest difference of a byte */
    uint32_t sum;  /* of all */
} k_change;

/* Two RGBA8 pictures [.., width]. */
k_change k_picture_change(const uint8_t *a, const uint8_t *b, size_t width, size_t y0, size_t y1,
                          size_t x0, size_t x1);

#endif
