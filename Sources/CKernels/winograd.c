/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

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

void k_pack_winograd(float *restrict packed, const float *restrict weight, size_t couts, size_t cin)
{
    for (size_t first = 0; first < couts; first += K_LANES)
        for (size_t place = 0; place < K_WINOGRAD_PLACES; place++)
            for (size_t i = 0; i < cin; i++)
                for (size_t o = first; o < first + K_LANES; o++)
                    *packed++ = o < couts ? weight_at(weight + (o * cin + i) * 9, place) : 0.0f;
}
