/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "tensor_kernels.h"

#include "bits.h"

size_t k_padded_couts(size_t couts, int activation)
{
    if (activation == K_GEGLU)
        return (couts / 2 + K_LANES - 1) / K_LANES * K_LANES * 2;
    return (couts + K_LANES - 1) / K_LANES * K_LANES;
}

size_t k_packed_cout(size_t column, size_t couts, int activation)
{
    if (activation != K_GEGLU)
        return column;
    /* 16 values, then their 16 gates. */
    size_t cout = column / (2 * K_LANES) * K_LANES + column % K_LANES;
    if (cout >= couts / 2)
        return couts;
    return column / K_LANES % 2 ? cout + couts / 2 : cout;
}

static size_t panel_end(size_t first, size_t padded)
{
    return first + K_PANEL < padded ? first + K_PANEL : padded;
}

#define PACKED_TOGETHER 64

void k_pack_weights(float *restrict packed, const float *restrict weight, size_t couts, size_t cin,
                    size_t taps, int activation)
{
    const size_t padded = k_padded_couts(couts, activation);
    for (size_t first = 0; first < padded; first += K_PANEL) {
        const size_t width = panel_end(first, padded) - first;
        for (size_t i0 = 0; i0 < cin; i0 += PACKED_TOGETHER)
            for (size_t c = 0; c < width; c++) {
                const size_t o = k_packed_cout(first + c, couts, activation);
                const size_t i1 = i0 + PACKED_TOGETHER < cin ? i0 + PACKED_TOGETHER : cin;
                for (size_t i = i0; i < i1; i++)
                    for (size_t t = 0; t < taps; t++)
                        packed[(t * cin + i) * width + c] =
                            o < couts ? weight[(o * cin + i) * taps + t] : 0.0f;
            }
        packed += cin * taps * width;
    }
}

void k_pack_weights_bf16(uint32_t *restrict packed, const float *restrict weight, size_t couts,
                         size_t cin, size_t taps, int activation)
{
    const size_t padded = k_padded_couts(couts, activation);
    for (size_t first = 0; first < padded; first += K_PANEL) {
        const size_t width = panel_end(first, padded) - first;
        /* Some channels of all couts at a time: what is written stays in the cache meanwhile. */
        for (size_t i0 = 0; i0 < cin; i0 += PACKED_TOGETHER)
            for (size_t c = 0; c < width; c++) {
                const size_t o = k_packed_cout(first + c, couts, activation);
                const size_t i1 = i0 + PACKED_TOGETHER < cin ? i0 + PACKED_TOGETHER : cin;
                for (size_t i = i0; i < i1; i += 2)
                    for (size_t t = 0; t < taps; t++) {
                        const float *at = weight + (o * cin + i) * taps + t;
                        packed[(t * cin + i) / 2 * width + c] =
                            o < couts ? bf16_of(at[0]) | bf16_of(at[taps]) << 16 : 0;
                    }
            }
        packed += cin * taps / 2 * width;
    }
}

size_t k_attention_rows_together(size_t size)
{
    size_t most = K_ATTENTION_SUMS / ((size + K_PANEL - 1) / K_PANEL * K_PANEL);
    return most < K_ATTENTION_ROWS ? most : K_ATTENTION_ROWS;
}

size_t k_packed_keys_count(size_t keys, size_t heads, size_t size)
{
    return heads * ((keys + K_PANEL - 1) / K_PANEL) * size * K_PANEL;
}

size_t k_packed_values_count(size_t keys, size_t heads, size_t size)
{
    return heads * keys * ((size + K_LANES - 1) / K_LANES * K_LANES);
}

/* sin and cos of 0 <= x < 2^20 in double; the caller needs a float's accuracy. */
static void sine_cosine(double x, double *sine, double *cosine)
{
    /* Quarter turns off; pi/2 in two parts, the first so short that n times it is exact. */
    double n = __builtin_floor(x * 0.63661977236758134308 + 0.5);
    double r = x - n * 1.57079632673412561417e+00;
    r = r - n * 6.07710050650619224932e-11;
    double z = r * r;
    double s = r + r * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 -
               z * (1.0 / 39916800)))));
    double c = 1 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 - z *
               (1.0 / 3628800 - z * (1.0 / 479001600))))));
    switch ((long)n & 3) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}

/* exp(-x), 0 <= x < 16: the 64th part's series, squared six times. */
static double exp_of_minus(double x)
{
    double r = -x / 64, term = 1, sum = 1;
    for (int i = 1; i < 14; i++) {
        term *= r / i;
        sum += term;
    }
    for (int i = 0; i < 6; i++)
        sum *= sum;
    return sum;
}

void k_timestep_embedding(float *restrict out, float timestep, size_t half, float shift,
                          int sines_first)
{
    for (size_t i = 0; i < half; i++) {
        double rate = exp_of_minus(9.2103403719761827361 * (double)i / ((double)half - shift));
        double sine, cosine;
        sine_cosine(timestep * rate, &sine, &cosine);
        out[i] = (float)(sines_first ? sine : cosine);
        out[half + i] = (float)(sines_first ? cosine : sine);
    }
}
