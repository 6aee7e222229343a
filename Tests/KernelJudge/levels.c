/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Light at half and quarter size: planes and histories reduced, light brought back to every pixel. */
#include "chunk.h"
#include "level_kernels.h"

#include <stdlib.h>

static double srgb(double linear)
{
    const double light = clamp(linear, 0, 1);
    return light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055;
}

static uint32_t plane_word(const k_frame *f, const k_plane *plane, int32_t x, int32_t y)
{
    uint32_t word = 0;
    const size_t bytes = plane->format == K_R8    ? 1
                         : plane->format == K_R16 ? 2
                         : plane->format == K_RGB8 ? 3
                                                   : 4;
    memcpy(&word, plane->top + smaller(y, f->height - 1) * plane->row_stride +
                      (size_t)smaller(x, f->width - 1) * bytes, bytes);
    return word;
}

static double metres(const k_frame *f, int32_t x, int32_t y)
{
    const uint32_t word = plane_word(f, &f->planes[K_DEPTH], x, y);
    float raw;
    memcpy(&raw, &word, 4);
    if (f->planes[K_DEPTH].format == K_R16)
        raw = (float)word;
    double z = (double)raw * f->depth_scale;
    if (f->depth_is_device)
        z = raw > 0 ? f->depth_product / ((double)raw * f->depth_span + f->depth_near) : 0;
    return z > 0 && z < f->depth_far && z < INFINITY ? z : 0;
}

static void sent_normal(const k_frame *f, uint32_t word, double n[3])
{
    const int bits = f->planes[K_NORMALS].format == K_RGB10A2 ? 10 : 8;
    for (int c = 0; c < 3; c++)
        n[c] = (word >> (bits * c) & ((1u << bits) - 1)) / (bits == 10 ? 511.5 : 127.5) - 1;
}

/* Emission of a pixel of the frame. */
static double emission(const k_frame *f, int32_t x, int32_t y, int c)
{
    const k_plane *e = &f->planes[K_EMISSIVE];
    x = smaller(x, f->width - 1), y = smaller(y, f->height - 1);
    if (e->format == K_ABSENT)
        return 0;
    if (e->format != K_RGBA16F)
        return f->model->lin[plane_word(f, e, x, y) >> (8 * c) & 255];
    uint16_t bits;
    memcpy(&bits, e->top + y * e->row_stride + (size_t)x * 8 + (size_t)c * 2, 2);
    const double value = half(bits);
    return value > 0 ? fmin(value, 65504) : 0;
}

static float map_at(const k_level *l, int map, int32_t x, int32_t y)
{
    return l->maps[(size_t)map * l->map_plane + (size_t)y * l->map_row + K_MAP_MARGIN + (size_t)x];
}

/* ---- Reduced planes ---- */

static int is_same(const k_model *m, double own, double depth)
{
    return own > 0 ? depth > 0 && fabs(depth - own) <= own * m->depth_relative + m->depth_absolute
                   : depth <= 0;
}

/* A byte of color is a mean of `count` lights. */
static void expect_mean(uint8_t byte, double sum, int count, const char *what)
{
    const double expected = srgb(sum / count) * 255;
    expect(is_near(byte, expected, 0.51), "%s is %d, not %g", what, byte, expected);
}

