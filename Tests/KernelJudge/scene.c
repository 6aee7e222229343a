/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "scene.h"

#include <math.h>
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

/* Exactly as large as it must be: a byte read beyond it is a sanitizer's to find. */
static k_plane make_plane(const k_frame *f, int32_t format)
{
    const ptrdiff_t width = (ptrdiff_t)pixel_bytes(format) * f->width;
    const ptrdiff_t stride = width + random_int(0, 3) * 4, height = f->height;
    uint8_t *bytes = memory((size_t)(stride * height));
    random_bytes(bytes, (size_t)(stride * height));
    if (random_int(0, 1))
        return (k_plane){bytes + (height - 1) * stride, -stride, format};
    return (k_plane){bytes, stride, format};
}

static uint8_t *pixel_of(const k_plane *plane, int32_t x, int32_t y)
{
    return (uint8_t *)plane->top + y * plane->row_stride + (size_t)x * pixel_bytes(plane->format);
}

/* Metres in a few steps, so that some pixels are as near as others; a tenth is sky. */
static void fill_depth(k_frame *f)
{
    f->depth_is_device = f->planes[K_DEPTH].format == K_R32F && random_int(0, 2) == 0;
    f->depth_scale = f->planes[K_DEPTH].format == K_R16 ? 0.001f : random_float(0.5f, 2);
    f->depth_near = 0.1f, f->depth_span = 50 - 0.1f, f->depth_product = 0.1f * 50;
    f->depth_far = random_int(0, 1) ? INFINITY : 45.7f;
    for (int32_t y = 0; y < f->height; y++)
        for (int32_t x = 0; x < f->width; x++) {
            const float metres = (float)random_int(20, 38) / 10;
            uint8_t *pixel = pixel_of(&f->planes[K_DEPTH], x, y);
            float raw = f->depth_is_device ? (f->depth_product / metres - f->depth_near) /
                                                 f->depth_span
                                           : metres / f->depth_scale;
            if (random_int(0, 9) == 0)
                raw = f->planes[K_DEPTH].format == K_R16 ? 0
                                               : (float[]){0, -1, NAN, INFINITY}[random_int(0, 3)];
            if (f->planes[K_DEPTH].format == K_R16)
                memcpy(pixel, &(uint16_t){(uint16_t)raw}, 2);
            else
                memcpy(pixel, &raw, 4);
        }
}

static void make_planes(k_frame *f)
{
    f->planes[K_BASE_COLOR] = make_plane(f, random_int(0, 1) ? K_RGBA8 : K_RGB8);
    f->planes[K_NORMALS] = make_plane(f, (int32_t[]){K_RGBA8, K_RGB8, K_RGB10A2}[random_int(0, 2)]);
    f->planes[K_DEPTH] = make_plane(f, random_int(0, 2) ? K_R32F : K_R16);
    f->planes[K_ROUGHNESS] = make_plane(f, K_R8);
    f->planes[K_METALLIC].format = K_ABSENT;
    if (random_int(0, 1))
        f->planes[K_METALLIC] = make_plane(f, K_R8);
    f->planes[K_KNOWN].format = K_ABSENT;
    if (random_int(0, 1))
        f->planes[K_KNOWN] = make_plane(f, K_RGBA8);
    f->planes[K_EMISSIVE].format = (int32_t[]){K_ABSENT, K_RGBA8, K_RGB8, K_RGBA16F}[random_int(0, 3)];
    if (f->planes[K_EMISSIVE].format != K_ABSENT)
        f->planes[K_EMISSIVE] = make_plane(f, f->planes[K_EMISSIVE].format);
    for (int32_t y = 0; y < f->height && f->planes[K_EMISSIVE].format != K_ABSENT; y++)
        for (int32_t x = 0; x < f->width; x++) /* few pixels shine */
            if (random_int(0, 3) > 0)
                memset(pixel_of(&f->planes[K_EMISSIVE], x, y), 0, pixel_bytes(f->planes[K_EMISSIVE].format));
    fill_depth(f);
}

static void random_rotation(float m[9])
{
    /* From a quaternion. */
    float q[4];
    random_floats(q, 4, -1, 1);
    q[0] += 2; /* never near zero */
    const float n = sqrtf(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    const float w = q[0] / n, x = q[1] / n, y = q[2] / n, z = q[3] / n;
    const float rows[9] = {1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
                           2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
                           2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)};
    memcpy(m, rows, sizeof rows);
}

