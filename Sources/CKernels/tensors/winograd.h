/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * 3x3 convolution by Winograd's F(4x4, 3x3), at the points of winograd_line.h: 36 products instead
 * of 144 for 4x4 outputs. Weights stay as they are packed for the plain sum and are transformed in
 * cache, a block at a time: transformed ones would take eight times the memory of bf16.
 *
 * Always in fp32. Transformed values and weights rounded to bf16 would be multiplied 1.8 times as fast,
 * but a layer's error is 1.1e-2 then (root of mean squares, relative, 320 to 2560 channels), against
 * 1.7e-3 of bf16 weights alone and 2.4e-3 of the plain sum with both sides rounded; that one takes
 * 1.4 to 1.7 times as long as this one where there are 16 tiles or more. */

typedef v16 line_vec;
#include "winograd_line.h"

#define TRANSFORM_DEPTH 64 /* channels whose weights are transformed at a time */
/* From one of the 36 places to the next. The 16 keep them out of the same sets of the cache. */
#define WEIGHT_PLACE (TRANSFORM_DEPTH * K_WINOGRAD_COLUMNS + 16)
#define SUM_PLACE (K_WINOGRAD_TILES * K_WINOGRAD_COLUMNS + 16)

_Static_assert((WEIGHT_PLACE + SUM_PLACE) * K_WINOGRAD_PLACES * sizeof(float) <=
               K_WINOGRAD_MEMORY, "a tile needs more than a worker has");

/* Three weights in a line to the points. */
INLINE void transform_weight_line(v16 a, v16 b, v16 c, v16 *values)
{
    v16 even_a = FMA(c, (v16)(-1.0f / 3), a * (-2.0f / 3)), odd_a = b * -0.47140452f;
    v16 even_b = FMA(c, (v16)(1.0f / 3), a * (1.0f / 6)), odd_b = b * 0.23570226f;
    values[0] = a;
    values[1] = even_a + odd_a;
    values[2] = even_a - odd_a;
    values[3] = even_b + odd_b;
    values[4] = even_b - odd_b;
    values[5] = c;
}

/* Pixel (0, 0) of a tile. */
INLINE void tile_place(const k_product *p, size_t tile, size_t *y, size_t *x)
{
    const size_t across = (p->out_width + 3) / 4;
    *y = tile / across * 4;
    *x = tile % across * 4;
}

/* Values of the tiles tile0 ..< tile1 of a chunk, [36][blocks of TRANSFORM_DEPTH channels][tiles of the
 * chunk][channels of the block]: what one call multiplies lies together. */
static void winograd_values(const k_product *p, size_t chunk, size_t tile0, size_t tile1)
{
    const k_source *source = &p->sources[0];
    const size_t width = p->in_width << p->in_shift, height = p->in_height << p->in_shift;
    const size_t place = p->chunk_tiles * source->channels + 16;
    for (size_t t = tile0; t < tile1; t++) {
        size_t y0, x0;
        const float *pixels[36];
        tile_place(p, chunk * p->chunk_tiles + t, &y0, &x0);
        for (size_t i = 0; i < 36; i++) {
            size_t y = y0 + i / 6 - 1, x = x0 + i % 6 - 1;
            pixels[i] = y < height && x < width
                            ? source->data + ((y >> p->in_shift) * p->in_width +
                                              (x >> p->in_shift)) * source->channels
                            : NULL;
        }
        for (size_t c = 0; c < source->channels; c += K_LANES) {
            v16 lines[36], column[6];
            for (size_t y = 0; y < 6; y++) {
                v16 inputs[6];
                UNROLL for (size_t x = 0; x < 6; x++)
                    inputs[x] = pixels[y * 6 + x] ? load16(pixels[y * 6 + x] + c) : (v16)0.0f;
                transform_line(inputs, 1, lines + y * 6);
            }
            const size_t block = c / TRANSFORM_DEPTH * TRANSFORM_DEPTH;
            float *values = p->values + block * p->chunk_tiles +
                            t * smaller(source->channels - block, TRANSFORM_DEPTH) + c - block;
            for (size_t x = 0; x < 6; x++) {
                transform_line(lines + x, 6, column);
                UNROLL for (size_t y = 0; y < 6; y++)
                    store16(values + (y * 6 + x) * place, column[y]);
            }
        }
    }
}

/* 3x3 weights of 16 couts to the 36 places. */
INLINE void transform_weights(const v16 *taps, float *out)
{
    v16 lines[18], column[6];
    UNROLL for (int x = 0; x < 3; x++) {
        transform_weight_line(taps[x], taps[3 + x], taps[6 + x], column);
        UNROLL for (int y = 0; y < 6; y++)
            lines[y * 3 + x] = column[y];
    }
    UNROLL for (int y = 0; y < 6; y++) {
        transform_weight_line(lines[y * 3], lines[y * 3 + 1], lines[y * 3 + 2], column);
        UNROLL for (int x = 0; x < 6; x++)
            store16(out + (y * 6 + x) * WEIGHT_PLACE, column[x]);
    }
}