static void judge_reduced_pixel(const k_level *l, int32_t x, int32_t y)
{
    const k_frame *f = l->full;
    const k_model *m = f->model;
    const int32_t side = l->side, left = x * side, top = y * side;
    const int32_t mx = left + side / 2, my = top + side / 2;
    const size_t at = (size_t)y * (size_t)l->width + (size_t)x;
    float depth;
    memcpy(&depth, l->planes[K_DEPTH] + at * 4, 4);
    const double own = metres(f, mx, my);
    expect(is_near(depth, own, 1e-6 * own) && map_at(l, K_MAP_DEPTH, x, y) == depth,
           "reduced depth %g, not %g", (double)depth, own);
    double base[3] = {0, 0, 0}, emissive[3] = {0, 0, 0}, normal[3];
    int count = 0, is_close = 0;
    uint32_t opaque = 0;
    for (int32_t j = 0; j < side; j++)
        for (int32_t i = 0; i < side; i++) {
            const uint32_t color = plane_word(f, &f->planes[K_BASE_COLOR], left + i, top + j);
            const double depth_there = metres(f, left + i, top + j);
            const int counts = is_same(m, own, depth_there);
            count += counts;
            is_close |= fabs(fabs(depth_there - own) - own * m->depth_relative -
                             m->depth_absolute) < 1e-4;
            for (int c = 0; c < 3; c++) {
                base[c] += counts ? m->lin[color >> (8 * c) & 255] : 0;
                emissive[c] += emission(f, left + i, top + j, c);
            }
            if (f->planes[K_KNOWN].format != K_ABSENT) {
                const uint32_t known = plane_word(f, &f->planes[K_KNOWN], left + i, top + j);
                if (i + j == 0 || known >> 24 > opaque >> 24)
                    opaque = known;
            }
        }
    for (int c = 0; c < 3; c++) {
        /* At the limit between two surfaces rounding decides. */
        if (!is_close)
            expect_mean(l->planes[K_BASE_COLOR][at * 4 + (size_t)c], base[c], count, "base color");
        if (l->planes[K_EMISSIVE])
            expect_mean(l->planes[K_EMISSIVE][at * 4 + (size_t)c], emissive[c], side * side,
                        "emissive");
    }
    const uint32_t word = plane_word(f, &f->planes[K_NORMALS], mx, my);
    const size_t bytes = f->planes[K_NORMALS].format == K_RGB8 ? 3 : 4;
    sent_normal(f, word, normal);
    for (int c = 0; c < 3; c++)
        expect(is_near(map_at(l, K_MAP_NORMAL + c, x, y), normal[c], 1e-6), "a normal's map");
    uint32_t found[3] = {0, 0, 0};
    memcpy(&found[0], l->planes[K_NORMALS] + at * bytes, bytes);
    expect(found[0] == word, "a reduced normal");
    expect(l->planes[K_ROUGHNESS][at] == plane_word(f, &f->planes[K_ROUGHNESS], mx, my),
           "reduced roughness");
    if (l->planes[K_METALLIC])
        expect(l->planes[K_METALLIC][at] == plane_word(f, &f->planes[K_METALLIC], mx, my),
               "reduced metallic");
    if (l->planes[K_MOTION]) {
        memcpy(&found[1], l->planes[K_MOTION] + at * 4, 4);
        expect(found[1] == plane_word(f, &f->planes[K_MOTION], mx, my), "reduced motion");
    }
    if (l->planes[K_KNOWN]) {
        memcpy(&found[2], l->planes[K_KNOWN] + at * 4, 4);
        expect(found[2] == opaque, "reduced known color");
    }
}

/* ---- Light at every pixel ---- */

typedef struct pixel {
    double depth, normal[3];
} pixel;

static double likeness(const k_level *l, const pixel *p, int32_t x, int32_t y)
{
    const double depth = map_at(l, K_MAP_DEPTH, x, y);
    const double far = fmax(p->depth, depth) * K_DEPTH_SPREAD, close = far * far + 1e-12;
    const double match = close / (close + (p->depth - depth) * (p->depth - depth));
    double facing = 0;
    for (int c = 0; c < 3; c++)
        facing += p->normal[c] * map_at(l, K_MAP_NORMAL + c, x, y);
    facing = pow(clamp(facing, 0, 1), 8) * (1 - K_LEAST_NORMAL) + K_LEAST_NORMAL;
    return match * match * (p->depth > 0 ? facing : 1);
}

/* Whether the picture's bytes are those of this light. */
static int shows(const k_level *l, int32_t x, int32_t y, const double light[6])
{
    const k_frame *f = l->full;
    const uint8_t *found = f->picture + y * f->picture_row_stride + (size_t)x * 4;
    const uint32_t color = plane_word(f, &f->planes[K_BASE_COLOR], x, y);
    const uint32_t known =
        f->planes[K_KNOWN].format == K_ABSENT ? 0 : plane_word(f, &f->planes[K_KNOWN], x, y);
    const double weight = (known >> 24) / 255.0;
    for (int c = 0; c < 3; c++) {
        const double linear = ((double)f->model->lin[color >> (8 * c) & 255] + f->model->eps) *
                                  exp(light[c]) + light[3 + c] + emission(f, x, y, c);
        const double value =
            srgb(linear) * 255 * (1 - weight) + (known >> (8 * c) & 255) * weight;
        if (!is_near(found[c], value, 0.52))
            return 0;
    }
    return found[3] == 255;
}

