/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Where each pixel was, what the history holds there, and where its surface is. */
#include "chunk.h"

/* ---- Where each pixel was ---- */

static void turned(double out[3], const float m[9], const double v[3])
{
    for (int c = 0; c < 3; c++)
        out[c] = m[c * 3] * v[0] + m[c * 3 + 1] * v[1] + m[c * 3 + 2] * v[2];
}

static void ray_of(const k_frame *f, const k_chunk *k, int i, double ray[3])
{
    ray[0] = ((double)pixel_x(f, k, i) + f->ray_x) * f->ray_sx;
    ray[1] = ((double)pixel_y(f, k, i) + f->ray_y) * f->ray_sy;
    ray[2] = -1;
}

/* Previous pixel and z of pixel `i`. */
static void find_previous(const k_frame *f, const k_chunk *k, int i, double at[2], double *z)
{
    const double depth = k->depth[i], x = pixel_x(f, k, i), y = pixel_y(f, k, i);
    at[0] = x + 0.5, at[1] = y + 0.5, *z = depth;
    if (f->has_camera_depth) {
        double ray[3], world[3], q[3];
        ray_of(f, k, i, ray);
        turned(world, f->rotation, ray);
        const double length =
            sqrt(world[0] * world[0] + world[1] * world[1] + world[2] * world[2]);
        const double scale = depth > 0 ? depth : f->model->sky_distance / length;
        turned(q, f->to_previous, ray);
        for (int c = 0; c < 3; c++)
            q[c] = q[c] * scale + f->previous_origin[c];
        *z = -q[2];
        at[0] = q[0] * f->previous_sx / *z + f->previous_cx;
        at[1] = q[1] * f->previous_sy / *z + f->previous_cy;
    }
    if (f->motion_kind == K_MOTION_PLANE) {
        at[0] = (x + k->motion[0][i] * (double)f->motion_sx + f->motion_x) * f->motion_rx -
                f->motion_px;
        at[1] = (y + k->motion[1][i] * (double)f->motion_sy + f->motion_y) * f->motion_ry -
                f->motion_py;
    }
}

void judge_reproject(const k_frame *f, const k_chunk *k)
{
    judge_begin("reprojection", NULL);
    const k_model *m = f->model;
    for (int i = 0; i < k->count * K_LANES; i++) {
        if (f->motion_kind == K_MOTION_NONE) {
            expect(!k->valid[i], "history where there is none");
            continue;
        }
        double at[2], z;
        find_previous(f, k, i, at, &z);
        /* Float32 at 100 pixels and 500 metres. */
        for (int c = 0; c < 2; c++)
            expect(isfinite(at[c]) ? is_near(k->previous[c][i], at[c], 1e-3)
                                   : !isfinite(k->previous[c][i]),
                   "pixel %d was at %g, not %g", i, (double)k->previous[c][i], at[c]);
        expect(is_near(k->previous_z[i], z, 1e-3 + 1e-5 * fabs(z)), "z %d", i);
        /* What follows is decided where the kernel says the pixel was. */
        const double x = k->previous[0][i], y = k->previous[1][i], found_z = k->previous_z[i];
        const int is_sky = k->depth[i] == 0;
        int valid = (f->has_camera_depth ? found_z > 1e-3f : is_sky || k->depth[i] > 1e-3f) &&
                    x > 0 && y > 0 && x < f->previous_width && y < f->previous_height;
        double margin = 1;
        if (valid) {
            const double column = clamp(nearbyint((double)((float)x - 0.5f)), 0, f->previous_width - 1);
            const double row = clamp(nearbyint((double)((float)y - 0.5f)), 0, f->previous_height - 1);
            const size_t index = (size_t)row * (size_t)f->previous_width + (size_t)column;
            double before = f->previous_depth[index];
            before = before < m->depth_limit ? before : 0;
            const double slack =
                m->depth_relative * found_z + m->depth_absolute - fabs(before - found_z);
            margin = before > 0 && !is_sky ? fabs(slack) : 1;
            valid = !f->previous_coverage[index] &&
                    (is_sky ? before == 0 : before > 0 && slack > 0);
        }
        if (f->planes[K_EMISSIVE].format != K_ABSENT && k->shines[i])
            valid = 0;
        expect(k->valid[i] == valid || margin < 1e-5, "history of pixel %d: %d", i, k->valid[i]);
    }
}

/* ---- History ---- */

void judge_history(const k_frame *f)
{
    judge_begin("history", NULL);
    const k_model *m = f->model;
    for (size_t i = 0; i < (size_t)f->previous_width * (size_t)f->previous_height; i++)
        for (size_t c = 0; c < 3; c++) {
            const uint8_t shown = f->previous_picture[i * 4 + c], base = f->previous_base[i * 4 + c];
            const float light = (float)clamp((double)(m->log_lin[shown] - m->log_lin[base]),
                                             -(double)m->carried_light_limit,
                                             (double)m->carried_light_limit);
            expect(f->history[i * 8 + c] == (float)shown * (1.0f / 255.0f) &&
                       f->history[i * 8 + 4 + c] == light,
                   "pixel %zu", i);
        }
}

