/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#ifndef FRAMELOOM_LANES_H
#define FRAMELOOM_LANES_H

#include "plane_kernels.h"

#include <string.h>

/* Each kernel is compiled for several processors, and the loader picks one; not under the sanitizers,
 * which are not ready yet when it does. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED
#endif
#endif
#if defined(__x86_64__) && !defined(IS_SANITIZED)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif
#define INLINE static inline __attribute__((always_inline))

/* A fused multiply-add would give other bytes on processors that have it. */
#pragma STDC FP_CONTRACT OFF

/* Pixels at a time, so that what lies between two loops stays in the nearest cache. */
enum { CHUNK = 256 };

INLINE float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

INLINE uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

INLINE uint32_t word_at(const uint8_t *p)
{
    uint32_t word;
    memcpy(&word, p, 4);
    return word;
}

INLINE uint16_t half_at(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, 2);
    return half;
}

INLINE void put_word(uint8_t *p, uint32_t word) { memcpy(p, &word, 4); }

INLINE float float_of_half(uint32_t half)
{
    const uint32_t exponent = (half >> 10) & 31, mantissa = half & 1023;
    /* Not a denormal float: a render thread takes those for 0. */
    const float small = (float)(int32_t)mantissa * 5.9604644775390625e-8f;
    const uint32_t normal = ((exponent + 112) << 23) | (mantissa << 13);
    const uint32_t special = (255u << 23) | (mantissa << 13);
    const uint32_t size =
        exponent == 0 ? bits_of(small) : exponent == 31 ? special : normal;
    return float_of(size | (half & 0x8000) << 16);
}

/* To the nearest half, of two the even one. */
INLINE uint16_t half_of_float(float value)
{
    const uint32_t bits = bits_of(value), sign = (bits >> 16) & 0x8000, size = bits & 0x7fffffff;
    /* Below the smallest normal half: the sum's last digits are the half. */
    const uint32_t small = bits_of(float_of(size) + 0.5f) - bits_of(0.5f);
    const uint32_t normal = (size - (112u << 23) + 0xfff + ((size >> 13) & 1)) >> 13;
    const uint32_t special = size > 0x7f800000 ? 0x7e00 : 0x7c00;
    const uint32_t half = size < 0x38800000 ? small : size >= 0x477ff000 ? special : normal;
    return (uint16_t)(half | sign);
}

#endif
