/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The one inner loop under products and attention: a few rows times a panel of columns, all sums in
 * registers while the depth goes by. */

#define PARTS (K_LANES / PATH_VECTOR) /* registers for 16 columns */
#define DEPTH 128                     /* 64 couts by 128 are 32 KB: they stay in the first cache */

/* Rows that fit beside `vectors` vectors of 16 columns; see tensor_*.c. */
INLINE size_t rows_beside(size_t vectors)
{
#if PATH_VECTOR == 16
    return vectors == 4 ? 6 : 8;
#elif PATH_VECTOR == 8
    (void)vectors;
    return 6;
#else
    (void)vectors;
    return 2;
#endif
}

/* sums[r, columns] += sum(k) places[r][k] * weights[k, columns]; rows of sums are `step` apart. */
INLINE void block(float *sums, size_t step, const float *const *places, const float *weights,
                  size_t width, size_t depth, const int vectors, const int rows)
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
                s[r][v] = FMA(w[v], value, s[r][v]);
        }
        weights += width;
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < parts; v++)
            *(vec_at *)(sums + (size_t)r * step + v * PATH_VECTOR) = s[r][v];
}

#define BLOCK(vectors, rows)                                                              \
    static void block_##vectors##_##rows(float *sums, size_t step, const float *const *places, \
                                         const float *weights, size_t width, size_t depth) \
    {                                                                                     \
        block(sums, step, places, weights, width, depth, vectors, rows);                  \
    }
#define BLOCKS(v) BLOCK(v, 1) BLOCK(v, 2) BLOCK(v, 3) BLOCK(v, 4) BLOCK(v, 5) BLOCK(v, 6)
#define BLOCK_NAMES(v) block_##v##_1, block_##v##_2, block_##v##_3, block_##v##_4, \
                       block_##v##_5, block_##v##_6

typedef void (*block_function)(float *, size_t, const float *const *, const float *, size_t, size_t);

BLOCKS(1)
#if PATH_COLUMNS == 4
BLOCK(1, 7) BLOCK(1, 8)
BLOCKS(2) BLOCK(2, 7) BLOCK(2, 8)
BLOCKS(3) BLOCK(3, 7) BLOCK(3, 8)
BLOCKS(4)
static const block_function block_functions[4][8] = {
    {BLOCK_NAMES(1), block_1_7, block_1_8},
    {BLOCK_NAMES(2), block_2_7, block_2_8},
    {BLOCK_NAMES(3), block_3_7, block_3_8},
    {BLOCK_NAMES(4), NULL, NULL},
};
#else
static const block_function block_functions[1][8] = {{BLOCK_NAMES(1), NULL, NULL}};
#endif

/* sums[rows, step] += places[rows][depth] * weights[depth, width], width a multiple of 16. */
static void multiply(float *sums, size_t step, const float *const *places, const float *weights,
                     size_t width, size_t depth, size_t rows)
{
    for (size_t first = 0; first < width; first += PATH_COLUMNS * K_LANES) {
        size_t vectors = smaller((width - first) / K_LANES, PATH_COLUMNS);
        const block_function *functions = block_functions[vectors - 1];
        size_t beside = rows_beside(vectors);
        for (size_t r = 0; r < rows; r += beside)
            functions[smaller(rows - r, beside) - 1](
                sums + r * step + first, step, places + r, weights + first, width, depth);
    }
}
