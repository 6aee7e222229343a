/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Convolution as products of a BLAS library: of some pixels, beside each other or laid out so, with
 * the weights of each tap. A product always has the same number of pixels, the last one's filled up
 * with zeros: what a library sums for a pixel may depend on how many there are, and tiles differ. */

#define MOST_PIXELS 64  /* a product's */
#define FEW_PIXELS 32   /* the same of layers whose tiles have few */
#define FEW_OUTPUTS 4096 /* pixels of such a layer */
#define MOST_DEPTH 512  /* floats of a pixel that are laid out together */
#define MOST_COUTS 256

/* A pixel of a tile. */
typedef struct pixel_place {
    size_t y, x;
} pixel_place;

INLINE pixel_place pixel_at(const k_tile *tile, size_t index)
{
    const size_t width = tile->x1 - tile->x0;
    return (pixel_place){tile->y0 + index / width, tile->x0 + index % width};
}

INLINE const float *input_of(const k_conv *c, pixel_place at, size_t tap, size_t depth)
{
    const uint8_t *in =
        c->in + at.y * c->in_step * c->in_row + (at.x - c->in_x0) * c->in_step * c->in_pixel;
    return (const float *)(const void *)(in + c->taps[tap]) + depth;
}

/* laid[pixels, count] = `count` floats of each pixel from `depth` on; what is missing: zeros. */
static void lay_out(float *restrict laid, const k_conv *c, const k_tile *tile, size_t first,
                    size_t pixels, size_t found, size_t tap, size_t depth, size_t count)
{
    for (size_t p = 0; p < found; p++)
        __builtin_memcpy(laid + p * count, input_of(c, pixel_at(tile, first + p), tap, depth),
                         count * sizeof(float));
    __builtin_memset(laid + found * count, 0, (pixels - found) * count * sizeof(float));
}

/* From sums [pixels, couts] of some vectors of couts to what is read of them, row by row. */
static void finish_pixels(const k_conv *c, const k_tile *tile, size_t first, size_t found,
                          size_t vector, size_t vectors, const float *sums)
{
    _Alignas(64) float of_vector[MOST_PIXELS * K_LANES];
    for (size_t p = 0; p < found;) {
        const pixel_place at = pixel_at(tile, first + p);
        const size_t left = tile->x1 - at.x, count = left < found - p ? left : found - p;
        for (size_t v = 0; v < vectors; v++) {
            const v16 bias = load16(c->bias + (vector + v) * K_LANES);
            for (size_t i = 0; i < count; i++)
                store16(of_vector + i * K_LANES,
                        load16(sums + ((p + i) * vectors + v) * K_LANES) + bias);
            finish_floats(c, of_vector, &(sums_place){vector + v, 1, at.y, at.x, count});
        }
        p += count;
    }
}

static void multiply_pixels(const k_conv *c, const k_tile *tile, size_t first, size_t pixels,
                            size_t found, size_t vector, size_t vectors)
{
    _Alignas(64) float laid[MOST_PIXELS * MOST_DEPTH];
    _Alignas(64) float sums[MOST_PIXELS * MOST_COUTS];
    const size_t couts = c->out_vectors * K_LANES, width = vectors * K_LANES;
    const size_t step = c->in_step * c->in_pixel / sizeof(float);
    const float *weights = (const float *)(const void *)c->weights + vector * K_LANES;
    const pixel_place start = pixel_at(tile, first);
    const int is_row = found == pixels && start.x + pixels <= tile->x1;
    float beta = 0.0f;
    for (size_t t = 0; t < c->tap_count; t++)
        for (size_t depth = 0; depth < c->in_words; depth += MOST_DEPTH) {
            const size_t left = c->in_words - depth, count = left < MOST_DEPTH ? left : MOST_DEPTH;
            const float *in = laid;
            size_t row = count;
            /* Neighbours in memory need not be laid out, if none reaches into the next. */
            if (is_row && step >= c->in_words) {
                in = input_of(c, start, t, depth);
                row = step;
            } else {
                lay_out(laid, c, tile, first, pixels, found, t, depth, count);
            }
            c->sgemm(101, 111, 111, (int)pixels, (int)width, (int)count, 1.0f, in, (int)row,
                     weights + (t * c->in_words + depth) * couts, (int)couts, beta, sums,
                     (int)width);
            beta = 1.0f;
        }
    finish_pixels(c, tile, first, found, vector, vectors, sums);
}

static void blas_tile(const k_conv *c, const k_tile *tile)
{
    clear_borders(c, tile);
    const size_t pixels = c->out_width * c->out_height < FEW_OUTPUTS ? FEW_PIXELS : MOST_PIXELS;
    const size_t all = (tile->y1 - tile->y0) * (tile->x1 - tile->x0);
    const size_t groups = k_block_count(c->out_vectors, MOST_COUTS / K_LANES);
    for (size_t first = 0; first < all; first += pixels) {
        const size_t found = all - first < pixels ? all - first : pixels;
        for (size_t g = 0; g < groups; g++) {
            const size_t vector = k_block_start(c->out_vectors, MOST_COUTS / K_LANES, g);
            const size_t end = k_block_start(c->out_vectors, MOST_COUTS / K_LANES, g + 1);
            multiply_pixels(c, tile, first, pixels, found, vector, end - vector);
        }
    }
}

extern const k_convolution k_fp32_openblas;
const k_convolution k_fp32_openblas = {
    .name = "openblas-fp32",
    .max_block = SIZE_MAX / 2, /* weights lie [tap][cin][padded couts] */
    .weight_words = 1,
    .run = blas_tile,
};
