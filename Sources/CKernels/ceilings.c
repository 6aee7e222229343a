/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "ceilings.h"

/* 12 sums at once: more than latency times throughput of any processor so far, and with two
 * factors they fit into 16 registers. */
#define SUMS 12

/* A round of `dot(sum, a, b)` on every sum. The empty assembly text keeps each sum in a register of
 * class `reg` and hides its value, so that no round can be left out or folded into another. */
#define CEILING_LOOP(vector, reg, a, b, dot)                                                       \
    vector sums[SUMS];                                                                             \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < SUMS; i++) sums[i] = (vector){0};       \
    for (size_t round = 0; round < rounds; round++) {                                              \
        _Pragma("clang loop unroll(full)") for (int i = 0; i < SUMS; i++)                          \
        {                                                                                          \
            sums[i] = dot(sums[i], a, b);                                                          \
            __asm__ volatile("" : "+" reg(sums[i]));                                               \
        }                                                                                          \
    }

#if defined(__x86_64__)
#include <immintrin.h>

#define FMA512(s, a, b) _mm512_fmadd_ps(a, b, s)
#define DOT512_BF16(s, a, b) _mm512_dpbf16_ps(s, (__m512bh)(a), (__m512bh)(b))
#define DOT512_INT8(s, a, b) _mm512_dpbusd_epi32(s, a, b)
#define FMA256(s, a, b) _mm256_fmadd_ps(a, b, s)
/* Four products of bytes: two pairs of 16-bit ones, exact. */
#define MADD256(s, a, b) _mm256_add_epi32(_mm256_add_epi32(s, madd256(a, b)), madd256(b, a))
#define MADD512(s, a, b) _mm512_add_epi32(_mm512_add_epi32(s, madd512(a, b)), madd512(b, a))

/* As assembly text: the compiler would multiply the same factors only once. */
__attribute__((target("avx2"), always_inline)) static inline __m256i madd256(__m256i a, __m256i b)
{
    __m256i product;
    __asm__ volatile("vpmaddwd %2, %1, %0" : "=x"(product) : "x"(a), "x"(b));
    return product;
}

__attribute__((target("avx512f,avx512bw"), always_inline)) static inline __m512i
madd512(__m512i a, __m512i b)
{
    __m512i product;
    __asm__ volatile("vpmaddwd %2, %1, %0" : "=v"(product) : "v"(a), "v"(b));
    return product;
}

__attribute__((target("avx512f"))) static size_t fp32_avx512(size_t rounds)
{
    __m512 a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
    CEILING_LOOP(__m512, "v", a, b, FMA512)
    return SUMS * 16 * 2;
}

__attribute__((target("avx512f,avx512bf16"))) static size_t bf16_avx512(size_t rounds)
{
    __m512i a = _mm512_set1_epi16(0x3f00), b = _mm512_set1_epi16(0x3e80);
    CEILING_LOOP(__m512, "v", a, b, DOT512_BF16)
    return SUMS * 32 * 2;
}

__attribute__((target("avx512f,avx512vnni"))) static size_t int8_vnni(size_t rounds)
{
    __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
    CEILING_LOOP(__m512i, "v", a, b, DOT512_INT8)
    return SUMS * 64 * 2;
}

__attribute__((target("avx512f,avx512bw"))) static size_t int8_avx512(size_t rounds)
{
    __m512i a = _mm512_set1_epi16(3), b = _mm512_set1_epi16(5);
    CEILING_LOOP(__m512i, "v", a, b, MADD512)
    return SUMS * 64 * 2;
}

__attribute__((target("avx2,fma"))) static size_t fp32_avx2(size_t rounds)
{
    __m256 a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
    CEILING_LOOP(__m256, "x", a, b, FMA256)
    return SUMS * 8 * 2;
}

__attribute__((target("avx2"))) static size_t int8_avx2(size_t rounds)
{
    __m256i a = _mm256_set1_epi16(3), b = _mm256_set1_epi16(5);
    CEILING_LOOP(__m256i, "x", a, b, MADD256)
    return SUMS * 32 * 2;
}

#define DOT256_INT8(s, a, b) _mm256_dpbusd_avx_epi32(s, a, b)

__attribute__((target("avx2,avxvnni"))) static size_t int8_avxvnni(size_t rounds)
{
    __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
    CEILING_LOOP(__m256i, "x", a, b, DOT256_INT8)
    return SUMS * 32 * 2;
}
#endif

typedef float v4 __attribute__((ext_vector_type(4)));

#if defined(__x86_64__)
#define V4_REGISTER "x"
#elif defined(__aarch64__)
#define V4_REGISTER "w"
#endif

#ifdef V4_REGISTER
/* The same value, which the compiler no longer knows to be the same. */
__attribute__((always_inline)) static inline v4 opaque4(v4 v)
{
    __asm__ volatile("" : "+" V4_REGISTER(v));
    return v;
}
#define MUL_ADD4(s, a, b) ((s) + opaque4(a) * (b))
#endif

/* The portable kernels' own vectors and operations. */
static size_t fp32_portable(size_t rounds)
{
#ifdef V4_REGISTER
    v4 a = opaque4(0.5f), b = 0.25f;
    CEILING_LOOP(v4, V4_REGISTER, a, b, MUL_ADD4)
    return SUMS * 4 * 2;
#else
    (void)rounds;
    return 0;
#endif
}

size_t k_run_ceiling(enum k_path path, enum k_number number, size_t rounds)
{
    if (!k_kernels_of(path))
        return 0;
#if defined(__x86_64__)
    if (path == K_AVX512) {
        if (number == K_NUMBER_FP32)
            return fp32_avx512(rounds);
        if (number == K_NUMBER_BF16)
            return __builtin_cpu_supports("avx512bf16") ? bf16_avx512(rounds) : 0;
        return __builtin_cpu_supports("avx512vnni") ? int8_vnni(rounds) : int8_avx512(rounds);
    }
    if (path == K_AVX2) {
        if (number == K_NUMBER_FP32)
            return fp32_avx2(rounds);
        if (number == K_NUMBER_INT8)
            return __builtin_cpu_supports("avxvnni") ? int8_avxvnni(rounds) : int8_avx2(rounds);
        return 0;
    }
#endif
    return number == K_NUMBER_FP32 ? fp32_portable(rounds) : 0;
}
