/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The transforms of a tile of Winograd's F(4x4, 3x3): its 6x6 inputs to their values at 36 places,
 * and inverse, sums at those places to its 4x4 outputs, one vector of channels at a time and in
 * fp32, whatever the inputs are kept as.
 *
 * The points are 0, +-sqrt(1/2), +-sqrt(2) and infinity. With the usual 0, +-1, +-2 and infinity
 * the largest error of fp32 is five times as large; with these it is near twice that of the plain
 * sum. Values rounded to bf16 err half as much as at the usual points. */

typedef vec line_vec;
#include "winograd_line.h"

/* Where a tile's inputs are, of which only `rows` by `columns` lie inside the border. */
typedef struct tile_inputs {
    const uint8_t *at; /* the first of 6x6 */
    size_t row, pixel; /* bytes to the next */
    size_t rows, columns;
    /* The least that is read, as an integer of the same bits: 0 is a ReLU, since numbers below 0
     * have the sign bit. */
    int32_t floor;
} tile_inputs;

#if PATH_HAS_BF16
#define NO_FLOOR ((int32_t)0x80008000) /* a word is two integers */
#else
#define NO_FLOOR INT32_MIN
#endif

INLINE ivec at_least(ivec words, int32_t floor) { return words > floor ? words : (ivec)floor; }

/* One vector of channels of an input; `is_whole`: the whole tile is inside. */
INLINE vec read_fp32(const tile_inputs *in, size_t y, size_t x, const int is_whole)
{
    if (!is_whole && (y >= in->rows || x >= in->columns))
        return (vec)0.0f;
    return (vec)at_least(*(const ivec_at *)(in->at + y * in->row + x * in->pixel), in->floor);
}
INLINE vec read_bf16(const tile_inputs *in, size_t y, size_t x, const int is_whole)
{
    if (!is_whole && (y >= in->rows || x >= in->columns))
        return (vec)0.0f;
    const hvec halves = *(const hvec_at *)(in->at + y * in->row + x * in->pixel);
    return (vec)at_least(__builtin_convertvector(halves, ivec) << 16, in->floor);
}

/* Columns of places that are made together, from the columns of inputs that they need: 1 and 2, 3
 * and 4 share their sums. All six at a time would not fit into registers. */
#define COLUMN_GROUPS 4
static const int first_column[COLUMN_GROUPS] = {1, 3, 0, 5};
static const int column_count[COLUMN_GROUPS] = {2, 2, 1, 1};
static const int needs_column[COLUMN_GROUPS][6] = {
    {0, 1, 1, 1, 1, 0}, {0, 1, 1, 1, 1, 0}, {1, 0, 1, 0, 1, 0}, {0, 1, 0, 1, 0, 1},
};

/* values[place] = one vector of channels of a tile, as floats. */
INLINE void transform_tile(const tile_inputs *in, float *values, size_t place, const int is_whole,
                          const int reads_bf16)
{
    UNROLL for (int g = 0; g < COLUMN_GROUPS; g++) {
        vec columns[2][6];
        UNROLL for (size_t y = 0; y < 6; y++) {
            vec inputs[6], line[6];
            UNROLL for (size_t x = 0; x < 6; x++)
                inputs[x] = !needs_column[g][x] ? (vec)0.0f
                            : reads_bf16        ? read_bf16(in, y, x, is_whole)
                                                : read_fp32(in, y, x, is_whole);
            transform_line(inputs, 1, line);
            UNROLL for (int i = 0; i < 2; i++)
                if (i < column_count[g])
                    columns[i][y] = line[first_column[g] + i];
        }
        UNROLL for (int i = 0; i < 2; i++) {
            vec column[6];
            if (i >= column_count[g])
                continue;
            transform_line(columns[i], 1, column);
            UNROLL for (size_t y = 0; y < 6; y++)
                *(vec_at *)(values + (y * 6 + (size_t)(first_column[g] + i)) * place) = column[y];
        }
    }
}