/* Half floats of a few pixels; some are not finite. */
static void fill_motion(k_frame *f)
{
    f->planes[K_MOTION] = make_plane(f, K_RG16F);
    for (int32_t y = 0; y < f->height; y++)
        for (int32_t x = 0; x < f->width; x++) {
            uint16_t halves[2];
            for (int i = 0; i < 2; i++)
                halves[i] = random_int(0, 3) == 0 ? 0
                            : random_int(0, 19) == 0
                                ? 0x7C00 | (uint16_t)random_int(0, 1)
                                : (uint16_t)(random_int(0, 1) << 15 | random_int(0x2000, 0x4400));
            memcpy(pixel_of(&f->planes[K_MOTION], x, y), halves, 4);
        }
}

static void make_history(k_frame *f)
{
    f->motion_kind = random_int(K_MOTION_STILL, K_MOTION_PLANE);
    if (!f->has_camera && f->motion_kind == K_MOTION_CAMERA)
        f->motion_kind = K_MOTION_STILL;
    const int is_same = f->motion_kind == K_MOTION_STILL || random_int(0, 1);
    f->previous_width = is_same ? f->width : random_int(1, 80);
    f->previous_height = is_same ? f->height : random_int(1, 80);
    f->has_camera_depth = f->has_camera && f->motion_kind != K_MOTION_STILL;
    /* A small turn and step. */
    float away[9];
    random_rotation(away);
    for (int i = 0; i < 9; i++)
        f->to_previous[i] = (i % 4 == 0 ? 1.0f : 0.0f) * 0.98f + away[i] * 0.02f;
    random_floats(f->previous_origin, 3, -0.2f, 0.2f);
    f->previous_sx = (float)f->previous_width * 0.9f;
    f->previous_sy = (float)f->previous_width * -0.9f;
    f->previous_cx = (float)f->previous_width / 2 + random_float(-1, 1);
    f->previous_cy = (float)f->previous_height / 2 + random_float(-1, 1);
    if (f->motion_kind == K_MOTION_PLANE) {
        fill_motion(f);
        f->motion_sx = f->motion_sy = 1;
        f->motion_rx = (float)f->previous_width / (float)f->width;
        f->motion_ry = (float)f->previous_height / (float)f->height;
        const float jitter = random_int(0, 1) ? 0 : random_float(-0.5f, 0.5f);
        f->motion_x = 0.5f + jitter, f->motion_y = 0.5f - jitter;
        f->motion_px = jitter * f->motion_rx, f->motion_py = -jitter * f->motion_ry;
    }
    const size_t pixels = (size_t)f->previous_width * (size_t)f->previous_height;
    uint8_t *picture = memory(pixels * 4), *base = memory(pixels * 4), *covered = memory(pixels);
    float *depth = floats(pixels);
    random_bytes(picture, pixels * 4);
    random_bytes(base, pixels * 4);
    for (size_t i = 0; i < pixels; i++) {
        base[i * 4 + 3] = (uint8_t)(256 - random_int(1, 9));
        covered[i] = random_int(0, 9) == 0;
        depth[i] = random_int(0, 9) == 0 ? 0 : (float)random_int(20, 38) / 10;
        if (random_int(0, 19) == 0)
            depth[i] = 500;
    }
    /* What stays is near its mean now and then. */
    for (int32_t y = 0; is_same && y < f->height; y++)
        for (int32_t x = 0; x < f->width; x++)
            for (int c = 0; c < 3 && random_int(0, 3) > 0; c++) {
                const int near = pixel_of(&f->planes[K_BASE_COLOR], x, y)[c] + random_int(-13, 13);
                base[((size_t)y * (size_t)f->width + (size_t)x) * 4 + (size_t)c] =
                    (uint8_t)(near < 0 ? 0 : near > 255 ? 255 : near);
            }
    f->previous_picture = picture, f->previous_base = base, f->previous_coverage = covered;
    f->previous_depth = depth;
    f->shows_mirrors = random_int(0, 7) == 0;
    f->history = floats(pixels * 8);
}

void make_results(k_frame *f)
{
    const size_t pixels = (size_t)f->width * (size_t)f->height;
    f->next_picture = memory(pixels * 4), f->next_base = memory(pixels * 4);
    f->next_depth = floats(pixels), f->next_coverage = memory(pixels);
    f->picture_row_stride = f->width * 4;
    f->picture = memory(pixels * 4);
    f->trusted_light = floats((size_t)f->cells_x * (size_t)f->cells_y * 3 * K_LANES);
    f->kept = memory((size_t)f->cells_x * (size_t)f->cells_y * K_LANES * 4);
}

