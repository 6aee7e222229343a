/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "sheet_kernels.h"

#include <math.h>
#include <string.h>

static uint8_t *panel_pixel(const k_sheet *s, int panel, size_t i, size_t j)
{
    const size_t x = (size_t)(panel % K_PANELS_ACROSS) * (size_t)s->panel_width + i;
    const size_t y = (size_t)(panel / K_PANELS_ACROSS) * (size_t)s->panel_height + j;
    return s->top + (ptrdiff_t)y * s->row_stride + x * 4;
}

static uint8_t byte_of(float unit)
{
    const float scaled = unit * 255.0f + 0.5f;
    return scaled > 0.0f ? (scaled < 255.0f ? (uint8_t)scaled : 255) : 0;
}

static void paint(const k_sheet *s, int panel, size_t i, size_t j, float red, float green,
                  float blue)
{
    const uint8_t color[4] = {byte_of(red), byte_of(green), byte_of(blue), 255};
    memcpy(panel_pixel(s, panel, i, j), color, 4);
}

static void paint_grey(const k_sheet *s, int panel, size_t i, size_t j, float grey)
{
    paint(s, panel, i, j, grey, grey, grey);
}

/* The frame's pixel that a panel's shows: the middle one of those that it stands for. */
static size_t shown(size_t i, int32_t panel_side, int32_t side)
{
    return (2 * i + 1) * (size_t)side / (2 * (size_t)panel_side);
}

static void paint_chunk(const k_frame *f, const k_chunk *k, const k_sheet *s, size_t *next,
                        size_t j, size_t y)
{
    for (; *next < (size_t)s->panel_width; ++*next) {
        const size_t i = *next, x = shown(i, s->panel_width, f->width);
        const size_t cell = x / 4 - (size_t)k->cell_x;
        if (cell >= (size_t)k->count)
            return;
        const size_t p = cell * K_LANES + y % 4 * 4 + x % 4;
        paint(s, K_PANEL_BASE, i, j, k->base[0][p], k->base[1][p], k->base[2][p]);
        paint(s, K_PANEL_NORMALS, i, j, k->normal[0][p] * 0.5f + 0.5f,
              k->normal[1][p] * 0.5f + 0.5f, k->normal[2][p] * 0.5f + 0.5f);
        memcpy(panel_pixel(s, K_PANEL_DEPTH, i, j), &k->depth[p], 4);
        paint_grey(s, K_PANEL_ROUGHNESS, i, j, k->roughness[p]);
        paint_grey(s, K_PANEL_METALLIC, i, j, k->metallic[p]);
        const float is_there = k->valid[p] ? 1.0f : 0.0f;
        paint(s, K_PANEL_HISTORY, i, j, k->source[0][p] * is_there, k->source[1][p] * is_there,
              k->source[2][p] * is_there);
        paint_grey(s, K_PANEL_TRUST, i, j, 1.0f - k->sigma[p]);
    }
}

void k_sheet_rows(const k_kernels *kernels, const k_frame *frame, const k_sheet *sheet, size_t j0,
                  size_t j1)
{
    _Alignas(64) k_chunk k;
    k_frame f = *frame;
    f.next_base = NULL;
    f.next_depth = NULL;
    f.next_coverage = NULL;
    f.shows_mirrors = 1;
    f.kept = NULL;
    const int32_t cells = (f.width + 3) / 4;
    for (size_t j = j0; j < j1; j++) {
        const size_t y = shown(j, sheet->panel_height, f.height);
        size_t next = 0;
        k.cell_y = (int32_t)(y / 4);
        for (k.cell_x = 0; k.cell_x < cells; k.cell_x += k.count) {
            k.count = cells - k.cell_x < K_CHUNK_CELLS ? cells - k.cell_x : K_CHUNK_CELLS;
            kernels->load(&f, &k);
            kernels->reproject(&f, &k);
            kernels->warp(&f, &k);
            paint_chunk(&f, &k, sheet, &next, j, y);
        }
    }
}

/* What the network reads, -1...1, as the unit that it stands for. */
static float unit_of(float input) { return input * 0.5f + 0.5f; }

void k_diffusion_sheet_rows(const k_frame *f, const k_diffusion *d, const k_sheet *s, size_t j0,
                            size_t j1)
{
    for (size_t j = j0; j < j1; j++)
        for (size_t i = 0; i < (size_t)s->panel_width; i++) {
            const size_t x = shown(i, s->panel_width, f->width);
            const size_t y = shown(j, s->panel_height, f->height);
            const size_t at = y * (size_t)d->width + x;
            const float *in = d->planes + at * K_DIFFUSION_PLANES;
            const float *previous = d->previous + at * 3;
            float world[3] = {0.5f, 0.5f, 0.5f};
            for (int c = 0; c < 3; c++)
                world[d->normal_axis[c]] = unit_of(d->normal_sign[c] * in[3 + c]);
            paint(s, K_PANEL_BASE, i, j, unit_of(in[0]), unit_of(in[1]), unit_of(in[2]));
            paint(s, K_PANEL_NORMALS, i, j, world[0], world[1], world[2]);
            memcpy(panel_pixel(s, K_PANEL_DEPTH, i, j),
                   &f->next_depth[y * (size_t)f->width + x], 4);
            paint_grey(s, K_PANEL_ROUGHNESS, i, j, unit_of(in[7]));
            paint_grey(s, K_PANEL_METALLIC, i, j, unit_of(in[8]));
            const float is_there = f->previous_width > 0 ? 1.0f : 0.0f;
            paint(s, K_PANEL_HISTORY, i, j, unit_of(previous[0]) * is_there,
                  unit_of(previous[1]) * is_there, unit_of(previous[2]) * is_there);
            paint_grey(s, K_PANEL_TRUST, i, j, is_there);
        }
}

k_sheet_facts k_sheet_finish(const k_sheet *s)
{
    k_sheet_facts facts = {0.0f, 0.0f, 0, 0, 0};
    const size_t width = (size_t)s->panel_width, height = (size_t)s->panel_height;
    for (size_t j = 0; j < height; j++)
        for (size_t i = 0; i < width; i++) {
            float z;
            memcpy(&z, panel_pixel(s, K_PANEL_DEPTH, i, j), 4);
            facts.pixels++;
            facts.continued += *panel_pixel(s, K_PANEL_TRUST, i, j) != 0;
            if (z <= 0.0f) {
                facts.sky++;
                continue;
            }
            if (facts.nearest == 0.0f || z < facts.nearest)
                facts.nearest = z;
            if (z > facts.farthest)
                facts.farthest = z;
        }
    for (size_t j = 0; j < height; j++)
        for (size_t i = 0; i < width; i++) {
            float z;
            memcpy(&z, panel_pixel(s, K_PANEL_DEPTH, i, j), 4);
            if (z > 0.0f)
                paint_grey(s, K_PANEL_DEPTH, i, j, sqrtf(facts.nearest / z));
            else
                paint(s, K_PANEL_DEPTH, i, j, 0.0f, 0.1f, 0.3f);
        }
    return facts;
}