static void judge_raised_pixel(const k_level *l, int32_t x, int32_t y)
{
    const k_frame *f = l->full;
    const int32_t side = l->side, cx = x / side, cy = y / side;
    const int32_t ax = 2 * (x % side) + 1 - side, ay = 2 * (y % side) + 1 - side;
    const int32_t xs[2] = {cx, ax < 0 ? cx - 1 : cx + 1}, ys[2] = {cy, ay < 0 ? cy - 1 : cy + 1};
    const double tx = abs(ax) / (2.0 * side), ty = abs(ay) / (2.0 * side);
    pixel p = {.depth = metres(f, x, y)};
    sent_normal(f, plane_word(f, &f->planes[K_NORMALS], x, y), p.normal);
    double light[6] = {0, 0, 0, 0, 0, 0}, total = 0;
    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            if (xs[i] < 0 || xs[i] >= l->width || ys[j] < 0 || ys[j] >= l->height)
                continue;
            const double one =
                likeness(l, &p, xs[i], ys[j]) * (i ? tx : 1 - tx) * (j ? ty : 1 - ty);
            total += one;
            for (int c = 0; c < 6; c++)
                light[c] += one * map_at(l, K_MAP_LIGHT + c, xs[i], ys[j]);
        }
    for (int c = 0; c < 6; c++)
        light[c] /= total;
    /* At the threshold either is right. */
    if (total > K_LEAST_WEIGHT * 0.9999 && shows(l, x, y, light))
        return;
    expect(total < K_LEAST_WEIGHT * 1.0001, "the mean of light at %d, %d of %dx%d, side %d", x, y,
           f->width, f->height, side);
    double best = 0;
    for (int32_t j = cy - 1; j <= cy + 1; j++)
        for (int32_t i = cx - 1; i <= cx + 1; i++)
            if (i >= 0 && i < l->width && j >= 0 && j < l->height)
                best = fmax(best, likeness(l, &p, i, j));
    for (int32_t j = cy - 1; j <= cy + 1; j++)
        for (int32_t i = cx - 1; i <= cx + 1; i++) {
            /* Where several are as much alike, rounding decides. */
            if (i < 0 || i >= l->width || j < 0 || j >= l->height ||
                likeness(l, &p, i, j) < best * (1 - 1e-4))
                continue;
            for (int c = 0; c < 6; c++)
                light[c] = map_at(l, K_MAP_LIGHT + c, i, j);
            if (shows(l, x, y, light))
                return;
        }
    expect(0, "the light nearest in depth at %d, %d of %dx%d, side %d", x, y, f->width, f->height,
           side);
}

/* ---- A frame ---- */

static void judge_kept_light(const k_level *l, const k_frame *small, const float *head)
{
    const k_model *m = small->model;
    for (int32_t y = 0; y < small->cells_y * 4; y++)
        for (int32_t x = 0; x < small->cells_x * 4; x++) {
            const size_t cell = (size_t)(y / 4 * small->cells_x + x / 4), lane = (size_t)(y % 4 * 4 + x % 4);
            const float *out = head + cell * 112, *trusted = small->trusted_light + cell * 48;
            const double gate = 1 / (1 + exp(-(double)out[96 + lane]));
            for (size_t c = 0; c < 3; c++) {
                const double said = out[c * 16 + lane] + trusted[c * 16 + lane] * gate;
                const double light = m->light_range * tanh(said / m->light_range);
                const double added = 3.0 * out[48 + c * 16 + lane] - 6;
                expect(is_near(map_at(l, K_MAP_LIGHT + (int)c, x, y), light, 6e-6) &&
                           is_near(map_at(l, K_MAP_ADDED + (int)c, x, y),
                                   log1p(exp(-fabs(added))) + fmax(added, 0), 1e-6 * fmax(added, 1)),
                       "kept light at %d, %d", x, y);
            }
        }
}

/* Bands of rows of random heights. */
static void run_rows(void (*run)(const k_level *, size_t, size_t), const k_level *l, int32_t rows)
{
    for (int32_t y = 0; y < rows;) {
        const int32_t end = smaller(y + random_int(1, 9), rows);
        run(l, (size_t)y, (size_t)end);
        y = end;
    }
}

static void make_level(k_level *l, const k_frame *f, k_frame *small)
{
    memset(l, 0, sizeof *l);
    l->full = f;
    l->side = random_int(0, 1) ? 2 : 4;
    l->width = (f->width + l->side - 1) / l->side;
    l->height = (f->height + l->side - 1) / l->side;
    const size_t pixels = (size_t)l->width * (size_t)l->height;
    for (int kind = 0; kind < K_PLANE_COUNT; kind++)
        if (f->planes[kind].format != K_ABSENT)
            l->planes[kind] = memory(pixels * 4);
    *small = *f;
    small->width = l->width, small->height = l->height;
    small->cells_x = (l->width + 31) / 32 * 8, small->cells_y = (l->height + 31) / 32 * 8;
    small->head_stride = 112;
    const size_t cells = (size_t)small->cells_x * (size_t)small->cells_y;
    small->trusted_light = floats(cells * 48);
    random_floats(small->trusted_light, cells * 48, -3, 3);
    l->map_row = (size_t)small->cells_x * 4 + 2 * K_MAP_MARGIN;
    l->map_plane = l->map_row * (size_t)small->cells_y * 4;
    l->maps = floats(l->map_plane * K_MAP_COUNT);
    memset(l->maps, 0, l->map_plane * K_MAP_COUNT * 4);
}

