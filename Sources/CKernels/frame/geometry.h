/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Where the surface of each pixel is, and where it was in the previous picture. Camera as in
 * OpenGL: -Z forward, +Y up; pixels from the top-left corner. */

static const i16 lane_x = {0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3};
static const i16 lane_y = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};

typedef struct points {
    v16 x, y, z;
} points;

INLINE v16 pixel_x16(const k_frame *f, const k_chunk *k, int32_t cell)
{
    i16 x = lane_x + (k->cell_x + cell) * 4;
    return float16_of(x < f->width ? x : (i16)(f->width - 1));
}

INLINE v16 pixel_y16(const k_frame *f, const k_chunk *k)
{
    i16 y = lane_y + k->cell_y * 4;
    return float16_of(y < f->height ? y : (i16)(f->height - 1));
}

INLINE points turn(const float m[9], points p)
{
    return (points){p.x * m[0] + p.y * m[1] + p.z * m[2], p.x * m[3] + p.y * m[4] + p.z * m[5],
                    p.x * m[6] + p.y * m[7] + p.z * m[8]};
}

INLINE points rays16(const k_frame *f, const k_chunk *k, int32_t cell)
{
    return (points){(pixel_x16(f, k, cell) + f->ray_x) * f->ray_sx,
                    (pixel_y16(f, k) + f->ray_y) * f->ray_sy, (v16)-1.0f};
}

INLINE v16 length16(points p) { return sqrt16(p.x * p.x + p.y * p.y + p.z * p.z); }

/* The cell's points in the space of the previous camera; the sky is a far sphere. */
INLINE points previous_points16(const k_frame *f, const k_chunk *k, int32_t cell, v16 depth)
{
    points ray = rays16(f, k, cell);
    const i16 surface = depth > 0.0f;
    v16 scale = depth;
    if (__builtin_reduce_and(surface) == 0) {
        v16 far = f->model->sky_distance / length16(turn(f->rotation, ray));
        scale = pick16(surface, depth, far);
    }
    points q = turn(f->to_previous, ray);
    return (points){q.x * scale + f->previous_origin[0], q.y * scale + f->previous_origin[1],
                    q.z * scale + f->previous_origin[2]};
}

/* Previous pixel and z_reprojected of one cell; returns where the point is in front. */
INLINE i16 reproject_cell(const k_frame *f, k_chunk *k, int32_t cell)
{
    const int32_t i = cell * K_LANES;
    v16 depth = load16(k->depth + i);
    v16 x = pixel_x16(f, k, cell), y = pixel_y16(f, k), z = depth;
    i16 in_front = (depth > 1e-3f) | (depth == 0.0f);
    if (f->has_camera_depth) {
        points q = previous_points16(f, k, cell, depth);
        z = -q.z;
        in_front = z > 1e-3f;
        x = q.x * f->previous_sx / z + f->previous_cx;
        y = q.y * f->previous_sy / z + f->previous_cy;
    } else {
        x = x + 0.5f;
        y = y + 0.5f;
    }
    if (f->motion_kind == K_MOTION_PLANE) {
        v16 mx = load16(k->motion[0] + i) * f->motion_sx + f->motion_x;
        v16 my = load16(k->motion[1] + i) * f->motion_sy + f->motion_y;
        x = (pixel_x16(f, k, cell) + mx) * f->motion_rx - f->motion_px;
        y = (pixel_y16(f, k) + my) * f->motion_ry - f->motion_py;
    }
    store16(k->previous[0] + i, x);
    store16(k->previous[1] + i, y);
    store16(k->previous_z + i, z);
    return in_front;
}

/* Depth (0: sky) of the previous frame at the nearest pixel, -1 where that pixel was covered. Every
 * position is kept inside, so that no lane has to be asked whether it may read. */
INLINE v16 previous_depths16(const k_frame *f, v16 x, v16 y)
{
    const float last_x = (float)(f->previous_width - 1), last_y = (float)(f->previous_height - 1);
    i16 column = int16_of(clamp16(round16(x - 0.5f), 0.0f, last_x));
    i16 row = int16_of(clamp16(round16(y - 0.5f), 0.0f, last_y));
    _Alignas(64) int32_t at[K_LANES], covered[K_LANES];
    _Alignas(64) float depth[K_LANES];
    *(i16_at *)at = row * f->previous_width + column;
    UNROLL for (int l = 0; l < K_LANES; l++) {
        depth[l] = f->previous_depth[at[l]];
        covered[l] = f->previous_coverage[at[l]];
    }
    v16 z = load16(depth);
    z = pick16(z < f->model->depth_limit, z, (v16)0.0f);
    return pick16(*(const i16_at *)covered != 0, (v16)-1.0f, z);
}

/* Previous pixel, z_reprojected and whether the history there shows the same surface. */
static void reproject(const k_frame *f, k_chunk *k)
{
    const k_model *m = f->model;
    if (f->motion_kind == K_MOTION_NONE) {
        __builtin_memset(k->valid, 0, sizeof k->valid);
        return;
    }
    const float width = (float)f->previous_width, height = (float)f->previous_height;
    for (int32_t cell = 0; cell < k->count; cell++) {
        const int32_t i = cell * K_LANES;
        i16 in_front = reproject_cell(f, k, cell);
        v16 x = load16(k->previous[0] + i), y = load16(k->previous[1] + i);
        v16 z = load16(k->previous_z + i);
        i16 inside = in_front & (x > 0.0f) & (x < width) & (y > 0.0f) & (y < height);
        v16 before = previous_depths16(f, x, y);
        v16 apart = max16(before - z, z - before);
        i16 same = (before > 0.0f) & (apart < z * m->depth_relative + m->depth_absolute);
        i16 sky = load16(k->depth + i) == 0.0f;
        i16 valid = inside & ((sky & (before == 0.0f)) | (~sky & same));
        if (f->planes[K_EMISSIVE].format != K_ABSENT)
            valid &= *(const i16_at *)(k->shines + i) == 0;
        *(i16_at *)(k->valid + i) = -valid;
    }
}
