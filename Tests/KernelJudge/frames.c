/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What surrounds the network, step by step: each reads what the one before found, so that no decision
 * at a threshold is judged twice. */
#include "chunk.h"

/* ---- Features ---- */

static double probe(const k_model *m, const k_chunk *k, int cell, uint32_t channel)
{
    const uint32_t counts[3] = {m->probe_x, m->probe_y, m->probe_z};
    size_t low[3], high[3];
    double t[3], sum = 0;
    if (!k->cell_has_surface[cell])
        return 0;
    for (int c = 0; c < 3; c++) {
        const double at = ((double)k->cell_position[c][cell] + 1) / 2 * (counts[c] - 1);
        low[c] = (size_t)at;
        high[c] = low[c] + 1 < counts[c] ? low[c] + 1 : low[c];
        t[c] = at - (double)low[c];
    }
    for (int corner = 0; corner < 8; corner++) {
        size_t i[3];
        double weight = 1;
        for (int c = 0; c < 3; c++) {
            i[c] = corner >> c & 1 ? high[c] : low[c];
            weight *= corner >> c & 1 ? t[c] : 1 - t[c];
        }
        sum += weight *
               m->probes[((i[2] * m->probe_y + i[1]) * m->probe_x + i[0]) * m->probe_stride + channel];
    }
    return sum;
}

static double feature(const scene *s, const k_chunk *k, int cell, uint32_t channel)
{
    const k_model *m = &s->model;
    const int i = cell * K_LANES + (int)(channel % K_LANES);
    if (channel < m->probe_at) {
        const uint32_t plane = channel / K_LANES;
        const double depth = k->depth[i];
        if (plane < 3)
            return k->base[plane][i] * 2.0 - 1;
        if (plane < 6)
            return k->normal[plane - 3][i];
        if (plane == 6)
            return depth > 0 ? log1p(depth) / 3 - 1 : 1;
        if (plane == 7)
            return k->roughness[i] * 2.0 - 1;
        if (plane == 8)
            return k->metallic[i] * 2.0 - 1;
        if (plane < 12)
            return k->source[plane - 9][i] * 2.0 - 1;
        return plane == 12 ? k->sigma[i] * 2.0 - 1 : k->light[plane - 13][i];
    }
    channel -= m->probe_at;
    if (!s->frame.has_camera)
        return 0;
    if (channel < m->probe_channels)
        return probe(m, k, cell, channel);
    channel -= m->probe_channels;
    if (channel < 3)
        return k->view[channel][cell];
    return channel - 3 < m->place_channels ? k->place_reads[cell][channel - 3] : 0;
}

static void judge_features(const scene *s, const k_kernels *kernels, const k_chunk *k)
{
    judge_begin("features", NULL);
    const size_t channels = s->channels;
    float *found = floats(channels * K_CHUNK_CELLS), *levels = floats(channels);
    uint16_t *rounded = memory(channels * K_CHUNK_CELLS * 2);
    int16_t *integers = memory(channels * K_CHUNK_CELLS * 2);
    random_floats(levels, channels, 50, 50000);
    const k_output outputs[3] = {
        {(uint8_t *)found, 0, channels * 4, 0, NULL, K_PLAIN_FP32},
        {(uint8_t *)rounded, 0, channels * 2, 0, NULL, K_PLAIN_BF16},
        {(uint8_t *)integers, 0, channels * 2, 0, levels, K_PLAIN_S16},
    };
    for (int i = 0; i < 3; i++)
        kernels->pack(&outputs[i], &s->model, k, s->frame.has_camera);
    for (int cell = 0; cell < k->count; cell++)
        for (uint32_t c = 0; c < channels; c++) {
            const float value = found[(size_t)cell * channels + c];
            const double expected = feature(s, k, cell, c);
            expect(is_near(value, expected, 3e-6), "channel %u: %g, not %g", c, (double)value,
                   expected);
            const float level = fminf(fmaxf(rintf(value * levels[c]), -32768), 32767);
            expect(rounded[(size_t)cell * channels + c] == bf16_of_float(value) &&
                       (float)integers[(size_t)cell * channels + c] == level,
                   "channel %u in 16 bits", c);
        }
}

/* ---- Whole rows ---- */

/* Parts of random lengths of a row of cells. */
static void run_cells(const scene *s, const k_frame *f, const k_kernels *kernels, uint8_t *features,
                      int cell_y)
{
    const size_t pixel = s->channels * 4;
    for (int x = 0; x < f->cells_x;) {
        const int end = smaller(x + random_int(1, 12), f->cells_x);
        const k_output to = {features + (size_t)(cell_y * f->cells_x + x) * pixel, 0, pixel, 0,
                             NULL, K_PLAIN_FP32};
        kernels->cells(f, &to, (size_t)cell_y, (size_t)x, (size_t)end);
        x = end;
    }
}

