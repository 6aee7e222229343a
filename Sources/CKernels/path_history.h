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

/* Catmull-Rom taps of 16 positions on one axis: floor - 1 ... floor + 2 and their weights. In
 * memory, since they are read lane by lane. */
typedef struct taps {
    int32_t floor[K_LANES];
    float weights[4][K_LANES];
} taps;

/* a = -1/2; positions are kept inside 0 ... size - 1. */
INLINE void find_taps(taps *out, v16 position, int32_t size)
{
    position = clamp16(position, 0.0f, (float)(size - 1));
    const i16 floor = int16_of(position);
    const v16 t = position - float16_of(floor), t2 = t * t, t3 = t2 * t;
    *(i16_at *)out->floor = floor;
    store16(out->weights[0], t3 * -0.5f + t2 - t * 0.5f);
    store16(out->weights[1], t3 * 1.5f - t2 * 2.5f + 1.0f);
    store16(out->weights[2], t3 * -1.5f + t2 * 2.0f + t * 0.5f);
    store16(out->weights[3], t3 * 0.5f - t2 * 0.5f);
}

INLINE int32_t tap_index(int32_t i, int32_t size) { return i < 0 ? 0 : i > size - 1 ? size - 1 : i; }

/* Picture and carried light of lane `l`, kept within the inner 2x2 taps. */
INLINE v8 sample_history(const k_frame *f, const taps *x, const taps *y, int l)
{
    const int32_t width = f->previous_width;
    size_t columns[4];
    UNROLL for (int i = 0; i < 4; i++)
        columns[i] = (size_t)tap_index(x->floor[l] - 1 + i, width) * 8;
    v8 sum = 0.0f, low = 0.0f, high = 0.0f;
    UNROLL for (int j = 0; j < 4; j++) {
        const int32_t row_index = tap_index(y->floor[l] - 1 + j, f->previous_height);
        const float *row = f->history + (size_t)row_index * (size_t)width * 8;
        v8 line = 0.0f;
        UNROLL for (int i = 0; i < 4; i++) {
            v8 tap = *(const v8_at *)(row + columns[i]);
            line = line + tap * x->weights[i][l];
            if ((i == 1 || i == 2) && (j == 1 || j == 2)) {
                low = i + j == 2 ? tap : tap < low ? tap : low;
                high = i + j == 2 ? tap : tap > high ? tap : high;
            }
        }
        sum = sum + line * y->weights[j][l];
    }
    sum = sum < low ? low : sum;
    return sum > high ? high : sum;
}

/* Source, sigma and carried light of every pixel: from the history where it is valid. */
static void warp(const k_frame *f, k_chunk *k)
{
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES) {
        const i16 valid = *(const i16_at *)(k->valid + i) != 0;
        store16(k->sigma + i, pick16(valid, (v16)f->model->own_trust, (v16)1.0f));
        _Alignas(64) float found[8][K_LANES] = {{0.0f}};
        if (f->motion_kind != K_MOTION_NONE) {
            taps x, y;
            find_taps(&x, load16(k->previous[0] + i) - 0.5f, f->previous_width);
            find_taps(&y, load16(k->previous[1] + i) - 0.5f, f->previous_height);
            for (int l = 0; l < K_LANES; l++) {
                if (!k->valid[i + l])
                    continue;
                v8 value = sample_history(f, &x, &y, l);
                UNROLL for (int c = 0; c < 8; c++)
                    found[c][l] = value[c];
            }
        }
        for (int c = 0; c < 3; c++) {
            v16 source = pick16(valid, load16(found[c]), load16(k->base[c] + i));
            store16(k->source[c] + i, source);
            store16(k->light[c] + i, load16(found[4 + c])); /* 0 where there is no history */
        }
    }
}
