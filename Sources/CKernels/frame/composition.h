/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Network output to picture. */

/* D' = range tanh((D + trusted light * sigmoid(G)) / range)
 * linear = (lin(base) + eps) exp(D') + softplus(3 S - 6) + emissive;  picture = sRGB(linear) */
static void compose(float *restrict linear, float *restrict picture, const k_model *m,
                    const float *restrict head, size_t head_stride,
                    const float *restrict trusted_light, const float *restrict linear_base,
                    const float *restrict emissive, size_t count)
{
    const float range = m->light_range, unit = 1.0f / range;
    const size_t pixels = count * K_LANES;
    _Alignas(64) float gate[K_CHUNK_PIXELS], light[3 * K_CHUNK_PIXELS];
    /* Step by step for all pixels: many short sums at a time keep the processor busier than one
     * pixel's long chain of them, which took 1.4 times as long. */
    for (size_t cell = 0; cell < count; cell++) {
        const float *out = head + cell * head_stride + m->gate_out_at;
        store16(gate + cell * K_LANES, sigmoid16(load16(out)));
    }
    for (size_t c = 0; c < 3; c++)
        for (size_t cell = 0; cell < count; cell++) {
            const float *out = head + cell * head_stride + m->light_out_at + c * K_LANES;
            v16 carried = load16(trusted_light + (cell * 3 + c) * K_LANES);
            v16 said = load16(out) + carried * load16(gate + cell * K_LANES);
            store16(light + c * pixels + cell * K_LANES, tanh16(said * unit) * range);
        }
    for (size_t i = 0; i < 3 * pixels; i += K_LANES)
        store16(light + i, exp16(load16(light + i)));
    for (size_t c = 0; c < 3; c++)
        for (size_t cell = 0; cell < count; cell++) {
            const float *out = head + cell * head_stride + m->added_out_at + c * K_LANES;
            store16(linear + c * pixels + cell * K_LANES, softplus16(load16(out) * 3.0f - 6.0f));
        }
    for (size_t i = 0; i < 3 * pixels; i += K_LANES) {
        v16 base = load16(linear_base + i) + m->eps;
        v16 sum = base * load16(light + i) + load16(linear + i);
        if (emissive)
            sum = sum + load16(emissive + i);
        store16(linear + i, sum);
        store16(picture + i, srgb16(clamp16(sum, 0.0f, 1.0f)));
    }
}

/* Temporal accumulation: a share of the previous picture, the less the farther it is from what the
 * network says. `kept`: a word a pixel, see k_frame. */
static void accumulate(float *restrict picture, const uint32_t *restrict kept, size_t count)
{
    const size_t pixels = count * K_LANES;
    for (size_t i = 0; i < pixels; i += K_LANES) {
        const i16 word = *(const i16_at *)(kept + i);
        v16 apart[3], most = 0.0f;
        UNROLL for (size_t c = 0; c < 3; c++) {
            apart[c] = field16(word, (int)c * 8, 8) * (1.0f / 255.0f) - load16(picture + c * pixels + i);
            most = max16(most, max16(apart[c], -apart[c]));
        }
        const v16 share = field16(word, 24, 8) * (1.0f / 255.0f) *
                          max16(1.0f - most * (1.0f / K_KEPT_REACH), (v16)0.0f);
        UNROLL for (size_t c = 0; c < 3; c++) {
            float *out = picture + c * pixels + i;
            store16(out, load16(out) + apart[c] * share);
        }
    }
}

/* Linear light of the frame's base color, [3, 16 * count]. */
static void linear_base(const k_frame *f, const k_chunk *k, float *out)
{
    _Alignas(64) int32_t words[K_CHUNK_PIXELS];
    const float *lin = f->model->lin;
    const int32_t pixels = k->count * K_LANES;
    load_words(f, k, f->next_base, (ptrdiff_t)f->width * 4, 4, words);
    for (int32_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++)
            out[c * pixels + i] = lin[(words[i] >> (c * 8)) & 255];
}

/* Bytes of one chunk: what the engine drew is laid over, then rounded once. */
static void store_picture(const k_frame *f, const k_chunk *k, const float *picture)
{
    _Alignas(64) int32_t known[K_CHUNK_PIXELS], words[K_CHUNK_PIXELS];
    const int32_t pixels = k->count * K_LANES;
    load_plane(f, k, &f->planes[K_KNOWN], known);
    for (int32_t i = 0; i < pixels; i += K_LANES) {
        i16 over = words16(known, i), word = K_OPAQUE;
        v16 weight = field16(over, 24, 8) * (1.0f / 255.0f);
        for (int c = 0; c < 3; c++) {
            v16 value = load16(picture + c * pixels + i);
            v16 drawn = field16(over, c * 8, 8);
            value = value * 255.0f * (1.0f - weight) + drawn * weight;
            word |= int16_of(clamp16(value + 0.5f, 0.0f, 255.0f)) << (c * 8);
        }
        *(i16_at *)(words + i) = word;
    }
    store_words(f, k, f->next_picture, (ptrdiff_t)f->width * 4, words);
    store_words(f, k, f->picture, f->picture_row_stride, words);
}

static void render_pictures(const k_frame *f, const float *head, size_t cell_y, size_t x0,
                            size_t x1)
{
    _Alignas(64) float base[3 * K_CHUNK_PIXELS], linear[3 * K_CHUNK_PIXELS];
    _Alignas(64) float picture[3 * K_CHUNK_PIXELS], emissive[3 * K_CHUNK_PIXELS];
    const int shines = f->planes[K_EMISSIVE].format != K_ABSENT;
    k_chunk k;
    k.cell_y = (int32_t)cell_y;
    for (k.cell_x = (int32_t)x0; k.cell_x < (int32_t)x1; k.cell_x += k.count) {
        k.count = (int32_t)x1 - k.cell_x;
        if (k.count > K_CHUNK_CELLS)
            k.count = K_CHUNK_CELLS;
        const size_t x = (size_t)k.cell_x, first = cell_y * (size_t)f->cells_x + x;
        /* The next chunk's head: three streams that a processor does not follow by itself. */
        const float *next = head + (x + (size_t)k.count) * f->head_stride;
        const size_t left = (x1 - x - (size_t)k.count) * f->head_stride;
        const size_t most = K_CHUNK_CELLS * f->head_stride;
        for (size_t i = 0; i < (left < most ? left : most); i += CACHE_LINE / sizeof(float))
            __builtin_prefetch(next + i);
        linear_base(f, &k, base);
        if (shines)
            load_emissive(f, &k, emissive);
        compose(linear, picture, f->model, head + x * f->head_stride,
                f->head_stride, f->trusted_light + first * 3 * K_LANES, base,
                shines ? emissive : NULL, (size_t)k.count);
        if (f->kept)
            accumulate(picture, f->kept + first * K_LANES, (size_t)k.count);
        store_picture(f, &k, picture);
    }
}
