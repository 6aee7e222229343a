/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * 3x3 convolution by Winograd's F(4x4, 3x3): a tile of 4x4 outputs takes 36 products for each cin
 * instead of 144. A tile's 6x6 inputs are transformed to their values at six points in each direction;
 * at each of the 36 places, tiles and couts make a plain matrix product over cins; the sums are
 * transformed back.
 *
 * Products are of fp32, also where inputs are kept in bf16: without an instruction for bf16 those
 * are the faster ones. With it (PATH_HAS_BF16) values are rounded to bf16 and multiplied two by
 * two. With PATH_HAS_SGEMM a BLAS library multiplies: always the same number of tiles, so that its
 * sums do not depend on how many there are. */

#include "layers/winograd_tile.h"

#ifndef PATH_HAS_SGEMM
#define PATH_HAS_SGEMM 0
#endif

#define PLACES K_WINOGRAD_PLACES
/* Tiles that are worked on together: each weight is fetched once for all of them. */
#define CHUNK_TILES 32
/* Bytes of an output that no cache near the core holds until it is written. */
#define FETCHED_OUTPUT (4u << 20)
/* Words after each place's numbers, so that the 36 do not share a few sets of the cache. */
#define PLACE_GAP 16

#if PATH_HAS_SGEMM
#define PRODUCT_VECTORS 4
/* What is multiplied at a place: [tiles][tile words], of which `words` count. */
typedef struct factors {
    const uint32_t *values;
    size_t tile, words;
} factors;
#else
#if PATH_HAS_BF16
#define DOTS(name) name##_bf16
#else
#define DOTS(name) name##_fp32
#endif

#if PATH_VECTOR == 16
#define PRODUCT_VECTORS 2 /* vectors of 16 couts by tiles whose sums stay in registers */
#define PRODUCT_TILES 14
#elif PATH_VECTOR == 8 || PATH_REGISTERS == 32
#define PRODUCT_VECTORS 1
#define PRODUCT_TILES 6
#else
#define PRODUCT_VECTORS 1
#define PRODUCT_TILES 2
#endif

/* What is multiplied at a place: [tiles][tile words], of which `words` count. A word is one float,
 * or two bf16. */
typedef struct factors {
    const uint32_t *values, *weights; /* weights [vectors][PLACES][words][16] */
    size_t tile, words;
    size_t ahead; /* words between a weight's fetching and its use: caches do not hold them all */
} factors;

/* sums[tiles, vectors * 16] = values x weights */
INLINE void product(const factors *f, float *sums, const int vectors, const int tiles)
{
    const int parts = vectors * PARTS;
    const size_t next_vector = PLACES * f->words * K_LANES;
    const uint32_t *values = f->values;
    const size_t tile = f->tile;
    vec totals[PRODUCT_TILES][PRODUCT_VECTORS * PARTS];
    UNROLL for (int t = 0; t < tiles; t++)
        UNROLL for (int v = 0; v < parts; v++)
            totals[t][v] = (vec)0.0f;
    for (size_t i = 0; i < f->words; i++) {
        DOTS(weight) w[PRODUCT_VECTORS * PARTS];
        UNROLL for (int v = 0; v < parts; v++) {
            const uint32_t *from = f->weights + (size_t)(v / PARTS) * next_vector + i * K_LANES;
            w[v] = DOTS(weights)(from + v % PARTS * PATH_VECTOR);
            if (v % PARTS == 0)
                __builtin_prefetch(from + f->ahead);
        }
        UNROLL for (int t = 0; t < tiles; t++) {
            DOTS(value) value = DOTS(spread)((const uint8_t *)(values + (size_t)t * tile + i));
            UNROLL for (int v = 0; v < parts; v++)
                totals[t][v] = DOTS(dot)(totals[t][v], w[v], value);
        }
    }
    UNROLL for (int t = 0; t < tiles; t++)
        UNROLL for (int v = 0; v < parts; v++)
            *(vec_at *)(sums + (t * parts + v) * PATH_VECTOR) = totals[t][v];
}

typedef void (*product_function)(const factors *, float *);

