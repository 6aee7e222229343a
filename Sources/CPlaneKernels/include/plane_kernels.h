/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Rows of pixels from the formats of engines to those that models read. Output first; rows do not
 * overlap; nothing needs alignment. No kernel allocates. Same bytes on every processor: every
 * operation is rounded by itself, and none is left to libm. */
#ifndef FRAMELOOM_PLANE_KERNELS_H
#define FRAMELOOM_PLANE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* ---- Color: to RGBA8 sRGB ---- */

/* Red and blue change places. */
void p_swap_red_blue(uint8_t *restrict out, const uint8_t *restrict in, size_t pixels);
/* RGBA8, red, green and blue through a table of 256; alpha is kept. */
void p_map_color(uint8_t *restrict out, const uint8_t *restrict in,
                 const uint8_t *restrict table, size_t pixels);
/* RGBA16F through a table of 65536, one entry a half; alpha becomes 255. */
void p_map_half_color(uint8_t *restrict out, const uint8_t *restrict in,
                      const uint8_t *restrict table, size_t pixels);
/* Linear light to sRGB: 0 to 1 in 255 steps, and every half (below 0 and NaN: 0; above 1: 255). */
void p_fill_srgb_table(uint8_t table[256]);
void p_fill_half_srgb_table(uint8_t table[65536]);

/* ---- Normals ---- */

/* Output axis i is input axis `axis[i]`, turned round where `negative[i]` is 1. */
typedef struct p_turn {
    int32_t axis[3];
    int32_t negative[3];
} p_turn;

enum p_normals {
    P_RGB10A2,           /* v / 511.5 - 1 */
    P_RGBA8_SNORM,       /* byte / 127 */
    P_RGBA16F,
    P_RG16_OCTAHEDRAL,   /* v / 32767.5 - 1 */
    P_RG8_OCTAHEDRAL,    /* byte / 127.5 - 1 */
    P_RG16F_OCTAHEDRAL,
    P_RGBA8_OCTAHEDRAL,  /* twelve bits each, / 2047.5 - 1 */
};

/* Pixels of 3 or 4 bytes to 3 bytes; no digit is lost. */
void p_turn_normals8(uint8_t *restrict out, const uint8_t *restrict in, size_t pixel_bytes,
                     p_turn turn, size_t pixels);
/* To RGB10A2; of that format no digit is lost. NaN counts as 0. Octahedral ones become unit
 * vectors: Cigolle et al. 2014, "A Survey of Efficient Representations for Independent Unit
 * Vectors". */
void p_turn_normals10(uint8_t *restrict out, const uint8_t *restrict in, enum p_normals format,
                      p_turn turn, size_t pixels);

/* Of a picture's row from planar depth. A surface's 1/z is linear in the picture where it is flat,
 * and its slope is the normal; at an edge the side that goes on straight is taken. */
typedef struct p_depth_view {
    int32_t is_reversed;     /* device depth d: 1/z = d * slope + offset; else 1/z = 1 / (d * scale) */
    float scale, slope, offset;
    float nearest;           /* 1/z at or below it is sky */
    float u, du;             /* ray (u + x du, v, -1) of the pixel in column x */
    float v, dv;             /* dv: change of v from row to row, negative */
    float rotation[9];       /* camera to world, rows */
} p_depth_view;
/* `rows`: R32F rows y-2 ... y+2, NULL outside of the picture. Sky gets the middle of the range.
 * Out: RGB10A2, world space, unit length. */
void p_normals_from_depth(uint8_t *restrict out, const uint8_t *const rows[5],
                          const p_depth_view *view, size_t width);

/* Octahedral normals are never nothing: where `row`, R32F depth, is sky, the middle of the range. */
void p_blank_sky(uint8_t *restrict normals, const uint8_t *restrict row, const p_depth_view *view,
                 size_t width);

/* ---- Depth: to R32F ---- */

void p_floats_of_halves(uint8_t *restrict out, const uint8_t *restrict in, size_t pixels);
void p_floats_of_words(uint8_t *restrict out, const uint8_t *restrict in, size_t pixels);
/* Forward device depth to reversed: (1 - d) * scale; exact where it matters, far away. */
void p_reverse_depth(uint8_t *restrict out, const uint8_t *restrict in, float scale, size_t pixels);
/* 24 bits of a word, from bit `shift`, to reversed depth. */
void p_depth24(uint8_t *restrict out, const uint8_t *restrict in, int shift, int is_forward,
               size_t pixels);
/* Distance along the ray to planar depth, in place; at or beyond `far` (in units): 0. Rays as in
 * p_depth_view. */
void p_planar_depth(uint8_t *rows, float far, float u, float du, float v, size_t pixels);

/* ---- Roughness, metallic: to R8 ---- */

enum p_scalar { P_DIRECT, P_INVERTED, P_GODOT };
/* One byte of each pixel of 1, 3 or 4. `is_signed`: byte / 127, below 0 counts as 0. */
void p_scalars(uint8_t *restrict out, const uint8_t *restrict in, size_t pixel_bytes, size_t channel,
               int is_signed, enum p_scalar meaning, size_t pixels);

/* ---- Motion: RG32F to RG16F ---- */

void p_scale_motion(uint8_t *restrict out, const uint8_t *restrict in, float scale_x, float scale_y,
                    size_t pixels);

#endif
