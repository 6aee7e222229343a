/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What is done to weights while they are read. The results do not depend on the kernel path: the
 * same files give the same weights everywhere. */
#ifndef FRAMELOOM_WEIGHT_KERNELS_H
#define FRAMELOOM_WEIGHT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* largest[2]: of the low and of the high halves of some words. Returns 0 if one is NaN or
 * infinite. */
int k_measure_halves(float *restrict largest, const uint32_t *restrict words, size_t count);

/* weight[o, i] += scale * sum(r) up[o, r] * down[r, i], the sum in the order of r.
 * weight [outputs, inputs]  up [outputs, rank]  down [rank, inputs] */
void k_add_low_rank(float *restrict weight, const float *restrict up, const float *restrict down,
                    size_t outputs, size_t inputs, size_t rank, float scale);

#endif
