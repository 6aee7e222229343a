/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Kernels of the diffusion networks. As in kernels.h: one text for every kernel path, no state, no
 * allocation, and sums whose order is fixed by shapes alone.
 *
 * Activations are [rows, channels] without padding; a row is a pixel (row-major) or a token.
 */
#ifndef FRAMELOOM_TENSOR_KERNELS_H
#define FRAMELOOM_TENSOR_KERNELS_H

#include "kernels.h"

#define K_PANEL 64         /* couts whose weights lie together */
#define K_TILE_ROWS 192    /* most rows that one call of `product` works on at a time */
#define K_WINOGRAD_TILES 64 /* most tiles of 4x4 that one call works on at a time */
#define K_WINOGRAD_COLUMNS 32 /* couts of one call */
#define K_WINOGRAD_MEMORY (1 << 20) /* bytes of scratch memory that a call gets */
#define K_KEY_BLOCK 256    /* keys between two corrections of a softmax */
#define K_ATTENTION_ROWS 96
#define K_ATTENTION_SUMS (K_ATTENTION_ROWS * 192) /* floats of weighted sums in a tile */
#define K_MAX_HEAD 2048    /* most channels of an attention head */

/* ---- Products: linear layers and convolutions --------------------------------------------- */

enum k_activation { K_IDENTITY = 0, K_SILU, K_RELU, K_GEGLU };

typedef struct k_source {
    const float *data;
    size_t channels;
} k_source;

/* out[r, o] = activation(scale (sum(tap, i) in[place(r, tap), i] weight[tap, i, o] + bias[o] +
 * shift[o]) + residual[r, o]). The channels of all sources follow each other; pixels outside are
 * zeros. With K_GEGLU the couts are pairs (value, gate) and out holds value gelu(gate). */
typedef struct k_product {
    k_source sources[3];
    size_t source_count;
    size_t in_width, in_height;
    size_t in_shift;       /* 1: every pixel of the sources stands for 2x2 */
    size_t side;           /* 1 or 3 */
    size_t stride;         /* 1 or 2 */
    size_t pad;            /* pixels of zeros above and to the left: 0 or 1 */
    size_t out_width, out_height;
    const void *weights;   /* k_pack_weights or k_pack_weights_bf16 */
    int32_t weights_are_bf16;
    size_t couts;          /* without padding */
    const float *bias;     /* padded couts */
    const float *shift;    /* NULL: nothing */
    const float *scale;    /* one number; NULL: 1 */
    const float *residual; /* NULL: nothing */
    int32_t activation;
    int32_t activates_last; /* 0: the activation comes before the residual is added */
    float *out;
    /* Winograd's way, for a 3x3 convolution of one source of whole vectors at stride 1: tiles of
     * 4x4 outputs in chunks. */
    float *values;         /* [36][chunk_tiles][channels], each place 16 floats longer */
    size_t chunk_tiles;
} k_product;

/* Where cout `column` of the packed order comes from; >= couts: nowhere (padding). */
size_t k_packed_cout(size_t column, size_t couts, int activation);
/* Couts with padding: a multiple of 16. */
size_t k_padded_couts(size_t couts, int activation);
/* packed[panel][tap, cin][couts of the panel] = weight[cout][cin][tap] */
void k_pack_weights(float *restrict packed, const float *restrict weight, size_t couts, size_t cin,
                    size_t taps, int activation);
/* The same rounded to bf16; a word holds an even cin in its low and the next one in its high half.
 * cin must be even. */
void k_pack_weights_bf16(uint32_t *restrict packed, const float *restrict weight, size_t couts,
                         size_t cin, size_t taps, int activation);

/* ---- Norms -------------------------------------------------------------------------------- */