#if PATH_HAS_BF16
/* 32 channels of an input, the even ones and the odd ones; `is_half`: there are but 16. */
typedef struct channel_pairs {
    vec even, odd;
} channel_pairs;

INLINE channel_pairs read_pairs(const tile_inputs *in, size_t y, size_t x, const int is_whole,
                                const int is_half)
{
    if (!is_whole && (y >= in->rows || x >= in->columns))
        return (channel_pairs){0.0f, 0.0f};
    const uint8_t *p = in->at + y * in->row + x * in->pixel;
    ivec words = is_half ? (ivec)_mm512_zextsi256_si512(_mm256_loadu_si256((const void *)p))
                               : *(const ivec_at *)p;
    words = (ivec)_mm512_max_epi16((__m512i)words, _mm512_set1_epi32(in->floor));
    return (channel_pairs){(vec)(words << 16), (vec)(words & (int32_t)0xffff0000)};
}

/* The same as words of two bf16: 16 words of each place for 32 channels, first the even channels in
 * pairs, then the odd ones, as one instruction rounds and joins them. `is_half`: 8 words of 16. */
INLINE void transform_pairs(const tile_inputs *in, uint32_t *values, size_t place,
                           const int is_whole, const int is_half)
{
    UNROLL for (int g = 0; g < COLUMN_GROUPS; g++) {
        vec columns[2][2][6];
        UNROLL for (size_t y = 0; y < 6; y++) {
            vec even[6], odd[6], line[2][6];
            UNROLL for (size_t x = 0; x < 6; x++) {
                channel_pairs pairs = {0.0f, 0.0f};
                if (needs_column[g][x])
                    pairs = read_pairs(in, y, x, is_whole, is_half);
                even[x] = pairs.even;
                odd[x] = pairs.odd;
            }
            transform_line(even, 1, line[0]);
            transform_line(odd, 1, line[1]);
            UNROLL for (int i = 0; i < 2; i++)
                if (i < column_count[g]) {
                    columns[i][0][y] = line[0][first_column[g] + i];
                    columns[i][1][y] = line[1][first_column[g] + i];
                }
        }
        UNROLL for (int i = 0; i < 2; i++) {
            vec even[6], odd[6];
            if (i >= column_count[g])
                continue;
            transform_line(columns[i][0], 1, even);
            transform_line(columns[i][1], 1, odd);
            UNROLL for (size_t y = 0; y < 6; y++) {
                uint32_t *to = values + (y * 6 + (size_t)(first_column[g] + i)) * place;
                const ivec words = (ivec)_mm512_cvtne2ps_pbh((__m512)odd[y], (__m512)even[y]);
                if (!is_half) {
                    *(ivec_at *)to = words;
                    continue;
                }
                typedef int32_t i8 __attribute__((ext_vector_type(8)));
                typedef i8 i8_at __attribute__((aligned(4), may_alias));
                *(i8_at *)to = __builtin_shufflevector(words, words, 0, 1, 2, 3, 8, 9, 10, 11);
            }
        }
    }
}
#endif

/* outputs[4][4][16], of which one vector is written: the inverse transform of a tile's sums at
 * each place. */
INLINE void inverse_transform_tile(const float *sums, size_t place, vec bias, float *outputs)
{
    vec lines[4][6];
    UNROLL for (size_t x = 0; x < 6; x++) {
        vec column[6], four[4];
        UNROLL for (size_t y = 0; y < 6; y++)
            column[y] = *(const vec_at *)(sums + (y * 6 + x) * place);
        inverse_transform_line(column, four);
        UNROLL for (size_t y = 0; y < 4; y++)
            lines[y][x] = four[y];
    }
    UNROLL for (size_t y = 0; y < 4; y++) {
        vec line[4];
        inverse_transform_line(lines[y], line);
        UNROLL for (size_t x = 0; x < 4; x++)
            *(vec_at *)(outputs + (y * 4 + x) * K_LANES) = line[x] + bias;
    }
}
