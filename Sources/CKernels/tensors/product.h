/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Linear layers and convolutions: a matrix product whose left side is never laid out. For each tap
 * and each DEPTH channels, `places` says where the rows lie. */

/* Pixels outside are read here. */
static const float outside[DEPTH] = {0.0f};

/* Where the rows' pixels under one tap begin, `channel` channels further. */
static void find_places(const float **places, const k_product *p, const k_source *source,
                        size_t tap, size_t channel, size_t row0, size_t rows)
{
    const float *data = source->data + channel;
    if (p->side == 1 && p->stride == 1 && p->in_shift == 0) {
        for (size_t r = 0; r < rows; r++)
            places[r] = data + (row0 + r) * source->channels;
        return;
    }
    const size_t width = p->in_width << p->in_shift, height = p->in_height << p->in_shift;
    size_t y = row0 / p->out_width, x = row0 % p->out_width;
    for (size_t r = 0; r < rows; r++) {
        /* Above or left of the picture these wrap around and are too large. */
        size_t iy = y * p->stride + tap / p->side - p->pad;
        size_t ix = x * p->stride + tap % p->side - p->pad;
        places[r] = iy < height && ix < width
                        ? data + ((iy >> p->in_shift) * p->in_width + (ix >> p->in_shift)) *
                                     source->channels
                        : outside;
        if (++x == p->out_width)
            x = 0, y++;
    }
}

/* bf16 weights, two depths a word, as floats: [depth, width]. */
static void expand(float *restrict out, const uint32_t *restrict words, size_t width, size_t depth)
{
    for (size_t k = 0; k < depth; k += 2)
        for (size_t c = 0; c < width; c += K_LANES) {
            i16 word = *(const i16_at *)words;
            store16(out + c, (v16)(word << 16));
            store16(out + width + c, (v16)(word & (int32_t)0xffff0000));
            words += K_LANES;
            if (c + K_LANES == width)
                out += 2 * width;
        }
}

/* What follows the sums of one panel: column `first` of the packed couts is its first. */
static void finish_row(const k_product *p, const float *sums, size_t first, size_t width, size_t row)
{
    const int gated = p->activation == K_GEGLU;
    const size_t couts = gated ? p->couts / 2 : p->couts;
    const v16 scale = p->scale ? *p->scale : 1.0f;
    for (size_t c = 0; c < width; c += gated ? 2 * K_LANES : K_LANES) {
        size_t at = gated ? (first + c) / 2 : first + c;
        size_t some = smaller(couts - at, K_LANES);
        v16 v = load16(sums + c) + load16(p->bias + first + c);
        if (p->shift)
            v += load_some(p->shift + at, some);
        v *= scale;
        if (gated)
            v *= gelu16(load16(sums + c + K_LANES) + load16(p->bias + first + c + K_LANES));
        if (p->activation == K_SILU)
            v = silu16(v);
        if (p->activation == K_RELU && !p->activates_last)
            v = max16(v, (v16)0.0f);
        if (p->residual)
            v += load_some(p->residual + row * couts + at, some);
        if (p->activation == K_RELU && p->activates_last)
            v = max16(v, (v16)0.0f);
        store_some(p->out + row * couts + at, v, some);
    }
}

static void product_tile(const k_product *p, size_t panel, size_t row0, size_t rows)
{
    _Alignas(64) float sums[K_TILE_ROWS * K_PANEL];
#if PATH_HAS_BF16
    _Alignas(64) float rounded[K_TILE_ROWS * DEPTH / 2];
#else
    _Alignas(64) float expanded[DEPTH * K_PANEL];
#endif
    const float *places[K_TILE_ROWS];
    size_t total = 0;
    for (size_t s = 0; s < p->source_count; s++)
        total += p->sources[s].channels;
    total *= p->side * p->side;
    const size_t first = panel * K_PANEL;
    const size_t width = smaller(k_padded_couts(p->couts, p->activation) - first, K_PANEL);
    size_t done = first * total; /* weights that lie before */

    __builtin_memset(sums, 0, rows * K_PANEL * sizeof(float));
    for (size_t tap = 0; tap < p->side * p->side; tap++)
        for (size_t s = 0; s < p->source_count; s++) {
            const k_source *source = &p->sources[s];
            for (size_t channel = 0; channel < source->channels; channel += DEPTH) {
                size_t depth = smaller(source->channels - channel, DEPTH);
                const float *weights = p->weights;
                find_places(places, p, source, tap, channel, row0, rows);
                if (!p->weights_are_bf16) {
                    multiply(sums, K_PANEL, places, weights + done, width, depth, rows);
                } else {
#if PATH_HAS_BF16
                    round_rows(rounded, places, depth, rows);
                    multiply_pairs(sums, K_PANEL, places, weights + done / 2, width, depth / 2,
                                   rows);
#else
                    expand(expanded, (const uint32_t *)p->weights + done / 2, width, depth);
                    multiply(sums, K_PANEL, places, expanded, width, depth, rows);
#endif
                }
                done += depth * width;
            }
        }
    for (size_t r = 0; r < rows; r++)
        finish_row(p, sums + r * K_PANEL, first, width, row0 + r);
}

static void product(const k_product *p, size_t panel0, size_t panel1, size_t row0, size_t row1)
{
    for (size_t panel = panel0; panel < panel1; panel++)
        for (size_t row = row0; row < row1; row += K_TILE_ROWS)
            product_tile(p, panel, row, smaller(row1 - row, K_TILE_ROWS));
}
