/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#include "bits.h"

/* Every product and sum is rounded by itself, on every processor. */
#pragma STDC FP_CONTRACT OFF

/* A kernel's line of three weights at the points of winograd_line.h: 0, +-sqrt(1/2), +-sqrt(2),
 * infinity. Each row is divided by the product of its point's distances to the other points. */
static const double points[6][3] = {
    {1, 0, 0},
    {-2.0 / 3, -0.47140452079103169, -1.0 / 3},
    {-2.0 / 3, 0.47140452079103169, -1.0 / 3},
    {1.0 / 6, 0.23570226039551584, 1.0 / 3},
    {1.0 / 6, -0.23570226039551584, 1.0 / 3},
    {0, 0, 1},
};

static float weight_at(const float *weight, size_t place)
{
    const double *row = points[place / 6], *column = points[place % 6];
    double sum = 0;
    for (size_t y = 0; y < 3; y++)
        for (size_t x = 0; x < 3; x++)
            sum += row[y] * column[x] * weight[y * 3 + x];
    return (float)sum;
}

static size_t words_of(const k_winograd *kernel, size_t cin)
{
    const size_t rest = cin % 32;
    return kernel->numbers == 1 ? cin : cin / 32 * 16 + (rest == 0 ? 0 : rest <= 16 ? 8 : 16);
}

size_t k_winograd_words(const k_winograd *kernel, size_t couts, size_t cin)
{
    return (couts + K_LANES - 1) / K_LANES * K_LANES * K_WINOGRAD_PLACES * words_of(kernel, cin);
}

void k_pack_winograd(uint32_t *restrict packed, const float *restrict weight,
                     const k_winograd *kernel, size_t couts, size_t cin)
{
    const size_t words = words_of(kernel, cin);
    if (kernel->has_rows) {
        const size_t padded = (couts + K_LANES - 1) / K_LANES * K_LANES;
        for (size_t place = 0; place < K_WINOGRAD_PLACES; place++)
            for (size_t i = 0; i < cin; i++)
                for (size_t o = 0; o < padded; o++)
                    *packed++ = o < couts ? bits_of(weight_at(weight + (o * cin + i) * 9, place)) : 0;
        return;
    }
    for (size_t first = 0; first < couts; first += K_LANES)
        for (size_t place = 0; place < K_WINOGRAD_PLACES; place++)
            for (size_t word = 0; word < words; word++)
                for (size_t o = first; o < first + K_LANES; o++, packed++) {
                    *packed = 0;
                    if (o >= couts)
                        continue;
                    const float *of_cout = weight + o * cin * 9;
                    if (kernel->numbers == 1) {
                        *packed = bits_of(weight_at(of_cout + word * 9, place));
                        continue;
                    }
                    /* Eight words of even cins, then eight of odd ones; four of each at the end. */
                    const size_t block = word / 16 * 16, each = words - block < 16 ? 4 : 8;
                    const size_t low = block * 2 + word % 16 % each * 4 + word % 16 / each;
                    if (low < cin)
                        *packed = bf16_of(weight_at(of_cout + low * 9, place));
                    if (low + 2 < cin)
                        *packed |= bf16_of(weight_at(of_cout + (low + 2) * 9, place)) << 16;
                }
}
