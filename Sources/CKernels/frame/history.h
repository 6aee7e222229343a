/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The previous frame as the warp reads it: one vector of 8 floats a pixel. */

/* history[y, x] = picture r g b (sRGB 0...1), 0, L r g b, 0 with
 * L = clamp(log((lin(picture) + eps) / (lin(base) + eps)), +-limit). */
INLINE void expand_pixels(const k_frame *f, size_t first, size_t end)
{
    const k_model *m = f->model;
    const float limit = m->carried_light_limit;
    for (size_t i = first; i < end; i++) {
        const uint8_t *picture = f->previous_picture + i * 4, *base = f->previous_base + i * 4;
        v8 out = 0.0f;
        for (int c = 0; c < 3; c++) {
            float light = m->log_lin[picture[c]] - m->log_lin[base[c]];
            out[c] = (float)picture[c] * (1.0f / 255.0f);
            out[4 + c] = light < -limit ? -limit : light > limit ? limit : light;
        }
        *(v8_at *)(f->history + i * 8) = out;
    }
}

static void expand_history(const k_frame *f, size_t y0, size_t y1, size_t x0, size_t x1)
{
    for (size_t y = y0; y < y1; y++)
        expand_pixels(f, y * (size_t)f->previous_width + x0, y * (size_t)f->previous_width + x1);
}

/* Catmull-Rom taps of 16 positions on one axis: floor - 1 ... floor + 2, kept inside, as floats from
 * the history's start (4096x4096 pixels of 8 fit into 32 bits), and their weights. In memory, since
 * they are read lane by lane. */
typedef struct taps {
    int32_t at[4][K_LANES];
    float weights[4][K_LANES];
} taps;

/* a = -1/2; positions are kept inside 0 ... size - 1, each `step` floats after the one before. */
INLINE void find_taps(taps *out, v16 position, int32_t size, int32_t step)
{
    position = clamp16(position, 0.0f, (float)(size - 1));
    const i16 floor = int16_of(position);
    const v16 t = position - float16_of(floor), t2 = t * t, t3 = t2 * t;
    UNROLL for (int i = 0; i < 4; i++) {
        const i16 tap = floor + (i - 1);
        const i16 above = tap < 0 ? (i16)0 : tap;
        *(i16_at *)out->at[i] = (above > size - 1 ? (i16)(size - 1) : above) * step;
    }
    store16(out->weights[0], t3 * -0.5f + t2 - t * 0.5f);
    store16(out->weights[1], t3 * 1.5f - t2 * 2.5f + 1.0f);
    store16(out->weights[2], t3 * -1.5f + t2 * 2.0f + t * 0.5f);
    store16(out->weights[3], t3 * 0.5f - t2 * 0.5f);
}

/* Picture and carried light of lane `l`, kept within the inner 2x2 taps. */
INLINE v8 sample_history(const k_frame *f, const taps *x, const taps *y, int l)
{
    v8 sum = 0.0f, low = 0.0f, high = 0.0f;
    UNROLL for (int j = 0; j < 4; j++) {
        const float *row = f->history + y->at[j][l];
        v8 line = 0.0f;
        UNROLL for (int i = 0; i < 4; i++) {
            v8 tap = *(const v8_at *)(row + x->at[i][l]);
            line = FMA(tap, (v8)x->weights[i][l], line);
            if ((i == 1 || i == 2) && (j == 1 || j == 2)) {
                low = i + j == 2 ? tap : tap < low ? tap : low;
                high = i + j == 2 ? tap : tap > high ? tap : high;
            }
        }
        sum = FMA(line, (v8)y->weights[j][l], sum);
    }
    sum = sum < low ? low : sum;
    return sum > high ? high : sum;
}

/* 16 pixels of 8 channels, two pixels a vector, to channels 0-2 and 4-6 of 16 pixels. */
INLINE void transpose_pixels(const v16 pixels[8], v16 channels[6])
{
    v16 four[4][2], eight[2][4]; /* four pixels' channels 0-3 and 4-7; eight pixels' 0-1, 2-3, ... */
    UNROLL for (int i = 0; i < 4; i++) {
        const v16 a = pixels[2 * i], b = pixels[2 * i + 1];
        four[i][0] = __builtin_shufflevector(a, b, 0, 8, 16, 24, 1, 9, 17, 25, 2, 10, 18, 26, 3,
                                             11, 19, 27);
        four[i][1] = __builtin_shufflevector(a, b, 4, 12, 20, 28, 5, 13, 21, 29, 6, 14, 22, 30, 7,
                                             15, 23, 31);
    }
    UNROLL for (int i = 0; i < 2; i++)
        UNROLL for (int half = 0; half < 2; half++) {
            const v16 a = four[2 * i][half], b = four[2 * i + 1][half];
            eight[i][2 * half] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6,
                                                         7, 20, 21, 22, 23);
            eight[i][2 * half + 1] = __builtin_shufflevector(a, b, 8, 9, 10, 11, 24, 25, 26, 27,
                                                             12, 13, 14, 15, 28, 29, 30, 31);
        }
    UNROLL for (int half = 0; half < 2; half++) {
        const v16 *a = eight[0] + 2 * half, *b = eight[1] + 2 * half;
        channels[3 * half] = __builtin_shufflevector(a[0], b[0], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17,
                                                     18, 19, 20, 21, 22, 23);
        channels[3 * half + 1] = __builtin_shufflevector(a[0], b[0], 8, 9, 10, 11, 12, 13, 14, 15,
                                                         24, 25, 26, 27, 28, 29, 30, 31);
        channels[3 * half + 2] = __builtin_shufflevector(a[1], b[1], 0, 1, 2, 3, 4, 5, 6, 7, 16,
                                                         17, 18, 19, 20, 21, 22, 23);
    }
}