/* One channel group of a normalised tensor may lie in both sources. */
typedef struct k_norm {
    k_source sources[2];
    size_t source_count;
    size_t rows;
    size_t groups;
    size_t rows_per_part;  /* rows whose sums are taken together */
    float epsilon;
    const float *gain, *offset; /* [channels] */
    float *partials;       /* [parts, 2, channels]: sums, and squared distances from their mean */
    float *factors;        /* [2, channels]: what each channel is multiplied with, what is added */
    int32_t activation;
    float *out;            /* [rows, channels] */
} k_norm;

/* ---- Attention ---------------------------------------------------------------------------- */

/* out[r, h] = softmax(scale q[r, h] . k[*, h]) v[*, h] for each head h; the scores are never laid
 * out. */
typedef struct k_attention {
    const float *query;   /* [rows, heads * size] */
    const float *key;     /* [keys, heads * size] */
    const float *value;   /* [keys, heads * size] */
    size_t rows, keys, heads, size;
    float scale;
    int32_t uses_bf16;    /* a table that has instructions for it may round what it multiplies */
    float *packed_keys;   /* [heads, blocks of 64 keys, size, 64] */
    float *packed_values; /* [heads, panels of the head, keys, channels of the panel] */
    float *out;           /* [rows, heads * size] */
} k_attention;

/* Rows that one call works on together for heads of this size. */
size_t k_attention_rows_together(size_t size);
size_t k_packed_keys_count(size_t keys, size_t heads, size_t size);
size_t k_packed_values_count(size_t keys, size_t heads, size_t size);

/* ---- Tables ------------------------------------------------------------------------------- */

typedef struct k_tensor_kernels {
    const char *name;  /* of the instructions, e.g. "avx512bf16" */
    int32_t has_bf16;  /* products with bf16 weights round their other side to bf16 too */
    /* Couts of the panels panel0 ..< panel1, rows row0 ..< row1. */
    void (*product)(const k_product *, size_t panel0, size_t panel1, size_t row0, size_t row1);
    /* Tiles tile0 ..< tile1 of a chunk to `values`. */
    void (*winograd_values)(const k_product *, size_t chunk, size_t tile0, size_t tile1);
    /* From there to the result: at most K_WINOGRAD_TILES tiles, one block of couts. */
    void (*winograd_sums)(const k_product *, size_t chunk, size_t tile0, size_t tile1,
                          size_t block, float *memory);
    /* Sums of the rows of one part. */
    void (*norm_part)(const k_norm *, size_t part);
    /* From all partial sums to factors, for the groups group0 ..< group1. */
    void (*norm_factors)(const k_norm *, size_t group0, size_t group1);
    void (*norm_rows)(const k_norm *, size_t row0, size_t row1);
    /* out = (in - mean of the row) / deviation of the row * gain + offset */
    void (*layer_norm)(float *restrict out, const float *restrict in, const float *gain,
                       const float *offset, float epsilon, size_t channels, size_t row0,
                       size_t row1);
    /* Packs keys and values of one head, 64 keys at a time. */
    void (*attention_pack)(const k_attention *, size_t head, size_t block0, size_t block1);
    void (*attention_rows)(const k_attention *, size_t head, size_t row0, size_t row1);
    void (*add)(float *out, const float *a, const float *b, size_t count);
    /* out = factor in + offset */
    void (*affine)(float *out, const float *in, float factor, float offset, size_t count);
    void (*silu)(float *out, const float *in, size_t count);
    /* out = 3 tanh(in / 3) */
    void (*soft_clamp)(float *out, const float *in, size_t count);
} k_tensor_kernels;

/* Tables of a path by `choice`, the fastest first: one with instructions for bf16, which differs
 * from the next one where weights are bf16 alone, then one without. NULL: this processor cannot run
 * the path, or there are no more. */
const k_tensor_kernels *k_tensor_kernels_of(enum k_path path, size_t choice);

/* out[2 half]: cosines, then sines (or sines first) of timestep * 10000^(-i / (half - shift)). */
void k_timestep_embedding(float *restrict out, float timestep, size_t half, float shift,
                          int sines_first);

#endif