/* Weights of the channels channel ..< channel + depth and the couts column ..< column + width. */
static void transform_block(const k_product *p, float *restrict out, size_t channel, size_t depth,
                       size_t column, size_t width)
{
    const size_t channels = p->sources[0].channels, first = column / K_PANEL * K_PANEL;
    const size_t panel = smaller(k_padded_couts(p->couts, p->activation) - first, K_PANEL);
    const size_t start = first * channels * 9 + column - first;
    v16 taps[9], others[9];
    if (p->weights_are_bf16) {
        const uint32_t *words = (const uint32_t *)p->weights + first * channels * 9 / 2 + column -
                                first;
        for (size_t k = 0; k < depth; k += 2)
            for (size_t c = 0; c < width; c += K_LANES) {
                UNROLL for (size_t t = 0; t < 9; t++) {
                    i16 word = *(const i16_at *)(words + (t * channels + channel + k) / 2 * panel +
                                                 c);
                    taps[t] = (v16)(word << 16);
                    others[t] = (v16)(word & (int32_t)0xffff0000);
                }
                transform_weights(taps, out + k * width + c);
                transform_weights(others, out + (k + 1) * width + c);
            }
        return;
    }
    const float *weights = (const float *)p->weights + start;
    for (size_t k = 0; k < depth; k++)
        for (size_t c = 0; c < width; c += K_LANES) {
            UNROLL for (size_t t = 0; t < 9; t++)
                taps[t] = load16(weights + (t * channels + channel + k) * panel + c);
            transform_weights(taps, out + k * width + c);
        }
}

/* Sums of one tile back to pixels, with all that follows a sum. */
static void finish_tile(const k_product *p, const float *sums, size_t tile, size_t column,
                        size_t width)
{
    float pixels[16][K_WINOGRAD_COLUMNS];
    size_t y0, x0;
    tile_place(p, tile, &y0, &x0);
    for (size_t c = 0; c < width; c += K_LANES) {
        v16 lines[24], outputs[4];
        for (size_t x = 0; x < 6; x++) {
            v16 m[6];
            UNROLL for (size_t y = 0; y < 6; y++)
                m[y] = load16(sums + (y * 6 + x) * SUM_PLACE + c);
            inverse_transform_line(m, outputs);
            UNROLL for (size_t y = 0; y < 4; y++)
                lines[y * 6 + x] = outputs[y];
        }
        for (size_t y = 0; y < 4; y++) {
            inverse_transform_line(lines + y * 6, outputs);
            UNROLL for (size_t x = 0; x < 4; x++)
                store16(pixels[y * 4 + x] + c, outputs[x]);
        }
    }
    for (size_t i = 0; i < 16; i++)
        if (y0 + i / 4 < p->out_height && x0 + i % 4 < p->out_width)
            finish_row(p, pixels[i], column, width, (y0 + i / 4) * p->out_width + x0 + i % 4);
}

static void winograd_sums(const k_product *p, size_t chunk, size_t tile0, size_t tile1,
                          size_t block, float *memory)
{
    float *weights = memory, *sums = memory + K_WINOGRAD_PLACES * WEIGHT_PLACE;
    const float *places[K_WINOGRAD_TILES];
    const size_t channels = p->sources[0].channels, tiles = tile1 - tile0;
    const size_t column = block * K_WINOGRAD_COLUMNS;
    const size_t width =
        smaller(k_padded_couts(p->couts, p->activation) - column, K_WINOGRAD_COLUMNS);
    const size_t value_place = p->chunk_tiles * channels + 16;
    for (size_t i = 0; i < K_WINOGRAD_PLACES; i++)
        __builtin_memset(sums + i * SUM_PLACE, 0, tiles * K_WINOGRAD_COLUMNS * sizeof(float));
    for (size_t channel = 0; channel < channels; channel += TRANSFORM_DEPTH) {
        const size_t depth = smaller(channels - channel, TRANSFORM_DEPTH);
        transform_block(p, weights, channel, depth, column, width);
        for (size_t i = 0; i < K_WINOGRAD_PLACES; i++) {
            for (size_t t = 0; t < tiles; t++)
                places[t] = p->values + i * value_place + channel * p->chunk_tiles +
                            (tile0 + t) * depth;
            multiply(sums + i * SUM_PLACE, K_WINOGRAD_COLUMNS, places, weights + i * WEIGHT_PLACE,
                     width, depth, tiles);
        }
    }
    for (size_t t = 0; t < tiles; t++)
        finish_tile(p, sums + t * K_WINOGRAD_COLUMNS, chunk * p->chunk_tiles + tile0 + t, column,
                    width);
}