/* Metres that the eye moved since the previous frame, as far as the cameras say. */
INLINE float eye_moved(const k_frame *f)
{
    const float *to = f->previous_origin;
    return f->has_camera_depth && f->motion_kind != K_MOTION_NONE
               ? __builtin_sqrtf(to[0] * to[0] + to[1] * to[1] + to[2] * to[2])
               : 0.0f;
}

/* Smooth surfaces whose mirror images have moved on them; and where the pixel stayed, since what the
 * network makes of its own picture of them gets worse with each frame. */
INLINE i16 mirrors16(const k_frame *f, const k_chunk *k, int32_t i, float moved)
{
    const v16 depth = load16(k->depth + i);
    const int32_t told = f->model->mirror_parallax < K_NO_MIRRORS ? 1 : K_MEAN_FRAMES;
    const i16 stays = *(const i16_at *)(k->frames + i) > told;
    return (load16(k->roughness + i) < K_MIRROR_ROUGHNESS) &
           (load16(k->metallic + i) < K_MIRROR_METALLIC) & (depth > 0.0f) &
           ((depth * f->model->mirror_parallax < moved) | stays);
}

/* What may be kept of a previous picture of this size: where a pixel stayed it is the mean of the
 * frames since; elsewhere its light on the base color of now, so that textures stay as sharp as they
 * are drawn. */
INLINE void keep16(const k_frame *f, k_chunk *k, int32_t i, i16 valid, const v16 found[6])
{
    const k_model *m = f->model;
    const i16 frames = *(const i16_at *)(k->frames + i), stays = frames > 1;
    const v16 count = float16_of(frames);
    const v16 moving = pick16(load16(k->roughness + i) < K_MIRROR_ROUGHNESS,
                              (v16)(m->accumulation * K_SMOOTH_SHARE), (v16)m->accumulation);
    const v16 share = pick16(stays, (count - 1.0f) / count, moving);
    const int some_moved = __builtin_reduce_or(valid & ~stays) != 0;
    i16 word = int16_of(share * 255.0f + 0.5f) << 24;
    for (int c = 0; c < 3; c++) {
        i16 lit = 0;
        if (some_moved) {
            _Alignas(64) int32_t at[K_LANES], bytes[K_LANES];
            _Alignas(64) float base[K_LANES];
            *(i16_at *)at = int16_of(load16(k->base[c] + i) * 255.0f + 0.5f);
            UNROLL for (int l = 0; l < K_LANES; l++) base[l] = m->log_lin[at[l]];
            const v16 step = (load16(base) + found[3 + c] - m->shown_low) * m->shown_scale;
            *(i16_at *)at = int16_of(clamp16(step, 0.0f, (float)(K_SHOWN_STEPS - 1)));
            UNROLL for (int l = 0; l < K_LANES; l++) bytes[l] = m->shown[at[l]];
            lit = *(const i16_at *)bytes;
        }
        word |= (stays ? int16_of(found[c] * 255.0f + 0.5f) : lit) << (c * 8);
    }
    *(i16_at *)(k->kept + i) = valid ? word : (i16)0;
}

/* Source, sigma and carried light of every pixel: from the history where it is valid, unless
 * they show a mirror image. */
static void warp(const k_frame *f, k_chunk *k)
{
    const float moved = eye_moved(f);
    /* Light of a picture of another size is blurred, or was never seen at this one. */
    const int32_t keeps = f->previous_width == f->width && f->previous_height == f->height ? -1 : 0;
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES) {
        const i16 there = *(const i16_at *)(k->valid + i) != 0;
        const i16 valid = f->shows_mirrors ? there : there & ~mirrors16(f, k, i, moved);
        store16(k->sigma + i, pick16(valid, (v16)f->model->own_trust, (v16)1.0f));
        v16 found[6] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
        if (f->motion_kind != K_MOTION_NONE) {
            v16 pixels[8] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
            taps x, y;
            find_taps(&x, load16(k->previous[0] + i) - 0.5f, f->previous_width, 8);
            find_taps(&y, load16(k->previous[1] + i) - 0.5f, f->previous_height,
                      f->previous_width * 8);
            for (int l = 0; l < K_LANES; l++)
                if (k->valid[i + l])
                    *(v8_at *)((float *)pixels + 8 * l) = sample_history(f, &x, &y, l);
            transpose_pixels(pixels, found);
        }
        for (int c = 0; c < 3; c++) {
            store16(k->source[c] + i, pick16(valid, found[c], load16(k->base[c] + i)));
            store16(k->light[c] + i, pick16(valid, found[3 + c], (v16)0.0f));
        }
        if (f->kept)
            keep16(f, k, i, there & keeps, found);
    }
}