/* The same bytes whatever the order and the parts of the rows. */
static void judge_order(const scene *s, const k_kernels *kernels)
{
    judge_begin("order of cells", NULL);
    const k_frame *f = &s->frame;
    const size_t cells = (size_t)f->cells_x * (size_t)f->cells_y, pixels = (size_t)f->width * (size_t)f->height;
    k_frame other = *f;
    make_results(&other);
    uint8_t *first = memory(cells * s->channels * 4), *second = memory(cells * s->channels * 4);
    for (int y = 0; y < f->cells_y; y++)
        run_cells(s, f, kernels, first, y);
    for (int y = f->cells_y - 1; y >= 0; y--)
        run_cells(s, &other, kernels, second, y);
    expect(memcmp(first, second, cells * s->channels * 4) == 0,
           "features of %dx%d depend on the order", f->width, f->height);
    expect(memcmp(f->trusted_light, other.trusted_light, cells * 3 * K_LANES * 4) == 0 &&
               memcmp(f->kept, other.kept, cells * K_LANES * 4) == 0 &&
               memcmp(f->next_base, other.next_base, pixels * 4) == 0 &&
               memcmp(f->next_depth, other.next_depth, pixels * 4) == 0 &&
               memcmp(f->next_coverage, other.next_coverage, pixels) == 0,
           "histories of %dx%d depend on the order", f->width, f->height);
}

/* ---- Composition ---- */

static void judge_compose(const scene *s, const k_kernels *kernels)
{
    judge_begin("composition", NULL);
    const k_model *m = &s->model;
    const size_t count = (size_t)random_int(1, K_CHUNK_CELLS), pixels = count * K_LANES;
    float head[K_CHUNK_CELLS * 112], trusted[K_CHUNK_PIXELS * 3], base[K_CHUNK_PIXELS * 3];
    float emissive[K_CHUNK_PIXELS * 3], linear[K_CHUNK_PIXELS * 3], picture[K_CHUNK_PIXELS * 3];
    random_floats(head, count * 112, -4, 4);
    random_floats(trusted, pixels * 3, -6, 6);
    random_floats(base, pixels * 3, 0, 1);
    random_floats(emissive, pixels * 3, 0, 2);
    const int shines = random_int(0, 1);
    kernels->compose(linear, picture, m, head, 112, trusted, base, shines ? emissive : NULL, count);
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < pixels; i++) {
            const size_t cell = i / K_LANES, l = i % K_LANES, at = c * pixels + i;
            const float *out = head + cell * 112;
            const double gate = 1 / (1 + exp(-(double)out[96 + l]));
            const double light = out[c * K_LANES + l] + trusted[(cell * 3 + c) * K_LANES + l] * gate;
            const double added = 3.0 * out[48 + c * K_LANES + l] - 6;
            const double expected = ((double)base[at] + m->eps) *
                                        exp(m->light_range * tanh(light / m->light_range)) +
                                    log1p(exp(-fabs(added))) + fmax(added, 0) +
                                    (double)(shines ? emissive[at] : 0);
            const double shown = clamp(expected, 0, 1);
            /* An error of 3e-7 in tanh is one of 2e-6 in the exponent. */
            expect(is_near(linear[at], expected, 6e-6 * expected + 3e-7), "linear %g, not %g",
                   (double)linear[at], expected);
            expect(is_near(picture[at],
                           shown <= 0.0031308 ? 12.92 * shown : 1.055 * pow(shown, 1 / 2.4) - 0.055,
                           8e-6),
                   "sRGB of %g", shown);
        }
}

/* A pixel of the picture with what it keeps of the one before. */
static void accumulate(float pixel[3], uint32_t kept)
{
    float apart[3], most = 0;
    for (int c = 0; c < 3; c++) {
        apart[c] = (float)(kept >> (8 * c) & 255) * (1.0f / 255.0f) - pixel[c];
        most = fmaxf(most, fabsf(apart[c]));
    }
    const float share = (float)(kept >> 24) * (1.0f / 255.0f) *
                        fmaxf(1.0f - most * (1.0f / K_KEPT_REACH), 0);
    for (int c = 0; c < 3; c++)
        pixel[c] += apart[c] * share;
}

