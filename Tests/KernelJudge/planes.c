/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Planes as the network sees them, and the mean of base color. */
#include "chunk.h"

/* ---- Planes ---- */

void judge_load(const k_frame *f, const k_chunk *k)
{
    judge_begin("planes", NULL);
    for (int i = 0; i < k->count * K_LANES; i++) {
        const uint32_t base = word_at(f, k, &f->planes[K_BASE_COLOR], i, f->planes[K_BASE_COLOR].format == K_RGB8 ? 3 : 4);
        const uint32_t normal =
            word_at(f, k, &f->planes[K_NORMALS], i, f->planes[K_NORMALS].format == K_RGB8 ? 3 : 4);
        const int bits = f->planes[K_NORMALS].format == K_RGB10A2 ? 10 : 8;
        double n[3];
        for (int c = 0; c < 3; c++) {
            expect(is_near(k->base[c][i], (base >> (8 * c) & 255) / 255.0, 1e-7), "base color %d", i);
            n[c] = (normal >> (bits * c) & ((1u << bits) - 1)) / (bits == 10 ? 511.5 : 127.5) - 1;
        }
        for (int c = 0; c < 3; c++) {
            const float *row = f->rotation + c * 3;
            const double turned = n[0] * row[0] + n[1] * row[1] + n[2] * row[2];
            expect(is_near(k->normal[c][i], f->turns_normals ? turned : n[c], 1e-6), "normal %d", i);
        }
        const uint32_t word = word_at(f, k, &f->planes[K_DEPTH], i, f->planes[K_DEPTH].format == K_R16 ? 2 : 4);
        float raw;
        memcpy(&raw, &word, 4);
        if (f->planes[K_DEPTH].format == K_R16)
            raw = (float)word;
        double metres = (double)raw * f->depth_scale;
        if (f->depth_is_device)
            metres = raw > 0 ? f->depth_product / ((double)raw * f->depth_span + f->depth_near) : 0;
        if (!(metres > 0 && metres < f->depth_far && metres < INFINITY))
            metres = 0;
        expect(is_near(k->depth[i], metres, 1e-6 * metres), "depth %g, not %g",
               (double)k->depth[i], metres);
        expect(is_near(k->roughness[i], word_at(f, k, &f->planes[K_ROUGHNESS], i, 1) / 255.0, 1e-7) &&
                   is_near(k->metallic[i], word_at(f, k, &f->planes[K_METALLIC], i, 1) / 255.0, 1e-7),
               "roughness or metallic %d", i);
        if (f->motion_kind == K_MOTION_PLANE)
            for (int c = 0; c < 2; c++) {
                const double motion = half(word_at(f, k, &f->planes[K_MOTION], i, 4) >> (16 * c) & 0xffff);
                expect(isnan(motion) ? isnan(k->motion[c][i]) : k->motion[c][i] == motion,
                       "motion %g, not %g", (double)k->motion[c][i], motion);
            }
        if (f->planes[K_EMISSIVE].format != K_ABSENT) {
            const double most = fmax(fmax(emissive_at(f, k, i, 0), emissive_at(f, k, i, 1)),
                                     emissive_at(f, k, i, 2));
            expect(k->shines[i] == (most > K_SHINING), "%g shines: %d", most, k->shines[i]);
        }
        const size_t at = pixel_at(f, k, i);
        const uint32_t known = word_at(f, k, &f->planes[K_KNOWN], i, 4);
        if (is_inside(f, k, i)) {
            uint32_t kept;
            memcpy(&kept, f->next_base + at * 4, 4);
            expect(kept == ((base & 0xffffff) | 0xff000000) && f->next_depth[at] == k->depth[i] &&
                       f->next_coverage[at] == known >> 24,
                   "the next history of pixel %d", i);
        }
    }
}

/* ---- The mean of base color ---- */

void judge_average(const k_frame *f, const k_chunk *before, const k_chunk *k)
{
    judge_begin("mean of base color", NULL);
    const int applies = (f->motion_kind == K_MOTION_STILL || f->motion_kind == K_MOTION_PLANE) &&
                        f->previous_width == f->width && f->previous_height == f->height;
    for (int i = 0; i < k->count * K_LANES; i++) {
        const size_t at = pixel_at(f, k, i);
        const uint8_t *old = applies ? f->previous_base + at * 4 : NULL;
        const int stays = applies && k->valid[i] &&
                          k->previous[0][i] == (float)pixel_x(f, k, i) + 0.5f &&
                          k->previous[1][i] == (float)pixel_y(f, k, i) + 0.5f;
        int now[3], mean[4], apart = 0, frames = 1;
        for (int c = 0; c < 3; c++)
            now[c] = (int)lrintf(before->base[c][i] * 255);
        if (stays)
            frames = smaller(257 - old[3], K_MEAN_FRAMES);
        for (int c = 0; c < 3 && stays; c++) {
            const int change = now[c] - old[c], size = change < 0 ? -change : change;
            const int part = (2 * size + frames) / (2 * frames); /* half away from 0 */
            apart = size > apart ? size : apart;
            mean[c] = old[c] + (change < 0 ? -part : part);
        }
        mean[3] = 256 - frames;
        const int is_mean = stays && apart <= K_MEAN_TOLERANCE;
        expect(k->frames[i] == (is_mean ? frames : 1), "frames in the mean of pixel %d: %d", i,
               k->frames[i]);
        for (int c = 0; c < 3; c++)
            expect(k->base[c][i] == (float)(is_mean ? mean[c] : now[c]) * (1.0f / 255.0f),
                   "base color of pixel %d of cells %d, %d in %dx%d", i, k->cell_x, k->cell_y,
                   f->width, f->height);
        if (is_inside(f, k, i))
            for (int c = 0; c < 4; c++)
                expect(f->next_base[at * 4 + (size_t)c] ==
                           (is_mean  ? mean[c] : c < 3 ? now[c] : 255),
                       "the next base color of pixel %d", i);
    }
}
