/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The one inner loop under products and attention: a few rows times a panel of columns, all sums in
 * registers while the depth goes by. */

#define PARTS (K_LANES / PATH_VECTOR) /* registers for 16 columns */
#define DEPTH 128                     /* 64 couts by 128 are 32 KB: they stay in the first cache */

/* Rows that fit beside `vectors` vectors of 16 columns; see paths/tensors_*.c. */
INLINE size_t rows_beside(size_t vectors)
{
#if PATH_VECTOR == 16
    return vectors == 4 ? 6 : 8;
#elif PATH_VECTOR == 8 || PATH_REGISTERS == 32
    (void)vectors;
    return 6;
#else
    (void)vectors;
    return 2;
#endif
}

/* sum + w * (the word at `in`, for all lanes); pairs: of both halves of each word. */
INLINE vec add_product(vec sum, vec w, vec in, const int pairs)
{
#if PATH_HAS_BF16
    if (pairs)
        return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)w, (__m512bh)in);
#endif
    (void)pairs;
    return FMA(w, in, sum);
}

/* sums[r, columns] += sum(k) places[r][k] * weights[k, columns]; rows of sums are `step` apart.
 * The depth counts words: floats, or pairs of bf16. */
INLINE void block(float *sums, size_t step, const float *const *places, const float *weights,
                  size_t width, size_t depth, const int vectors, const int rows, const int pairs)
{
    const int parts = vectors * PARTS;
    vec s[8][4 * PARTS];
    const float *in[8];
    UNROLL for (int r = 0; r < rows; r++) {
        in[r] = places[r];
        UNROLL for (int v = 0; v < parts; v++)
            s[r][v] = *(const vec_at *)(sums + (size_t)r * step + v * PATH_VECTOR);
    }
    for (size_t k = 0; k < depth; k++) {
        vec w[4 * PARTS];
        UNROLL for (int v = 0; v < parts; v++)
            w[v] = *(const vec_at *)(weights + v * PATH_VECTOR);
        UNROLL for (int r = 0; r < rows; r++) {
            vec value = (vec)in[r][k];
            UNROLL for (int v = 0; v < parts; v++)
                s[r][v] = add_product(s[r][v], w[v], value, pairs);
        }
        weights += width;
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < parts; v++)
            *(vec_at *)(sums + (size_t)r * step + v * PATH_VECTOR) = s[r][v];
}

typedef void (*block_function)(float *, size_t, const float *const *, const float *, size_t, size_t);

#define BLOCK(kind, pairs, vectors, rows)                                                      \
    static void kind##_##vectors##_##rows(float *sums, size_t step, const float *const *places, \
                                          const float *weights, size_t width, size_t depth)     \
    {                                                                                          \
        block(sums, step, places, weights, width, depth, vectors, rows, pairs);                \
    }
#define BLOCKS(kind, pairs, v)                                                     \
    BLOCK(kind, pairs, v, 1) BLOCK(kind, pairs, v, 2) BLOCK(kind, pairs, v, 3)     \
    BLOCK(kind, pairs, v, 4) BLOCK(kind, pairs, v, 5) BLOCK(kind, pairs, v, 6)
#define BLOCK_NAMES(kind, v) kind##_##v##_1, kind##_##v##_2, kind##_##v##_3, kind##_##v##_4, \
                             kind##_##v##_5, kind##_##v##_6

#if PATH_COLUMNS == 4
#define ALL_BLOCKS(kind, pairs)                                                            \
    BLOCKS(kind, pairs, 1) BLOCK(kind, pairs, 1, 7) BLOCK(kind, pairs, 1, 8)               \
    BLOCKS(kind, pairs, 2) BLOCK(kind, pairs, 2, 7) BLOCK(kind, pairs, 2, 8)               \
    BLOCKS(kind, pairs, 3) BLOCK(kind, pairs, 3, 7) BLOCK(kind, pairs, 3, 8)               \
    BLOCKS(kind, pairs, 4)                                                                 \
    static const block_function kind##_functions[4][8] = {                                 \
        {BLOCK_NAMES(kind, 1), kind##_1_7, kind##_1_8},                                    \
        {BLOCK_NAMES(kind, 2), kind##_2_7, kind##_2_8},                                    \
        {BLOCK_NAMES(kind, 3), kind##_3_7, kind##_3_8},                                    \
        {BLOCK_NAMES(kind, 4), NULL, NULL},                                                \
    };
#else
#define ALL_BLOCKS(kind, pairs) \
    BLOCKS(kind, pairs, 1)      \
    static const block_function kind##_functions[1][8] = {{BLOCK_NAMES(kind, 1), NULL, NULL}};
#endif

INLINE void multiply_blocks(const block_function (*blocks)[8], float *sums, size_t step,
                            const float *const *places, const float *weights, size_t width,
                            size_t depth, size_t rows)
{
    for (size_t first = 0; first < width; first += PATH_COLUMNS * K_LANES) {
        size_t vectors = smaller((width - first) / K_LANES, PATH_COLUMNS);
        const block_function *functions = blocks[vectors - 1];
        size_t beside = rows_beside(vectors);
        for (size_t r = 0; r < rows; r += beside)
            functions[smaller(rows - r, beside) - 1](
                sums + r * step + first, step, places + r, weights + first, width, depth);
    }
}

ALL_BLOCKS(floats, 0)

/* sums[rows, step] += places[rows][depth] * weights[depth, width], width a multiple of 16. */
static void multiply(float *sums, size_t step, const float *const *places, const float *weights,
                     size_t width, size_t depth, size_t rows)
{
    multiply_blocks(floats_functions, sums, step, places, weights, width, depth, rows);
}

#if PATH_HAS_BF16
ALL_BLOCKS(pairs, 1)

/* The same on pairs of bf16: `depth` words of two. */
static void multiply_pairs(float *sums, size_t step, const float *const *places,
                           const float *weights, size_t width, size_t depth, size_t rows)
{
    multiply_blocks(pairs_functions, sums, step, places, weights, width, depth, rows);
}
#endif
