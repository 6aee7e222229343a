/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What light shows on a base color, as a table: what is kept of a picture is bytes, for which an
 * exponential and a power a color would be more than it needs. */
#include <math.h>

#include "kernels.h"

void k_fill_shown(k_model *m)
{
    const double low = log((double)m->eps), width = log1p((double)m->eps) - low;
    for (int i = 0; i < K_SHOWN_STEPS; i++) {
        const double linear = exp(low + width * (i + 0.5) / K_SHOWN_STEPS) - (double)m->eps;
        const double shown =
            linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
        m->shown[i] = (uint8_t)(shown * 255 + 0.5);
    }
    m->shown_low = (float)low;
    m->shown_scale = (float)(K_SHOWN_STEPS / width);
}
