/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Convolution as a matrix product that is never laid out: for a few neighbouring pixels and one
 * block of couts all sums stay in registers while taps and words of cins go by. Each step loads the
 * block's weights once and spreads one word of each pixel over a vector.
 *
 * Included once for each arithmetic with CONV_ARITHMETIC (the suffix of layers/dots.h), CONV_INTEGER,
 * CONV_NAME, CONV_WEIGHT_WORDS and the register blocks: CONV_MAX_BLOCK vectors of couts, and
 * CONV_PIXELS_n pixels beside n of them. */

#define CONV_JOIN_(a, b) a##_##b
#define CONV_JOIN(a, b) CONV_JOIN_(a, b)
#define CONV(name) CONV_JOIN(name, CONV_ARITHMETIC)

/* sums [vectors][pixels][16] = start + sum(tap, word) in * weight */
INLINE void CONV(conv_group)(const k_conv *c, const uint32_t *weights, size_t vector,
                             const uint8_t *first, finish_memory *next, void *result,
                             const int vectors, const int pixels)
{
    const int parts = vectors * PARTS;
    CONV(sum) sums[14][4 * PARTS];
    UNROLL for (int p = 0; p < pixels; p++)
        UNROLL for (int v = 0; v < parts; v++)
#if CONV_INTEGER
            sums[p][v] = 0;
#else
            sums[p][v] = *(const vec_at *)(c->bias + vector * K_LANES + v * PATH_VECTOR);
#endif
    (void)vector;

    const size_t step = c->in_step * c->in_pixel;
    for (size_t t = 0; t < c->tap_count; t++) {
        const uint8_t *in = first + c->taps[t];
        for (size_t i = 0; i < c->in_words; i++, in += 4) {
            if (next->pixels)
                fetch_pixel(next);
            CONV(weight) w[4 * PARTS];
            UNROLL for (int v = 0; v < parts; v++)
                w[v] = CONV(weights)(weights + v / PARTS * K_LANES * CONV_WEIGHT_WORDS +
                                     v % PARTS * PATH_VECTOR);
            UNROLL for (int p = 0; p < pixels; p++) {
                CONV(value) value = CONV(spread)(in + (size_t)p * step);
                UNROLL for (int v = 0; v < parts; v++)
                    sums[p][v] = CONV(dot)(sums[p][v], w[v], value);
            }
            weights += vectors * K_LANES * CONV_WEIGHT_WORDS;
        }
    }
    UNROLL for (int p = 0; p < pixels; p++)
        UNROLL for (int v = 0; v < parts; v++)
            ((CONV(sum) *)result)[((v / PARTS) * pixels + p) * PARTS + v % PARTS] = sums[p][v];
}

#define GROUP(vectors, pixels)                                                            \
    static void CONV(conv_##vectors##_##pixels)(const k_conv *c, const uint32_t *weights, \
                                                size_t vector, const uint8_t *first,      \
                                                finish_memory *next, void *result)        \
    {                                                                                     \
        CONV(conv_group)(c, weights, vector, first, next, result, vectors, pixels);       \
    }