/* Catmull-Rom at an index position, kept within the inner four. */
static double sampled(const k_frame *f, float px, float py, size_t channel)
{
    const double x = clamp((double)(px - 0.5f), 0, f->previous_width - 1);
    const double y = clamp((double)(py - 0.5f), 0, f->previous_height - 1);
    const int column = (int)x, row = (int)y;
    double weights[2][4], sum = 0, low = INFINITY, high = -INFINITY;
    for (int axis = 0; axis < 2; axis++) {
        const double t = axis ? y - row : x - column;
        weights[axis][0] = -0.5 * t * t * t + t * t - 0.5 * t;
        weights[axis][1] = 1.5 * t * t * t - 2.5 * t * t + 1;
        weights[axis][2] = -1.5 * t * t * t + 2 * t * t + 0.5 * t;
        weights[axis][3] = 0.5 * t * t * t - 0.5 * t * t;
    }
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++) {
            const int tx = (int)clamp(column - 1 + i, 0, f->previous_width - 1);
            const int ty = (int)clamp(row - 1 + j, 0, f->previous_height - 1);
            const double tap =
                f->history[((size_t)ty * (size_t)f->previous_width + (size_t)tx) * 8 + channel];
            sum += tap * weights[0][i] * weights[1][j];
            if ((i == 1 || i == 2) && (j == 1 || j == 2))
                low = fmin(low, tap), high = fmax(high, tap);
        }
    return clamp(sum, low, high);
}

/* Whether the network does without a pixel's history; -1: another rounding could say otherwise. */
static int is_mirror(const k_frame *f, const k_chunk *k, int i)
{
    const float *to = f->previous_origin;
    const double moved = f->motion_kind != K_MOTION_NONE && f->has_camera_depth
                             ? sqrt((double)to[0] * to[0] + (double)to[1] * to[1] + (double)to[2] * to[2])
                             : 0;
    const double least = (double)k->depth[i] * f->model->mirror_parallax;
    if (f->shows_mirrors || k->roughness[i] >= 0.3f || k->metallic[i] >= 0.5f || k->depth[i] == 0)
        return 0;
    if (k->frames[i] > 1)
        return isfinite(least);
    return isfinite(least) && fabs(least - moved) < 1e-6 * moved ? -1 : least < moved;
}

/* The previous picture on the base color of now, and how much of it is kept. */
static void judge_kept(const k_frame *f, const k_chunk *k, int i)
{
    const k_model *m = f->model;
    const uint32_t kept = (uint32_t)k->kept[i];
    if (!k->valid[i] || f->previous_width != f->width || f->previous_height != f->height) {
        expect(kept == 0, "pixel %d keeps %08x of no history", i, kept);
        return;
    }
    const double frames = k->frames[i];
    const double moving = (double)m->accumulation * (k->roughness[i] < 0.3f ? 0.5 : 1);
    const double share = frames > 1 ? (frames - 1) / frames : moving;
    expect(is_near((double)(kept >> 24), share * 255, 0.501), "share of pixel %d: %u", i, kept >> 24);
    for (size_t c = 0; c < 3; c++) {
        const float px = k->previous[0][i], py = k->previous[1][i];
        double shown = sampled(f, px, py, c);
        if (frames == 1) {
            const double base = m->lin[lrintf(k->base[c][i] * 255)] + (double)m->eps;
            const double linear = clamp(base * exp(sampled(f, px, py, 4 + c)) - m->eps, 0, 1);
            shown = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
        }
        /* Half of one for rounding, and half a step of the table: 0.00068 in the logarithm. */
        expect(is_near((double)(kept >> (8 * c) & 255), shown * 255, frames > 1 ? 0.501 : 0.58),
               "kept color of pixel %d: %u, not %g", i, kept >> (8 * c) & 255, shown * 255);
    }
}

void judge_warp(const k_frame *f, const k_chunk *k)
{
    judge_begin("warp", NULL);
    for (int i = 0; i < k->count * K_LANES; i++) {
        const int mirror = is_mirror(f, k, i);
        const int valid = mirror < 0 ? k->sigma[i] != 1 : k->valid[i] && !mirror;
        judge_kept(f, k, i);
        expect(k->sigma[i] == (valid ? f->model->own_trust : 1), "sigma of pixel %d", i);
        for (size_t c = 0; c < 3; c++) {
            const float px = k->previous[0][i], py = k->previous[1][i];
            if (valid)
                expect(is_near(k->source[c][i], sampled(f, px, py, c), 2e-6) &&
                           is_near(k->light[c][i], sampled(f, px, py, 4 + c), 2e-5),
                       "pixel %d at %g, %g", i, (double)px, (double)py);
            else
                expect(k->source[c][i] == k->base[c][i] && k->light[c][i] == 0,
                       "pixel %d without history", i);
        }
    }
}

/* ---- Places ---- */