#define PRODUCT(vectors, tiles)                                              \
    static void product_##vectors##_##tiles(const factors *f, float *sums)   \
    {                                                                        \
        product(f, sums, vectors, tiles);                                    \
    }
#define PRODUCTS_2(v) PRODUCT(v, 1) PRODUCT(v, 2)
#define PRODUCTS_6(v) PRODUCTS_2(v) PRODUCT(v, 3) PRODUCT(v, 4) PRODUCT(v, 5) PRODUCT(v, 6)
#define PRODUCTS_14(v)                                                                    \
    PRODUCTS_6(v) PRODUCT(v, 7) PRODUCT(v, 8) PRODUCT(v, 9) PRODUCT(v, 10) PRODUCT(v, 11) \
    PRODUCT(v, 12) PRODUCT(v, 13) PRODUCT(v, 14)
#define PRODUCT_NAMES_2(v) product_##v##_1, product_##v##_2
#define PRODUCT_NAMES_6(v) \
    PRODUCT_NAMES_2(v), product_##v##_3, product_##v##_4, product_##v##_5, product_##v##_6
#define PRODUCT_NAMES_14(v)                                                               \
    PRODUCT_NAMES_6(v), product_##v##_7, product_##v##_8, product_##v##_9,                \
    product_##v##_10, product_##v##_11, product_##v##_12, product_##v##_13, product_##v##_14

#if PATH_VECTOR == 16
PRODUCTS_14(1) PRODUCTS_14(2)
static const product_function product_functions[PRODUCT_VECTORS][PRODUCT_TILES] = {
    {PRODUCT_NAMES_14(1)}, {PRODUCT_NAMES_14(2)},
};
#elif PRODUCT_TILES == 6
PRODUCTS_6(1)
static const product_function product_functions[PRODUCT_VECTORS][PRODUCT_TILES] = {
    {PRODUCT_NAMES_6(1)},
};
#else
PRODUCTS_2(1)
static const product_function product_functions[PRODUCT_VECTORS][PRODUCT_TILES] = {
    {PRODUCT_NAMES_2(1)},
};
#endif
#endif /* PATH_HAS_SGEMM */

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

/* All channels of one tile: to[place][words]. */
INLINE void transform_channels(const tile_inputs *in, uint32_t *to, size_t place, size_t tile,
                              const int is_whole, const int reads_bf16)
{
    tile_inputs part = *in;
#if PATH_HAS_BF16
    (void)reads_bf16;
    for (size_t i = 0; i < tile; i += K_LANES, part.at += 4 * K_LANES)
        if (i * 4 + 4 * K_LANES <= in->pixel)
            transform_pairs(&part, to + i, place, is_whole, 0);
        else
            transform_pairs(&part, to + i, place, is_whole, 1);
#else
    for (size_t i = 0; i < tile; i += PATH_VECTOR, part.at += PATH_VECTOR * (reads_bf16 ? 2 : 4))
        transform_tile(&part, (float *)to + i, place, is_whole, reads_bf16);
#endif
}

/* values[place][tiles][tile words] */
static void transform_chunk(const k_conv *c, const tile_chunk *k, uint32_t *values, size_t place,
                           size_t tile, int reads_bf16)
{
    for (size_t t = 0; t < k->count; t++) {
        /* Inputs begin one before the tile's outputs and lie inside up to the border. */
        const size_t y = tile_y(k, t), x = tile_x(k, t);
        const tile_inputs in = {
            c->in + y * c->in_row + x * c->in_pixel - c->in_row - c->in_pixel, c->in_row,
            c->in_pixel, c->out_height - y + 2, c->out_width - x + 2,
            c->in_relu ? 0 : NO_FLOOR,
        };
        uint32_t *to = values + t * tile;
        const int is_whole = in.rows >= 6 && in.columns >= 6;
        if (is_whole && reads_bf16)
            transform_channels(&in, to, place, tile, 1, 1);
        else if (is_whole)
            transform_channels(&in, to, place, tile, 1, 0);
        else if (reads_bf16)
            transform_channels(&in, to, place, tile, 0, 1);
        else
            transform_channels(&in, to, place, tile, 0, 0);
    }
}

