/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The convolution of every arithmetic on one kernel path, in the registers that it has. */

#define PARTS (K_LANES / PATH_VECTOR) /* registers for 16 couts */
#define PATH_JOIN_(a, b) a##_##b
#define PATH_JOIN(a, b) PATH_JOIN_(a, b)

#define CONV_ARITHMETIC fp32
#define CONV_INTEGER 0
#define CONV_NAME PATH_NAME "-fp32"
#define CONV_TABLE PATH_JOIN(k_fp32, PATH_SUFFIX)
#define CONV_WEIGHT_WORDS 1
#if PATH_VECTOR == 16
#define CONV_MAX_BLOCK 4
#define CONV_PIXELS_1 8
#define CONV_PIXELS_2 8
#define CONV_PIXELS_3 8
#define CONV_PIXELS_4 6
#elif PATH_VECTOR == 8 || PATH_REGISTERS == 32
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 6
#else
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 2
#endif
#include "layers/convolution.h"

/* Two registers of weights where a word is taken apart. */
#define CONV_ARITHMETIC bf16
#define CONV_INTEGER 0
#define CONV_NAME PATH_NAME "-bf16"
#define CONV_TABLE PATH_JOIN(k_bf16, PATH_SUFFIX)
#define CONV_WEIGHT_WORDS 1
#if PATH_VECTOR == 16
#define CONV_MAX_BLOCK 2
#define CONV_PIXELS_1 8
#define CONV_PIXELS_2 9
#elif PATH_VECTOR == 8
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 4
#elif PATH_REGISTERS == 32
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 4
#else
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 2
#endif
#include "layers/convolution.h"

#define CONV_ARITHMETIC int16
#define CONV_INTEGER 1
#define CONV_NAME PATH_NAME "-int16"
#define CONV_TABLE PATH_JOIN(k_int16, PATH_SUFFIX)
#define CONV_WEIGHT_WORDS 1
#if PATH_VECTOR == 16
#define CONV_MAX_BLOCK 2
#define CONV_PIXELS_1 13
#define CONV_PIXELS_2 13
#elif PATH_VECTOR == 8
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 6
#elif PATH_REGISTERS == 32
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 4
#else
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 2
#endif
#include "layers/convolution.h"

#define CONV_ARITHMETIC int8
#define CONV_INTEGER 1
#define CONV_NAME PATH_NAME "-int8"
#define CONV_TABLE PATH_JOIN(k_int8, PATH_SUFFIX)
#define CONV_WEIGHT_WORDS 2
#if PATH_VECTOR == 16
#define CONV_MAX_BLOCK 2
#define CONV_PIXELS_1 13
#define CONV_PIXELS_2 9
#elif PATH_VECTOR == 8
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 6
#else
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 2
#endif
#include "layers/convolution.h"

/* One output of a form that is known where this is compiled in. */
INLINE void convert_form(const k_conv *c, const k_tile *tile, const int32_t form)
{
    const k_output *out = &c->outputs[0];
    const size_t whole = c->in_channels / K_LANES;
    for (size_t y = tile->y0; y < tile->y1; y++)
        for (size_t x = tile->x0; x < tile->x1; x++) {
            const float *in = (const float *)(const void *)(c->in + y * c->in_row + x * c->in_pixel);
            uint8_t *to = out->at + y * out->row + x * out->pixel;
            for (size_t v = 0; v < c->out_vectors; v++) {
                v16 value = 0.0f;
                if (v < whole)
                    value = load16(in + v * K_LANES);
                else
                    __builtin_memcpy(&value, in + v * K_LANES,
                                     (c->in_channels - v * K_LANES) * sizeof(float));
                store_form(to + v * K_LANES * bytes_of_form(form), value,
                           out->levels ? load16(out->levels + v * K_LANES) : (v16)1.0f, form);
            }
        }
}

static void convert_tile(const k_conv *c, const k_tile *tile)
{
    switch (c->outputs[0].form) {
    case K_PLAIN_FP32: convert_form(c, tile, K_PLAIN_FP32); break;
    case K_PLAIN_BF16: convert_form(c, tile, K_PLAIN_BF16); break;
    case K_PLAIN_S16: convert_form(c, tile, K_PLAIN_S16); break;
    case K_RELU_FP32: convert_form(c, tile, K_RELU_FP32); break;
    case K_RELU_BF16: convert_form(c, tile, K_RELU_BF16); break;
    default: convert_form(c, tile, K_RELU_U8); break;
    }
}
