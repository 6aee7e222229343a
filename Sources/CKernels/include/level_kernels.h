/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Light at half or quarter size: the planes reduced for the network, and its light brought back to
 * every pixel along depth and normals. training/levels.py is the same in Python. */
#ifndef FRAMELOOM_LEVEL_KERNELS_H
#define FRAMELOOM_LEVEL_KERNELS_H

#include "kernels.h"

/* How far a depth may be off, as a share of the farther one, before its light counts a quarter. */
#define K_DEPTH_SPREAD 0.03f
/* What a sample of the same depth counts whose normal is another. */
#define K_LEAST_NORMAL 0.02f
/* Samples that together count for less are of other surfaces. */
#define K_LEAST_WEIGHT 0.01f

/* What is kept of each pixel of light: depth in metres, normal as it was sent, the logarithm of the
 * light on base color (D') and the light beside it. */
enum k_level_map {
    K_MAP_DEPTH = 0, K_MAP_NORMAL = 1, K_MAP_LIGHT = 4, K_MAP_ADDED = 7, K_MAP_COUNT = 10
};
/* Floats before and after each row of a map that vectors may read; nothing they hold counts. */
#define K_MAP_MARGIN 16

typedef struct k_level {
    const k_frame *full;    /* planes and depth as they came, and where the picture goes */
    int32_t side;           /* 2 or 4: pixels of the frame along one of its light */
    int32_t width, height;  /* of its light: the frame's by `side`, rounded up */
    /* The reduced planes by k_plane_kind, rows packed: base color RGBA8, normals in their format,
     * depth floats in metres, roughness and metallic R8, motion RG16F, known RGBA8, emissive RGBA8 in
     * sRGB. NULL: there is none. */
    uint8_t *planes[K_PLANE_COUNT];
    float *maps;            /* [K_MAP_COUNT][rows][map_row], zeroed before the first frame; pixel 0 of a
                             * row after the margin; as many rows and columns as cells have pixels */
    size_t map_row, map_plane; /* floats from one row to the next, from one map to the next */
} k_level;

/* A history that has more pixels than the light, `side` times as many along each side, rounded. Both
 * lie as k_frame says; base color's mean begins anew. */
typedef struct k_past {
    const k_model *model;
    int32_t side, width, height;       /* the sides of what is read */
    const uint8_t *picture, *base, *coverage;
    const float *depth;
    uint8_t *next_picture, *next_base, *next_coverage;
    float *next_depth;
} k_past;

typedef struct k_level_kernels {
    /* Rows y0 ..< y1 of the reduced planes, with the maps of depth and normals. A pixel stands for the
     * surface of its middle member, whose depth, normal, roughness, metallic and motion it has; base
     * color is the mean in linear light over the members of that surface, emissive over all; of known
     * the most opaque one is taken. */
    void (*reduce)(const k_level *level, size_t y0, size_t y1);
    /* Rows y0 ..< y1 of the reduced history. */
    void (*reduce_history)(const k_past *past, size_t y0, size_t y1);
    /* Light of cells x0 ..< x1 of one row into the maps; `frame` is the reduced one, the rest as for
     * `pictures`. */
    void (*lights)(const k_level *level, const k_frame *frame, const float *head, size_t cell_y,
                   size_t x0, size_t x1);
    /* Rows y0 ..< y1 of the picture: of the four pixels of light around each pixel the mean, weighted
     * by nearness, depth and normals; where they show other surfaces, of the nine around it the one
     * that is nearest in depth and normal. */
    void (*raise)(const k_level *level, size_t y0, size_t y1);
} k_level_kernels;

/* NULL where the processor cannot run the path. */
const k_level_kernels *k_level_kernels_of(enum k_path path);

/* C arrays reach Swift as tuples. */
static inline void k_set_reduced(k_level *level, enum k_plane_kind kind, uint8_t *at)
{
    level->planes[kind] = at;
}

#endif
