/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * 3x3 convolution by Winograd's F(4x4, 3x3): a tile of 4x4 outputs takes 36 products for each cin
 * instead of 144. A tile's 6x6 inputs are evaluated at six points in each direction; at each of the
 * 36 places, tiles and couts make a plain matrix product over cins; the sums are turned back.
 *
 * The points are 0, +-sqrt(1/2), +-sqrt(2) and infinity. With the usual 0, +-1, +-2 and infinity
 * the largest error is five times as large; with these it is near twice that of the plain sum. */

typedef vec line_vec;
#include "winograd_line.h"

#define PLACES K_WINOGRAD_PLACES
/* Tiles that are worked on together: each weight is fetched once for all of them. */
#define CHUNK_TILES 32
/* Floats after each place's numbers, so that the 36 do not share a few sets of the cache. */
#define PLACE_GAP 16

#if PATH_VECTOR == 16
#define PRODUCT_VECTORS 2 /* vectors of 16 couts by tiles whose sums stay in registers */
#define PRODUCT_TILES 14
#elif PATH_VECTOR == 8
#define PRODUCT_VECTORS 1
#define PRODUCT_TILES 6
#else
#define PRODUCT_VECTORS 1
#define PRODUCT_TILES 2
#endif

/* values[place] = one vector of channels of a tile; `in` is the first of its 6x6 inputs, of which
 * only `rows` by `columns` are inside. */
INLINE void evaluate_tile(const k_conv *c, const uint8_t *in, float *values, size_t place,
                          size_t rows, size_t columns, const int is_whole)
{
    vec lines[6][6];
    UNROLL for (size_t y = 0; y < 6; y++) {
        vec inputs[6];
        UNROLL for (size_t x = 0; x < 6; x++)
            inputs[x] = is_whole || (y < rows && x < columns)
                            ? *(const vec_at *)(in + y * c->in_row + x * c->in_pixel)
                            : (vec)0.0f;
        evaluate(inputs, 1, lines[y]);
    }
    UNROLL for (size_t x = 0; x < 6; x++) {
        vec column[6];
        evaluate(&lines[0][x], 6, column);
        UNROLL for (size_t y = 0; y < 6; y++)
            *(vec_at *)(values + (y * 6 + x) * place) = column[y];
    }
}

/* outputs[4][4][16], of which one vector is written: sums of a tile at each place, turned back. */
INLINE void interpolate_tile(const float *sums, size_t place, vec bias, float *outputs)
{
    vec lines[4][6];
    UNROLL for (size_t x = 0; x < 6; x++) {
        vec column[6], turned[4];
        UNROLL for (size_t y = 0; y < 6; y++)
            column[y] = *(const vec_at *)(sums + (y * 6 + x) * place);
        interpolate(column, turned);
        UNROLL for (size_t y = 0; y < 4; y++)
            lines[y][x] = turned[y];
    }
    UNROLL for (size_t y = 0; y < 4; y++) {
        vec line[4];
        interpolate(lines[y], line);
        UNROLL for (size_t x = 0; x < 4; x++)
            *(vec_at *)(outputs + (y * 4 + x) * K_LANES) = line[x] + bias;
    }
}

/* sums[tiles, vectors * 16] = values[tiles, cin] x weights[vectors][cin, 16]. Weights are fetched
 * `ahead` floats before their use: a frame reads more of them than caches hold. */
INLINE void product(const k_conv *c, const float *values, size_t stride, const float *weights,
                    size_t ahead, float *sums, const int vectors, const int tiles)
{
    const int parts = vectors * PARTS;
    const size_t next_vector = PLACES * c->in_channels * K_LANES;
    vec totals[PRODUCT_TILES][PRODUCT_VECTORS * PARTS];
    UNROLL for (int t = 0; t < tiles; t++)
        UNROLL for (int v = 0; v < parts; v++)
            totals[t][v] = (vec)0.0f;
    for (size_t i = 0; i < c->in_channels; i++) {
        vec w[PRODUCT_VECTORS * PARTS];
        UNROLL for (int v = 0; v < parts; v++) {
            const float *from = weights + (size_t)(v / PARTS) * next_vector + i * K_LANES;
            w[v] = *(const vec_at *)(from + v % PARTS * PATH_VECTOR);
            if (v % PARTS == 0)
                __builtin_prefetch(from + ahead);
        }
        UNROLL for (int t = 0; t < tiles; t++) {
            vec value = (vec)values[(size_t)t * stride + i];
            UNROLL for (int v = 0; v < parts; v++)
                totals[t][v] = FMA(w[v], value, totals[t][v]);
        }
    }
    UNROLL for (int t = 0; t < tiles; t++)
        UNROLL for (int v = 0; v < parts; v++)
            *(vec_at *)(sums + (t * parts + v) * PATH_VECTOR) = totals[t][v];
}