#define GROUPS_2(v) GROUP(v, 1) GROUP(v, 2)
#define GROUPS_4(v) GROUPS_2(v) GROUP(v, 3) GROUP(v, 4)
#define GROUPS_6(v) GROUPS_4(v) GROUP(v, 5) GROUP(v, 6)
#define GROUPS_8(v) GROUPS_6(v) GROUP(v, 7) GROUP(v, 8)
#define GROUPS_9(v) GROUPS_8(v) GROUP(v, 9)
#define GROUPS_13(v) GROUPS_9(v) GROUP(v, 10) GROUP(v, 11) GROUP(v, 12) GROUP(v, 13)
#define GROUPS_14(v) GROUPS_13(v) GROUP(v, 14)
#define NAMES_2(v) CONV(conv_##v##_1), CONV(conv_##v##_2)
#define NAMES_4(v) NAMES_2(v), CONV(conv_##v##_3), CONV(conv_##v##_4)
#define NAMES_6(v) NAMES_4(v), CONV(conv_##v##_5), CONV(conv_##v##_6)
#define NAMES_8(v) NAMES_6(v), CONV(conv_##v##_7), CONV(conv_##v##_8)
#define NAMES_9(v) NAMES_8(v), CONV(conv_##v##_9)
#define NAMES_13(v) NAMES_9(v), CONV(conv_##v##_10), CONV(conv_##v##_11), CONV(conv_##v##_12), \
                    CONV(conv_##v##_13)
#define NAMES_14(v) NAMES_13(v), CONV(conv_##v##_14)

CONV_JOIN(GROUPS, CONV_PIXELS_1)(1)
#if CONV_MAX_BLOCK >= 2
CONV_JOIN(GROUPS, CONV_PIXELS_2)(2)
#endif
#if CONV_MAX_BLOCK >= 3
CONV_JOIN(GROUPS, CONV_PIXELS_3)(3)
#endif
#if CONV_MAX_BLOCK >= 4
CONV_JOIN(GROUPS, CONV_PIXELS_4)(4)
#endif

static const struct {
    size_t pixels;
    void (*group[14])(const k_conv *, const uint32_t *, size_t, const uint8_t *, finish_memory *,
                      void *);
} CONV(conv_blocks)[CONV_MAX_BLOCK] = {
    {CONV_PIXELS_1, {CONV_JOIN(NAMES, CONV_PIXELS_1)(1)}},
#if CONV_MAX_BLOCK >= 2
    {CONV_PIXELS_2, {CONV_JOIN(NAMES, CONV_PIXELS_2)(2)}},
#endif
#if CONV_MAX_BLOCK >= 3
    {CONV_PIXELS_3, {CONV_JOIN(NAMES, CONV_PIXELS_3)(3)}},
#endif
#if CONV_MAX_BLOCK >= 4
    {CONV_PIXELS_4, {CONV_JOIN(NAMES, CONV_PIXELS_4)(4)}},
#endif
};

static void CONV(conv_tile)(const k_conv *c, const k_tile *tile)
{
    _Alignas(64) uint8_t sums[4 * 14 * K_LANES * 4];
    if (tile->b0 == 0)
        clear_borders(c, tile);
    const size_t weights_per_vector =
        c->tap_count * c->in_words * K_LANES * CONV_WEIGHT_WORDS;
    for (size_t b = tile->b0; b < tile->b1; b++) {
        size_t vector = k_block_start(c->out_vectors, CONV_MAX_BLOCK, b);
        size_t vectors = k_block_start(c->out_vectors, CONV_MAX_BLOCK, b + 1) - vector;
        const uint32_t *weights = c->weights + vector * weights_per_vector;
        const size_t most = CONV(conv_blocks)[vectors - 1].pixels;
        /* A row in groups as equal as they come: no thin one at its end. */
        const size_t width = tile->x1 - tile->x0, count = (width + most - 1) / most;
        for (size_t y = tile->y0; y < tile->y1; y++)
            for (size_t g = 0; g < count; g++) {
                size_t x = tile->x0 + g * width / count;
                size_t pixels = tile->x0 + (g + 1) * width / count - x;
                const uint8_t *first = c->in + y * c->in_step * c->in_row +
                                       (x - c->in_x0) * c->in_step * c->in_pixel;
                const sums_place place = {vector, vectors, y, x, pixels};
                finish_memory next = memory_of_finish(c, &place);
                CONV(conv_blocks)[vectors - 1].group[pixels - 1](c, weights, vector, first, &next,
                                                                 sums);
#if CONV_INTEGER
                finish_integers(c, sums, &place);
#else
                finish_floats(c, sums, &place);
#endif
            }
    }
}

extern const k_convolution CONV_TABLE;
const k_convolution CONV_TABLE = {
    .name = CONV_NAME,
    .max_block = CONV_MAX_BLOCK,
    .weight_words = CONV_WEIGHT_WORDS,
    .run = CONV(conv_tile),
};

#undef CONV_ARITHMETIC
#undef CONV_INTEGER
#undef CONV_NAME
#undef CONV_TABLE
#undef CONV_WEIGHT_WORDS
#undef CONV_MAX_BLOCK
#undef CONV_PIXELS_1
#undef CONV_PIXELS_2
#undef CONV_PIXELS_3
#undef CONV_PIXELS_4
#undef CONV_JOIN_
#undef CONV_JOIN
#undef CONV
#undef GROUP
#undef GROUPS_2
#undef GROUPS_4
#undef GROUPS_6
#undef GROUPS_8
#undef GROUPS_9
#undef GROUPS_13
#undef GROUPS_14
#undef NAMES_2
#undef NAMES_4
#undef NAMES_6
#undef NAMES_8
#undef NAMES_9
#undef NAMES_13
#undef NAMES_14