void judge_place(const k_frame *f, const k_chunk *k)
{
    judge_begin("places", NULL);
    const k_model *m = f->model;
    for (int cell = 0; cell < k->count; cell++) {
        double view[3] = {0, 0, 0};
        int nearest = -1, nearest_of[K_BLOCKS] = {-1, -1, -1, -1};
        double at[K_LANES][3];
        for (int l = 0; l < K_LANES; l++) {
            const int i = cell * K_LANES + l, block = l / 8 * 2 + l % 4 / 2;
            double ray[3];
            ray_of(f, k, i, ray);
            turned(at[l], f->rotation, ray);
            const double length =
                sqrt(at[l][0] * at[l][0] + at[l][1] * at[l][1] + at[l][2] * at[l][2]);
            for (int c = 0; c < 3; c++) {
                view[c] += at[l][c] / length;
                at[l][c] = at[l][c] * k->depth[i] + f->position[c];
            }
            if (!(k->depth[i] > 0))
                continue;
            if (nearest < 0 || k->depth[i] < k->depth[cell * K_LANES + nearest])
                nearest = l;
            if (nearest_of[block] < 0 || k->depth[i] < k->depth[cell * K_LANES + nearest_of[block]])
                nearest_of[block] = l;
        }
        const double length = sqrt(view[0] * view[0] + view[1] * view[1] + view[2] * view[2]);
        expect(k->cell_has_surface[cell] == (f->has_camera && nearest >= 0), "surface of a cell");
        for (int c = 0; c < 3; c++) {
            expect(is_near(k->view[c][cell], f->has_camera ? view[c] / length : 0, 1e-6),
                   "view of cell %d", cell);
            double p = 0;
            if (f->has_camera && nearest >= 0)
                p = clamp((at[nearest][c] +
                           (double)k->normal[c][cell * K_LANES + nearest] * m->normal_offset -
                           m->bounds_min[c]) * m->bounds_scale[c] - 1, -1, 1);
            expect(is_near(k->cell_position[c][cell], p, 2e-6), "position of cell %d: %g, not %g",
                   cell, (double)k->cell_position[c][cell], p);
        }
        for (int b = 0; b < K_BLOCKS && f->has_camera && m->place.levels > 0; b++) {
            const int l = nearest_of[b], i = cell * K_BLOCKS + b;
            expect(k->block_has_surface[i] == (l >= 0), "surface of a block");
            for (int c = 0; c < 3 && l >= 0; c++) {
                const double p =
                    at[l][c] + (double)k->normal[c][cell * K_LANES + l] * m->place.normal_offset;
                const double low = m->place.bounds_min[c], high = m->place.bounds_max[c];
                expect(is_near(k->block_position[c][i], clamp(p, low, high) - low, 5e-6),
                       "position of block %d", i);
            }
        }
    }
}

/* Both features of a level at a block. */
static void read_level(const k_place *p, const k_chunk *k, uint32_t level, int block, double out[2])
{
    uint32_t low[3];
    double t[3];
    out[0] = out[1] = 0;
    if (!k->block_has_surface[block])
        return;
    for (int c = 0; c < 3; c++) {
        const float u = k->block_position[c][block] / p->coarsest_side * (float)(1u << level);
        low[c] = (uint32_t)u;
        t[c] = (double)u - low[c];
    }
    for (int corner = 0; corner < 8; corner++) {
        const uint32_t step[3] = {(uint32_t)corner >> 2, (uint32_t)corner >> 1 & 1,
                                  (uint32_t)corner & 1};
        const uint32_t hash = (low[0] + step[0]) ^ (low[1] + step[1]) * 2654435761u ^
                              (low[2] + step[2]) * 805459861u;
        const uint32_t word = p->tables[p->first[level] + hash % p->rows[level]];
        double weight = 1;
        for (int c = 0; c < 3; c++)
            weight *= step[c] ? t[c] : 1 - t[c];
        out[0] += half(word & 0xffff) * weight;
        out[1] += half(word >> 16) * weight;
    }
}

void judge_reads(const k_model *m, const k_chunk *k)
{
    judge_begin("place grid", NULL);
    const k_place *p = &m->place;
    const uint32_t coarse = p->levels - p->fine_levels;
    for (int cell = 0; cell < k->count; cell++)
        for (uint32_t level = 0; level < p->levels; level++)
            for (int b = 0; b < (level < coarse ? 1 : K_BLOCKS); b++) {
                double expected[2];
                read_level(p, k, level, cell * K_BLOCKS + b, expected);
                for (uint32_t feature = 0; feature < 2; feature++) {
                    const uint32_t channel =
                        level < coarse ? level * 2 + feature
                                       : coarse * 2 + ((level - coarse) * 2 + feature) * K_BLOCKS +
                                             (uint32_t)b;
                    expect(is_near(k->place_reads[cell][channel], expected[feature], 2e-6),
                           "level %u of cell %d: %g, not %g", level, cell,
                           (double)k->place_reads[cell][channel], expected[feature]);
                }
            }
}