typedef void (*product_function)(const k_conv *, const float *, size_t, const float *, size_t,
                                 float *);

#define PRODUCT(vectors, tiles)                                                           \
    static void product_##vectors##_##tiles(const k_conv *c, const float *values,         \
                                            size_t stride, const float *weights,          \
                                            size_t ahead, float *sums)                    \
    {                                                                                     \
        product(c, values, stride, weights, ahead, sums, vectors, tiles);                 \
    }
#define PRODUCTS_2(v) PRODUCT(v, 1) PRODUCT(v, 2)
#define PRODUCTS_6(v) PRODUCTS_2(v) PRODUCT(v, 3) PRODUCT(v, 4) PRODUCT(v, 5) PRODUCT(v, 6)
#define PRODUCTS_14(v)                                                                    \
    PRODUCTS_6(v) PRODUCT(v, 7) PRODUCT(v, 8) PRODUCT(v, 9) PRODUCT(v, 10) PRODUCT(v, 11) \
    PRODUCT(v, 12) PRODUCT(v, 13) PRODUCT(v, 14)
#define NAMES_2(v) product_##v##_1, product_##v##_2
#define NAMES_6(v) NAMES_2(v), product_##v##_3, product_##v##_4, product_##v##_5, product_##v##_6
#define NAMES_14(v)                                                                       \
    NAMES_6(v), product_##v##_7, product_##v##_8, product_##v##_9, product_##v##_10,      \
    product_##v##_11, product_##v##_12, product_##v##_13, product_##v##_14

#if PATH_VECTOR == 16
PRODUCTS_14(1) PRODUCTS_14(2)
static const product_function product_functions[PRODUCT_VECTORS][PRODUCT_TILES] = {
    {NAMES_14(1)}, {NAMES_14(2)},
};
#elif PATH_VECTOR == 8
PRODUCTS_6(1)
static const product_function product_functions[PRODUCT_VECTORS][PRODUCT_TILES] = {{NAMES_6(1)}};
#else
PRODUCTS_2(1)
static const product_function product_functions[PRODUCT_VECTORS][PRODUCT_TILES] = {{NAMES_2(1)}};
#endif

/* Some tiles of a rectangle, counted along its rows. */
typedef struct tile_chunk {
    size_t first_row, first_column, columns; /* of the rectangle, in tiles */
    size_t start, count;
} tile_chunk;

INLINE size_t tile_y(const tile_chunk *k, size_t tile)
{
    return (k->first_row + (k->start + tile) / k->columns) * 4;
}
INLINE size_t tile_x(const tile_chunk *k, size_t tile)
{
    return (k->first_column + (k->start + tile) % k->columns) * 4;
}

/* values[place][tiles, padded cin] */
static void evaluate_chunk(const k_conv *c, const tile_chunk *k, float *values, size_t place)
{
    const size_t padded = (c->in_channels + K_LANES - 1) / K_LANES * K_LANES;
    for (size_t t = 0; t < k->count; t++) {
        /* Inputs begin one before the tile's outputs and lie inside up to the border. */
        const size_t y = tile_y(k, t), x = tile_x(k, t);
        const size_t rows = c->out_height - y + 2, columns = c->out_width - x + 2;
        const uint8_t *in = c->in + y * c->in_row + x * c->in_pixel - c->in_row - c->in_pixel;
        float *to = values + t * padded;
        if (rows >= 6 && columns >= 6)
            for (size_t i = 0; i < padded; i += PATH_VECTOR)
                evaluate_tile(c, in + i * 4, to + i, place, 6, 6, 1);
        else
            for (size_t i = 0; i < padded; i += PATH_VECTOR)
                evaluate_tile(c, in + i * 4, to + i, place, rows, columns, 0);
    }
}