#if PATH_HAS_SGEMM
/* sums[place][rows, vectors * 16]; rows beyond the tiles are zeros. */
static void multiply_rows(const k_conv *c, const factors *f, size_t place, size_t count, size_t rows,
                          size_t vector, size_t vectors, float *sums, size_t sums_place)
{
    const size_t couts = c->out_vectors * K_LANES;
    for (size_t p = 0; p < PLACES; p++) {
        float *values = (float *)(uintptr_t)f->values + p * place;
        __builtin_memset(values + count * f->tile, 0, (rows - count) * f->tile * sizeof(float));
        c->sgemm(101, 111, 111, (int)rows, (int)(vectors * K_LANES), (int)f->words, 1.0f, values,
                 (int)f->tile,
                 (const float *)(const void *)c->weights + p * f->words * couts + vector * K_LANES,
                 (int)couts, 0.0f, sums + p * sums_place, (int)(vectors * K_LANES));
    }
}
#else
/* sums[place][tiles, vectors * 16]; `first` has the factors of the first place. */
static void multiply_chunk(const factors *first, size_t place, size_t count, size_t vectors,
                           float *sums, size_t sums_place)
{
    const size_t place_weights = first->words * K_LANES;
    const size_t groups = (count + PRODUCT_TILES - 1) / PRODUCT_TILES;
    for (size_t p = 0; p < PLACES; p++)
        for (size_t g = 0; g < groups; g++) {
            const size_t t = g * count / groups, end = (g + 1) * count / groups;
            factors f = *first;
            f.values += p * place + t * f.tile;
            f.weights += p * place_weights;
            f.ahead = g == 0 ? place_weights : 0;
            product_functions[vectors - 1][end - t - 1](
                &f, sums + p * sums_place + t * vectors * K_LANES);
        }
}
#endif

/* What the finish of a tile reads and writes: of a picture of 512x512, waiting for the head's output took
 * a third of the inverse transforms' time. */
INLINE void fetch_finish(const k_conv *c, const sums_place *place)
{
    for (size_t row = 0; row < 4 && place->y + row < c->out_height; row++) {
        sums_place at = *place;
        at.y += row;
        finish_memory memory = memory_of_finish(c, &at);
        while (memory.pixels)
            fetch_pixel(&memory);
    }
}

static void inverse_transform_chunk(const k_conv *c, const tile_chunk *k, const float *sums, size_t place,
                              size_t vector, size_t vectors)
{
    _Alignas(64) float outputs[4 * 4 * K_LANES];
    const int fetches =
        c->output_count > 0 && c->out_height * c->outputs[0].row >= FETCHED_OUTPUT;
    for (size_t t = 0; t < k->count; t++) {
        const size_t y = tile_y(k, t), x = tile_x(k, t);
        if (fetches && t + 1 < k->count) {
            const size_t next_x = tile_x(k, t + 1), left = c->out_width - next_x;
            fetch_finish(c, &(sums_place){vector, vectors, tile_y(k, t + 1), next_x,
                                          left < 4 ? left : 4});
        }
        const size_t rows = c->out_height - y < 4 ? c->out_height - y : 4;
        const size_t columns = c->out_width - x < 4 ? c->out_width - x : 4;
        for (size_t v = 0; v < vectors; v++) {
            const float *from = sums + (t * vectors + v) * K_LANES;
            const float *bias = c->bias + (vector + v) * K_LANES;
            for (size_t o = 0; o < K_LANES; o += PATH_VECTOR)
                inverse_transform_tile(from + o, place, *(const vec_at *)(bias + o), outputs + o);
            finish_rows(c, outputs, &(sums_place){vector + v, 1, y, x, columns}, rows, 4);
        }
    }
}

