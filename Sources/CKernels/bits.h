/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * A float's bits, whole and rounded to bf16 (to nearest, half to even). */
#ifndef FRAMELOOM_BITS_H
#define FRAMELOOM_BITS_H

#include <stdint.h>

static inline uint32_t bits_of(float value)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &value, 4);
    return bits;
}

static inline uint32_t bf16_of(float value)
{
    const uint32_t bits = bits_of(value);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

#endif
