/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The previous frame as the warp reads it: one vector of 8 floats a pixel. */

/* history[y, x] = picture r g b (sRGB 0...1), 0, L r g b, 0 with
 * L = clamp(log((lin(picture) + eps) / (lin(base) + eps)), +-limit). */
static void expand_history(const k_frame *f, size_t y0, size_t y1)
{
    const k_model *m = f->model;
    const float limit = m->carried_light_limit;
    const size_t first = y0 * (size_t)f->previous_width, end = y1 * (size_t)f->previous_width;
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

/* Catmull-Rom, a = -1/2: weights of the taps at floor - 1 ... floor + 2. */
INLINE void cubic_weights(float t, float w[4])
{
    float t2 = t * t, t3 = t2 * t;
    w[0] = -0.5f * t3 + t2 - 0.5f * t;
    w[1] = 1.5f * t3 - 2.5f * t2 + 1.0f;
    w[2] = -1.5f * t3 + 2.0f * t2 + 0.5f * t;
    w[3] = 0.5f * t3 - 0.5f * t2;
}

/* The four tap indices around `position`, inside 0 ..< size, and its fraction. */
INLINE float tap_indices(float position, int32_t size, int32_t index[4])
{
    const float last = (float)(size - 1);
    position = position < 0.0f ? 0.0f : position > last ? last : position;
    int32_t floor = (int32_t)position;
    for (int k = 0; k < 4; k++) {
        int32_t i = floor - 1 + k;
        index[k] = i < 0 ? 0 : i > size - 1 ? size - 1 : i;
    }
    return position - (float)floor;
}

/* Picture and carried light at the index position (x, y), kept within the inner 2x2 taps. */
INLINE v8 sample_history(const k_frame *f, float x, float y)
{
    int32_t xs[4], ys[4];
    float wx[4], wy[4];
    cubic_weights(tap_indices(x, f->previous_width, xs), wx);
    cubic_weights(tap_indices(y, f->previous_height, ys), wy);
    v8 sum = 0.0f, low = 0.0f, high = 0.0f;
    UNROLL for (int j = 0; j < 4; j++) {
        const float *row = f->history + (size_t)ys[j] * (size_t)f->previous_width * 8;
        v8 line = 0.0f;
        UNROLL for (int i = 0; i < 4; i++) {
            v8 tap = *(const v8_at *)(row + (size_t)xs[i] * 8);
            line = line + tap * wx[i];
            if ((i == 1 || i == 2) && (j == 1 || j == 2)) {
                low = i + j == 2 ? tap : tap < low ? tap : low;
                high = i + j == 2 ? tap : tap > high ? tap : high;
            }
        }
        sum = sum + line * wy[j];
    }
    sum = sum < low ? low : sum;
    return sum > high ? high : sum;
}

/* Source, sigma and carried light of every pixel: from the history where it is valid. */
static void warp(const k_frame *f, k_chunk *k)
{
    const float own = f->model->own_trust;
    for (int32_t i = 0; i < k->count * K_LANES; i++) {
        if (k->valid[i]) {
            v8 value = sample_history(f, k->previous[0][i] - 0.5f, k->previous[1][i] - 0.5f);
            for (int c = 0; c < 3; c++) {
                k->source[c][i] = value[c];
                k->light[c][i] = value[4 + c];
            }
            k->sigma[i] = own;
        } else {
            for (int c = 0; c < 3; c++) {
                k->source[c][i] = k->base[c][i];
                k->light[c][i] = 0.0f;
            }
            k->sigma[i] = 1.0f;
        }
    }
}