static void winograd(const k_conv *c, float *scratch, const k_tile *area, int reads_bf16)
{
    if (area->b0 == 0)
        clear_borders(c, area);
    factors f = {.values = (const uint32_t *)scratch};
#if PATH_HAS_BF16
    /* Pairs of channels that are padded to 16. */
    f.tile = f.words = (c->in_channels + K_LANES - 1) / K_LANES * K_LANES / 2;
#else
    f.tile = (c->in_channels + K_LANES - 1) / K_LANES * K_LANES;
    f.words = c->in_channels;
#endif
    const size_t room =
        (K_WINOGRAD_FLOATS / PLACES - 2 * PLACE_GAP - K_LANES) /
        (f.tile + PRODUCT_VECTORS * K_LANES);
#if PATH_HAS_SGEMM
    /* Whole vectors of tiles, whatever the library's are. */
    const size_t whole = room < 16 ? (room < 4 ? 1 : 4) : 16;
    const size_t most = room < CHUNK_TILES ? room / whole * whole : CHUNK_TILES;
#else
    const size_t most = room < CHUNK_TILES ? room : CHUNK_TILES;
#endif
    tile_chunk k = {.first_row = area->y0 / 4, .first_column = area->x0 / 4};
    k.columns = (area->x1 + 3) / 4 - k.first_column;
    const size_t tiles = ((area->y1 + 3) / 4 - k.first_row) * k.columns;
    const size_t chunks = (tiles + most - 1) / most;
    const size_t all_vectors = area->b1 - area->b0;
    const size_t blocks = k_block_count(all_vectors, PRODUCT_VECTORS);
    for (size_t i = 0; i < chunks; i++) {
        k.start = i * tiles / chunks;
        k.count = (i + 1) * tiles / chunks - k.start;
        const size_t rows = PATH_HAS_SGEMM ? most : k.count;
        const size_t place = (rows * f.tile + K_LANES - 1) / K_LANES * K_LANES + PLACE_GAP;
        float *sums = scratch + PLACES * place;
        transform_chunk(c, &k, (uint32_t *)scratch, place, f.tile, reads_bf16);
        for (size_t b = 0; b < blocks; b++) {
            const size_t first = area->b0 + k_block_start(all_vectors, PRODUCT_VECTORS, b);
            const size_t vectors =
                area->b0 + k_block_start(all_vectors, PRODUCT_VECTORS, b + 1) - first;
            const size_t sums_place = rows * vectors * K_LANES + PLACE_GAP;
#if PATH_HAS_SGEMM
            multiply_rows(c, &f, place, k.count, rows, first, vectors, sums, sums_place);
#else
            f.weights = c->weights + first * PLACES * f.words * K_LANES;
            multiply_chunk(&f, place, k.count, vectors, sums, sums_place);
#endif
            inverse_transform_chunk(c, &k, sums, sums_place, first, vectors);
        }
    }
}

#if PATH_HAS_BF16
static void winograd_pairs(const k_conv *c, float *scratch, const k_tile *area)
{
    winograd(c, scratch, area, 1);
}

extern const k_winograd k_winograd_bf16_avx512bf16;
const k_winograd k_winograd_bf16_avx512bf16 = {.numbers = 2, .run = winograd_pairs};
#else
static void winograd_fp32(const k_conv *c, float *scratch, const k_tile *area)
{
    winograd(c, scratch, area, 0);
}
#if PATH_HAS_SGEMM
extern const k_winograd PATH_JOIN(k_winograd_fp32, PATH_SUFFIX);
const k_winograd PATH_JOIN(k_winograd_fp32, PATH_SUFFIX) = {
    .numbers = 1, .has_rows = 1, .run = winograd_fp32,
};
#else
static void winograd_bf16(const k_conv *c, float *scratch, const k_tile *area)
{
    winograd(c, scratch, area, 1);
}

extern const k_winograd PATH_JOIN(k_winograd_fp32, PATH_SUFFIX);
extern const k_winograd PATH_JOIN(k_winograd_bf16, PATH_SUFFIX);
const k_winograd PATH_JOIN(k_winograd_fp32, PATH_SUFFIX) = {.numbers = 1, .run = winograd_fp32};
const k_winograd PATH_JOIN(k_winograd_bf16, PATH_SUFFIX) = {.numbers = 1, .run = winograd_bf16};
#endif
#endif
