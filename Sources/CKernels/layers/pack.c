/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Weights in the order in which the convolutions read them. */
#include "kernels.h"

#include "bits.h"

/* Every product and sum is rounded by itself, on every processor. */
#pragma STDC FP_CONTRACT OFF

static size_t numbers_per_word(enum k_arithmetic arithmetic)
{
    return arithmetic == K_FP32 ? 1 : arithmetic == K_INT8 ? 4 : 2;
}

static size_t words_of(enum k_arithmetic arithmetic, size_t cin)
{
    const size_t numbers = numbers_per_word(arithmetic);
    return (cin + numbers - 1) / numbers;
}

size_t k_packed_words(const k_convolution *kernel, enum k_arithmetic arithmetic, size_t couts,
                      size_t cin, size_t taps)
{
    const size_t padded = (couts + K_LANES - 1) / K_LANES * K_LANES;
    return padded * taps * words_of(arithmetic, cin) * kernel->weight_words;
}

/* Where the numbers of a word come from: weight[(cout * cin + i) * taps + tap]. */
typedef struct source {
    const float *floats;      /* one of both */
    const int16_t *integers;
    size_t couts, cin, taps;
} source;

static uint32_t number_at(const source *s, enum k_arithmetic arithmetic, size_t o, size_t i,
                          size_t tap)
{
    if (o >= s->couts || i >= s->cin)
        return 0;
    const size_t at = (o * s->cin + i) * s->taps + tap;
    switch (arithmetic) {
    case K_FP32: return bits_of(s->floats[at]);
    case K_BF16: return bf16_of(s->floats[at]);
    case K_INT16: return (uint16_t)s->integers[at];
    default: return (uint8_t)s->integers[at];
    }
}

static uint32_t word_at(const source *s, enum k_arithmetic arithmetic, size_t o, size_t word,
                        size_t tap)
{
    const size_t numbers = numbers_per_word(arithmetic), bits = 32 / numbers;
    uint32_t result = 0;
    for (size_t n = 0; n < numbers; n++)
        result |= number_at(s, arithmetic, o, word * numbers + n, tap) << (n * bits);
    return result;
}

/* Signed bytes `first` and `first` + 2 of a word, as 16 bits each. */
static uint32_t byte_pair(uint32_t word, unsigned first)
{
    const uint32_t low = (uint16_t)(int8_t)(word >> (8 * first));
    const uint32_t high = (uint16_t)(int8_t)(word >> (8 * first + 16));
    return low | high << 16;
}

static void pack(uint32_t *restrict packed, const source *s, const k_convolution *kernel,
                 enum k_arithmetic arithmetic)
{
    const size_t vectors = (s->couts + K_LANES - 1) / K_LANES;
    const size_t blocks = k_block_count(vectors, kernel->max_block);
    const size_t words = words_of(arithmetic, s->cin);
    for (size_t b = 0; b < blocks; b++) {
        const size_t first = k_block_start(vectors, kernel->max_block, b);
        const size_t last = k_block_start(vectors, kernel->max_block, b + 1);
        for (size_t t = 0; t < s->taps; t++)
            for (size_t i = 0; i < words; i++)
                for (size_t v = first; v < last; v++, packed += K_LANES * kernel->weight_words)
                    for (size_t lane = 0; lane < K_LANES; lane++) {
                        const uint32_t word = word_at(s, arithmetic, v * K_LANES + lane, i, t);
                        if (kernel->weight_words == 1) {
                            packed[lane] = word;
                        } else {
                            packed[lane] = byte_pair(word, 0);
                            packed[lane + K_LANES] = byte_pair(word, 1);
                        }
                    }
    }
}

void k_pack_conv(uint32_t *restrict packed, const float *restrict weight,
                 const k_convolution *kernel, enum k_arithmetic arithmetic, size_t couts,
                 size_t cin, size_t taps)
{
    pack(packed, &(source){weight, NULL, couts, cin, taps}, kernel, arithmetic);
}

/* Largest input of an integer arithmetic, and largest weight. */
static float largest_input(enum k_arithmetic arithmetic)
{
    return arithmetic == K_INT8 ? 255.0f : 32768.0f;
}
static float largest_weight(enum k_arithmetic arithmetic)
{
    return arithmetic == K_INT8 ? 127.0f : 2047.0f;
}

/* Scale of one cout from its largest and its summed magnitude. */
static float scale_of(float largest, float sum, size_t count, enum k_arithmetic arithmetic)
{
    float scale = largest / largest_weight(arithmetic);
    /* Rounding may add half a level to each weight; float sums need some room too. */
    const float limit = 2.1e9f / largest_input(arithmetic) - 0.5f * (float)count;
    if (arithmetic == K_INT16 && sum > scale * limit)
        scale = sum / limit;
    return scale > 0 ? scale : 1;
}

void k_pack_quantised(uint32_t *restrict packed, float *restrict scale,
                      int16_t *restrict quantised, const float *restrict weight,
                      const float *restrict steps, const k_convolution *kernel,
                      enum k_arithmetic arithmetic, size_t couts, size_t cin, size_t taps)
{
    const size_t padded = (couts + K_LANES - 1) / K_LANES * K_LANES, count = cin * taps;
    for (size_t o = 0; o < padded; o++) {
        scale[o] = 0;
        if (o >= couts)
            continue;
        float largest = 0, sum = 0;
        for (size_t k = 0; k < count; k++) {
            const float value = weight[o * count + k] * steps[k / taps];
            const float magnitude = value < 0 ? -value : value;
            largest = magnitude > largest ? magnitude : largest;
            sum += magnitude;
        }
        scale[o] = scale_of(largest, sum, count, arithmetic);
        for (size_t k = 0; k < count; k++) {
            /* Half to even: adding this number leaves no bits for fractions. */
            const float shift = 12582912.0f;
            volatile float shifted = weight[o * count + k] * steps[k / taps] / scale[o] + shift;
            quantised[o * count + k] = (int16_t)(shifted - shift);
        }
    }
    pack(packed, &(source){NULL, quantised, couts, cin, taps}, kernel, arithmetic);
}