static void judge_level(scene *s, const k_level_kernels *kernels)
{
    k_frame *f = &s->frame, small;
    k_level l;
    make_level(&l, f, &small);
    run_rows(kernels->reduce, &l, l.height);
    for (int32_t y = 0; y < l.height; y++)
        for (int32_t x = 0; x < l.width; x++)
            judge_reduced_pixel(&l, x, y);

    const size_t cells = (size_t)small.cells_x * (size_t)small.cells_y;
    float *head = floats(cells * 112);
    random_floats(head, cells * 112, -2, 2);
    for (int y = 0; y < small.cells_y; y++) {
        const size_t half = (size_t)random_int(0, small.cells_x);
        const float *row = head + (size_t)(y * small.cells_x) * 112;
        kernels->lights(&l, &small, row, (size_t)y, 0, half);
        kernels->lights(&l, &small, row, (size_t)y, half, (size_t)small.cells_x);
    }
    judge_kept_light(&l, &small, head);

    run_rows(kernels->raise, &l, f->height);
    for (int32_t y = 0; y < f->height; y++)
        for (int32_t x = 0; x < f->width; x++)
            judge_raised_pixel(&l, x, y);
    const size_t bytes = (size_t)f->width * (size_t)f->height * 4;
    uint8_t *first = memory(bytes);
    memcpy(first, f->picture, bytes);
    run_rows(kernels->raise, &l, f->height);
    expect(memcmp(first, f->picture, bytes) == 0, "a picture depends on its bands of rows");
}

static void judge_reduced_history(scene *s, const k_level_kernels *kernels)
{
    const k_frame *f = &s->frame;
    const k_model *m = &s->model;
    if (f->motion_kind == K_MOTION_NONE)
        return;
    k_past p = {.model = m, .side = random_int(0, 1) ? 2 : 4, .width = f->previous_width,
                .height = f->previous_height, .picture = f->previous_picture,
                .base = f->previous_base, .coverage = f->previous_coverage,
                .depth = f->previous_depth};
    const int32_t width = (p.width + p.side - 1) / p.side, height = (p.height + p.side - 1) / p.side;
    const size_t pixels = (size_t)width * (size_t)height;
    p.next_picture = memory(pixels * 4), p.next_base = memory(pixels * 4);
    p.next_coverage = memory(pixels), p.next_depth = floats(pixels);
    kernels->reduce_history(&p, 0, (size_t)height / 2);
    kernels->reduce_history(&p, (size_t)height / 2, (size_t)height);
    for (int32_t y = 0; y < height; y++)
        for (int32_t x = 0; x < width; x++) {
            const size_t at = (size_t)y * (size_t)width + (size_t)x;
            const size_t middle = (size_t)smaller(y * p.side + p.side / 2, p.height - 1) * (size_t)p.width +
                                  (size_t)smaller(x * p.side + p.side / 2, p.width - 1);
            double picture[3] = {0, 0, 0}, base[3] = {0, 0, 0};
            int count = 0, covered = 0;
            for (int32_t i = 0; i < p.side * p.side; i++) {
                const size_t from =
                    (size_t)smaller(y * p.side + i / p.side, p.height - 1) * (size_t)p.width +
                    (size_t)smaller(x * p.side + i % p.side, p.width - 1);
                const int counts = is_same(m, p.depth[middle], p.depth[from]);
                count += counts;
                covered = p.coverage[from] > covered ? p.coverage[from] : covered;
                for (int c = 0; c < 3 && counts; c++) {
                    picture[c] += m->lin[p.picture[from * 4 + (size_t)c]];
                    base[c] += m->lin[p.base[from * 4 + (size_t)c]];
                }
            }
            expect(p.next_depth[at] == p.depth[middle] && p.next_coverage[at] == covered,
                   "a history's reduced depth or coverage");
            for (int c = 0; c < 3; c++) {
                expect_mean(p.next_picture[at * 4 + (size_t)c], picture[c], count, "a history's picture");
                expect_mean(p.next_base[at * 4 + (size_t)c], base[c], count, "a history's base color");
            }
            expect(p.next_base[at * 4 + 3] == 255, "the mean of base color does not begin anew");
        }
}

void judge_levels(enum k_path path, const char *name)
{
    const k_level_kernels *kernels = k_level_kernels_of(path);
    judge_begin("levels", name);
    for (int trial = 0; trial < 60; trial++) {
        scene s;
        make_scene(&s);
        judge_begin("levels", NULL);
        judge_level(&s, kernels);
        judge_begin("reduced history", NULL);
        judge_reduced_history(&s, kernels);
        free_memory();
    }
}
