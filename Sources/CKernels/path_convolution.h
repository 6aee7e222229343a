/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Convolution as a matrix product that is never laid out: for a few neighbouring pixels and one
 * block of couts all sums stay in registers while taps and cins go by. Each step loads the block's
 * weights once and spreads one number of each pixel over a vector. */

#define PARTS (K_LANES / PATH_VECTOR) /* registers for 16 couts */

/* Pixels that fit beside a block's weights; see path_*.c. */
INLINE size_t pixels_beside(size_t vectors)
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

INLINE void store_sums(const k_conv *c, size_t vector, size_t y, size_t x, int parts, int pixels,
                       vec sums[][4 * PARTS])
{
    UNROLL for (int p = 0; p < pixels; p++) {
        size_t at = y * c->out_row + (x + (size_t)p) * c->out_pixel + vector * K_LANES;
        const float *residual = NULL;
        if (c->residual)
            residual = c->residual + (y >> c->residual_shift) * c->residual_row +
                       ((x + (size_t)p) >> c->residual_shift) * c->residual_pixel +
                       vector * K_LANES;
        UNROLL for (int v = 0; v < parts; v++) {
            vec sum = sums[p][v];
            if (residual)
                sum += *(const vec_at *)(residual + v * PATH_VECTOR);
            if (c->out)
                *(vec_at *)(c->out + at + v * PATH_VECTOR) = sum;
            if (c->out_relu)
                *(vec_at *)(c->out_relu + at + v * PATH_VECTOR) =
                    sum > 0.0f ? sum : (vec)0.0f;
        }
    }
}

/* out[y, x ..< x + pixels, couts of the block] = bias + sum(tap, cin) in * weight */
INLINE void conv_group(const k_conv *c, const float *weights, size_t vector, size_t y, size_t x,
                       const int vectors, const int pixels)
{
    const int parts = vectors * PARTS;
    vec sums[8][4 * PARTS];
    UNROLL for (int p = 0; p < pixels; p++)
        UNROLL for (int v = 0; v < parts; v++)
            sums[p][v] = *(const vec_at *)(c->bias + vector * K_LANES + v * PATH_VECTOR);

    const size_t step = c->in_step * c->in_pixel;
    const float *first = c->in + y * c->in_step * c->in_row + x * step;
    for (size_t t = 0; t < c->tap_count; t++) {
        const float *in = first + c->taps[t];
        for (size_t i = 0; i < c->in_channels; i++) {
            vec w[4 * PARTS];
            UNROLL for (int v = 0; v < parts; v++)
                w[v] = *(const vec_at *)(weights + v * PATH_VECTOR);
            UNROLL for (int p = 0; p < pixels; p++) {
                vec value = (vec)in[(size_t)p * step + i];
                UNROLL for (int v = 0; v < parts; v++)
                    sums[p][v] = FMA(w[v], value, sums[p][v]);
            }
            weights += vectors * K_LANES;
        }
    }
    store_sums(c, vector, y, x, parts, pixels, sums);
}

#define GROUP(vectors, pixels)                                                            \
    static void conv_##vectors##_##pixels(const k_conv *c, const float *weights,          \
                                          size_t vector, size_t y, size_t x)              \
    {                                                                                     \
        conv_group(c, weights, vector, y, x, vectors, pixels);                            \
    }
#define GROUPS(vectors)                                                                   \
    GROUP(vectors, 1) GROUP(vectors, 2) GROUP(vectors, 3) GROUP(vectors, 4)               \
    GROUP(vectors, 5) GROUP(vectors, 6)
#define GROUP_NAMES(v) conv_##v##_1, conv_##v##_2, conv_##v##_3, conv_##v##_4, conv_##v##_5, \
                       conv_##v##_6

typedef void (*group_function)(const k_conv *, const float *, size_t, size_t, size_t);

GROUPS(1)
#if PATH_VECTOR == 16
GROUP(1, 7) GROUP(1, 8)
GROUPS(2) GROUP(2, 7) GROUP(2, 8)
GROUPS(3) GROUP(3, 7) GROUP(3, 8)
GROUPS(4)
static const group_function group_functions[4][8] = {
    {GROUP_NAMES(1), conv_1_7, conv_1_8},
    {GROUP_NAMES(2), conv_2_7, conv_2_8},
    {GROUP_NAMES(3), conv_3_7, conv_3_8},
    {GROUP_NAMES(4), NULL, NULL},
};
#else
static const group_function group_functions[1][8] = {{GROUP_NAMES(1), NULL, NULL}};
#endif

static void clear_pixels(const k_conv *c, ptrdiff_t y, ptrdiff_t x, size_t count)
{
    ptrdiff_t at = y * (ptrdiff_t)c->out_row + x * (ptrdiff_t)c->out_pixel;
    size_t bytes = count * c->out_pixel * sizeof(float);
    if (c->out)
        __builtin_memset(c->out + at, 0, bytes);
    if (c->out_relu)
        __builtin_memset(c->out_relu + at, 0, bytes);
}

static void clear_border(const k_conv *c, size_t y0, size_t y1)
{
    const ptrdiff_t width = (ptrdiff_t)c->out_width, height = (ptrdiff_t)c->out_height;
    for (ptrdiff_t y = (ptrdiff_t)y0; y < (ptrdiff_t)y1; y++) {
        clear_pixels(c, y, -1, 1);
        clear_pixels(c, y, width, 1);
    }
    if (y0 == 0)
        clear_pixels(c, -1, -1, c->out_width + 2);
    if (y1 == c->out_height)
        clear_pixels(c, height, -1, c->out_width + 2);
}

static void conv_rows(const k_conv *c, size_t b0, size_t b1, size_t y0, size_t y1)
{
    if (c->out_border && b0 == 0)
        clear_border(c, y0, y1);
    const size_t sums_per_cout = c->tap_count * c->in_channels;
    for (size_t b = b0; b < b1; b++) {
        size_t vector = k_block_start(c->out_vectors, PATH_MAX_BLOCK, b);
        size_t vectors = k_block_start(c->out_vectors, PATH_MAX_BLOCK, b + 1) - vector;
        const float *weights = c->weights + vector * K_LANES * sums_per_cout;
        const group_function *groups = group_functions[vectors - 1];
        /* A row in groups as equal as they come: no thin one at its end. */
        size_t count = (c->out_width + pixels_beside(vectors) - 1) / pixels_beside(vectors);
        for (size_t y = y0; y < y1; y++)
            for (size_t g = 0; g < count; g++) {
                size_t x = g * c->out_width / count, end = (g + 1) * c->out_width / count;
                groups[end - x - 1](c, weights, vector, y, x);
            }
    }
}