/* Bytes of whole rows: what `compose` says, with the kept picture and the known plane over it. */
static void judge_pictures(scene *s, const k_kernels *kernels)
{
    judge_begin("pictures", NULL);
    k_frame *f = &s->frame;
    const size_t cells = (size_t)f->cells_x * (size_t)f->cells_y;
    float *head = floats(cells * 112);
    random_floats(head, cells * 112, -4, 4);
    f->head_stride = 112;
    if (random_int(0, 3) == 0)
        f->kept = NULL;
    for (int y = 0; y < f->cells_y; y++)
        kernels->pictures(f, head + (size_t)(y * f->cells_x) * 112, (size_t)y, 0,
                          (size_t)f->cells_x);
    for (int y = 0; y < (f->height + 3) / 4; y++)
        for (int x = 0; x < (f->width + 3) / 4; x++) {
            const k_chunk k = {.cell_x = x, .cell_y = y, .count = 1};
            const size_t cell = (size_t)(y * f->cells_x + x);
            float base[48], emissive[48], linear[48], picture[48];
            for (int i = 0; i < K_LANES; i++)
                for (int c = 0; c < 3; c++) {
                    base[c * K_LANES + i] =
                        f->model->lin[f->next_base[pixel_at(f, &k, i) * 4 + (size_t)c]];
                    emissive[c * K_LANES + i] = (float)emissive_at(f, &k, i, c);
                }
            kernels->compose(linear, picture, f->model, head + cell * 112, 112,
                             f->trusted_light + cell * 48, base,
                             f->planes[K_EMISSIVE].format != K_ABSENT ? emissive : NULL, 1);
            for (int i = 0; i < K_LANES; i++) {
                const size_t at = pixel_at(f, &k, i) * 4;
                if (!is_inside(f, &k, i))
                    continue;
                const uint32_t known = word_at(f, &k, &f->planes[K_KNOWN], i, 4);
                const float weight = (float)(known >> 24) * (1.0f / 255.0f);
                float pixel[3] = {picture[i], picture[K_LANES + i], picture[2 * K_LANES + i]};
                if (f->kept)
                    accumulate(pixel, f->kept[cell * K_LANES + (size_t)i]);
                for (int c = 0; c < 3; c++) {
                    float value = pixel[c] * 255.0f * (1.0f - weight);
                    value = value + (float)(known >> (8 * c) & 255) * weight;
                    const uint8_t byte = (uint8_t)fminf(fmaxf(value + 0.5f, 0), 255);
                    expect(f->next_picture[at + (size_t)c] == byte &&
                               f->picture[at + (size_t)c] == byte,
                           "a byte of the picture is %d, not %d", f->picture[at + (size_t)c], byte);
                }
                expect(f->picture[at + 3] == 255 && f->next_picture[at + 3] == 255, "alpha");
            }
        }
}

static void judge_chunk(const scene *s, const k_kernels *kernels, k_chunk *k)
{
    const k_frame *f = &s->frame;
    kernels->load(f, k);
    judge_load(f, k);
    kernels->reproject(f, k);
    judge_reproject(f, k);
    const k_chunk before = *k;
    kernels->average(f, k);
    judge_average(f, &before, k);
    kernels->warp(f, k);
    judge_warp(f, k);
    kernels->place(f, k);
    judge_place(f, k);
    if (f->has_camera) {
        kernels->read_places(f->model, k);
        judge_reads(f->model, k);
    }
    judge_features(s, kernels, k);
}

void judge_frames(enum k_path path, const char *name)
{
    const k_kernels *kernels = k_kernels_of(path);
    static _Alignas(64) k_chunk chunk;
    judge_begin("frames", name);
    for (int trial = 0; trial < 60; trial++) {
        scene s;
        make_scene(&s);
        k_frame *f = &s.frame;
        if (f->motion_kind != K_MOTION_NONE) {
            const size_t half_y = (size_t)f->previous_height / 2, width = (size_t)f->previous_width;
            kernels->expand_history(f, 0, half_y, 0, width);
            kernels->expand_history(f, half_y, (size_t)f->previous_height, 0, width / 2);
            kernels->expand_history(f, half_y, (size_t)f->previous_height, width / 2, width);
            judge_history(f);
        }
        for (int y = 0; y < f->cells_y; y++) {
            memset(&chunk, 0xff, sizeof chunk);
            chunk.cell_y = y;
            chunk.count = random_int(1, smaller(K_CHUNK_CELLS, f->cells_x));
            chunk.cell_x = random_int(0, f->cells_x - chunk.count);
            judge_chunk(&s, kernels, &chunk);
        }
        judge_order(&s, kernels);
        judge_compose(&s, kernels);
        judge_pictures(&s, kernels);
        free_memory();
    }
}