/* sums[place][tiles, vectors * 16] */
static void multiply_chunk(const k_conv *c, const tile_chunk *k, const float *values, size_t place,
                           size_t vector, size_t vectors, float *sums, size_t sums_place)
{
    const size_t padded = (c->in_channels + K_LANES - 1) / K_LANES * K_LANES;
    const size_t place_weights = c->in_channels * K_LANES;
    const float *weights = (const float *)c->weights + vector * PLACES * place_weights;
    const size_t groups = (k->count + PRODUCT_TILES - 1) / PRODUCT_TILES;
    for (size_t p = 0; p < PLACES; p++)
        for (size_t g = 0; g < groups; g++) {
            size_t t = g * k->count / groups, end = (g + 1) * k->count / groups;
            product_functions[vectors - 1][end - t - 1](
                c, values + p * place + t * padded, padded, weights + p * place_weights,
                g == 0 ? place_weights : 0,
                sums + p * sums_place + t * vectors * K_LANES);
        }
}

static void interpolate_chunk(const k_conv *c, const tile_chunk *k, const float *sums, size_t place,
                              size_t vector, size_t vectors)
{
    _Alignas(64) float outputs[4 * 4 * K_LANES];
    for (size_t t = 0; t < k->count; t++) {
        const size_t y = tile_y(k, t), x = tile_x(k, t);
        const size_t rows = c->out_height - y < 4 ? c->out_height - y : 4;
        const size_t columns = c->out_width - x < 4 ? c->out_width - x : 4;
        for (size_t v = 0; v < vectors; v++) {
            const float *from = sums + (t * vectors + v) * K_LANES;
            const float *bias = c->bias + (vector + v) * K_LANES;
            for (size_t o = 0; o < K_LANES; o += PATH_VECTOR)
                interpolate_tile(from + o, place, *(const vec_at *)(bias + o), outputs + o);
            for (size_t row = 0; row < rows; row++)
                finish_floats(c, outputs + row * 4 * K_LANES,
                              &(sums_place){vector + v, 1, y + row, x, columns});
        }
    }
}

static void winograd(const k_conv *c, float *scratch, size_t v0, size_t v1, size_t y0, size_t y1,
                     size_t x0, size_t x1)
{
    if (v0 == 0)
        clear_borders(c, &(k_tile){0, 0, y0, y1, x0, x1});
    const size_t padded = (c->in_channels + K_LANES - 1) / K_LANES * K_LANES;
    const size_t room = (K_WINOGRAD_FLOATS / PLACES - 2 * PLACE_GAP) /
                        (padded + PRODUCT_VECTORS * K_LANES);
    const size_t most = room < CHUNK_TILES ? room : CHUNK_TILES;
    tile_chunk k = {.first_row = y0 / 4, .first_column = x0 / 4};
    k.columns = (x1 + 3) / 4 - k.first_column;
    const size_t tiles = ((y1 + 3) / 4 - k.first_row) * k.columns;
    const size_t chunks = (tiles + most - 1) / most;
    const size_t blocks = k_block_count(v1 - v0, PRODUCT_VECTORS);
    for (size_t i = 0; i < chunks; i++) {
        k.start = i * tiles / chunks;
        k.count = (i + 1) * tiles / chunks - k.start;
        const size_t place = k.count * padded + PLACE_GAP;
        float *sums = scratch + PLACES * place;
        evaluate_chunk(c, &k, scratch, place);
        for (size_t b = 0; b < blocks; b++) {
            const size_t first = k_block_start(v1 - v0, PRODUCT_VECTORS, b);
            const size_t vectors = k_block_start(v1 - v0, PRODUCT_VECTORS, b + 1) - first;
            const size_t sums_place = k.count * vectors * K_LANES + PLACE_GAP;
            multiply_chunk(c, &k, scratch, place, v0 + first, vectors, sums, sums_place);
            interpolate_chunk(c, &k, sums, sums_place, v0 + first, vectors);
        }
    }
}
