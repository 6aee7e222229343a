/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Numbers of 16 bits in files, to floats and back: the same on every processor. */
#ifndef FRAMELOOM_HALVES_H
#define FRAMELOOM_HALVES_H

#include <stddef.h>
#include <stdint.h>

/* `count` little-endian halves as floats: exact. `in` needs no alignment. */
void halves_widen_f16(float *restrict out, const void *restrict in, size_t count);

/* The same for bfloat16. */
void halves_widen_bf16(float *restrict out, const void *restrict in, size_t count);

/* The other way, rounded to nearest, half to even; too large becomes infinite. */
void halves_narrow_f16(uint16_t *restrict out, const float *restrict in, size_t count);

/* 1 if no value is NaN or infinite. */
int halves_floats_are_finite(const float *values, size_t count);

#endif