static void make_grid(k_model *m)
{
    k_place *p = &m->place;
    p->levels = (uint32_t)random_int(0, 6);
    p->fine_levels = (uint32_t)random_int(0, (int)p->levels);
    p->coarsest_side = 0.64f;
    p->normal_offset = 0.05f;
    uint32_t rows = 0;
    for (uint32_t level = 0; level < p->levels; level++) {
        p->rows[level] = 1u << random_int(4, 10);
        p->first[level] = rows;
        rows += p->rows[level];
    }
    uint32_t *tables = memory(rows * 4);
    for (uint32_t i = 0; i < rows; i++) /* halves of -1 ... 1, zeros and small ones among them */
        tables[i] = (uint32_t)random_bits() & 0xBBFFBBFFu;
    p->tables = tables;
    for (int c = 0; c < 3; c++) {
        p->bounds_min[c] = random_float(-5, -2);
        p->bounds_max[c] = random_float(2, 5);
    }
    m->place_channels = (p->levels - p->fine_levels) * 2 + p->fine_levels * 2 * K_BLOCKS;
}

static void make_model(scene *s)
{
    k_model *m = &s->model;
    m->eps = 1.0f / 256, m->light_range = 6, m->carried_light_limit = 6, m->own_trust = 0.05f;
    m->accumulation = random_float(0.01f, 0.99f);
    m->mirror_parallax = random_int(0, 3) ? random_float(0.001f, 0.1f) : INFINITY;
    m->depth_relative = 0.03f, m->depth_absolute = 0.02f;
    m->sky_distance = 500, m->depth_limit = 100, m->normal_offset = 0.25f;
    for (int c = 0; c < 3; c++)
        m->bounds_min[c] = -5, m->bounds_scale[c] = 0.2f;
    uint32_t at = 0;
#define PLANES(name, count) m->name##_at = at, at += (count) * K_LANES
    PLANES(base, 3);
    PLANES(normal, 3);
    PLANES(depth, 1);
    PLANES(roughness, 1);
    PLANES(metallic, 1);
    PLANES(source, 3);
    PLANES(sigma, 1);
    PLANES(light, 3);
#undef PLANES
    m->probe_at = at;
    m->light_out_at = 0, m->added_out_at = 48, m->gate_out_at = 96;
    m->probe_channels = (uint32_t)random_int(1, 20);
    m->probe_stride = (m->probe_channels + 15) / 16 * 16;
    m->probe_x = (uint32_t)random_int(1, 4), m->probe_y = (uint32_t)random_int(1, 4);
    m->probe_z = (uint32_t)random_int(1, 4);
    const size_t points = m->probe_x * m->probe_y * m->probe_z;
    float *probes = floats(points * m->probe_channels);
    float *packed = floats(points * m->probe_stride);
    random_floats(probes, points * m->probe_channels, -1, 1);
    k_pack_probes(packed, probes, m->probe_channels, points, m->probe_stride);
    m->probes = packed;
    make_grid(m);
    for (int i = 0; i < 256; i++) {
        m->lin[i] = k_srgb_to_linear[i];
        m->log_lin[i] = (float)log((double)m->lin[i] + m->eps);
    }
    k_fill_shown(m);
    s->channels = m->probe_at +
                  (m->probe_channels + 3 + m->place_channels + K_LANES - 1) / K_LANES * K_LANES;
}

void make_scene(scene *s)
{
    k_frame *f = &s->frame;
    memset(s, 0, sizeof *s);
    make_model(s);
    f->model = &s->model;
    f->width = random_int(1, 75), f->height = random_int(1, 40);
    /* The network's sizes are multiples of 32: rows and columns of cells lie outside. */
    f->cells_x = (f->width + 31) / 32 * 8, f->cells_y = (f->height + 31) / 32 * 8;
    f->has_camera = random_int(0, 3) > 0;
    f->ray_sx = 2.2f / (float)f->width, f->ray_sy = -2.2f / (float)f->width;
    f->ray_x = 0.5f - (float)f->width / 2, f->ray_y = 0.5f - (float)f->height / 2;
    random_rotation(f->rotation);
    random_floats(f->position, 3, -2, 2);
    f->turns_normals = random_int(0, 1);
    make_planes(f);
    if (random_int(0, 5) > 0)
        make_history(f);
    make_results(f);
}
