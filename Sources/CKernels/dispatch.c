/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

extern const k_kernels k_kernels_portable;
#if defined(__x86_64__)
extern const k_kernels k_kernels_avx2, k_kernels_avx512;
#endif
#define TABLES(path)                                                                       \
    extern const k_convolution k_fp32_##path, k_bf16_##path, k_int16_##path, k_int8_##path; \
    static const k_convolution *const tables_##path[4] = {&k_fp32_##path, &k_bf16_##path,  \
                                                          &k_int16_##path, &k_int8_##path}; \
    extern const k_winograd k_winograd_fp32_##path, k_winograd_bf16_##path;                \
    static const k_winograd *const winograds_##path[4] = {&k_winograd_fp32_##path,         \
                                                          &k_winograd_bf16_##path, NULL, NULL};
TABLES(portable)
#if defined(__x86_64__)
TABLES(avx2)
TABLES(avx512)
extern const k_convolution k_int16_avx512vnni, k_int8_avx512vnni, k_bf16_avx512bf16;
extern const k_winograd k_winograd_bf16_avx512bf16;
#endif

const k_kernels *k_kernels_of(enum k_path path)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (path == K_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
                   ? &k_kernels_avx512
                   : NULL;
    if (path == K_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                       __builtin_cpu_supports("f16c")
                   ? &k_kernels_avx2
                   : NULL;
#endif
    return path == K_PORTABLE ? &k_kernels_portable : NULL;
}

#if defined(__x86_64__)
/* Beside what every AVX-512 processor does: an instruction for the arithmetic itself. */
static const k_convolution *instruction_for(enum k_arithmetic arithmetic)
{
    const int has_vnni = __builtin_cpu_supports("avx512vnni");
    switch (arithmetic) {
    case K_BF16: return __builtin_cpu_supports("avx512bf16") ? &k_bf16_avx512bf16 : NULL;
    case K_INT16: return has_vnni ? &k_int16_avx512vnni : NULL;
    case K_INT8: return has_vnni ? &k_int8_avx512vnni : NULL;
    default: return NULL;
    }
}
#endif

const k_convolution *k_convolution_of(enum k_path path, enum k_arithmetic arithmetic,
                                      size_t choice)
{
    if (!k_kernels_of(path))
        return NULL;
#if defined(__x86_64__)
    if (path == K_AVX512) {
        const k_convolution *fastest = instruction_for(arithmetic);
        if (fastest && choice == 0)
            return fastest;
        return choice == (fastest ? 1 : 0) ? tables_avx512[arithmetic] : NULL;
    }
    if (path == K_AVX2)
        return choice == 0 ? tables_avx2[arithmetic] : NULL;
#endif
    return choice == 0 ? tables_portable[arithmetic] : NULL;
}

const k_winograd *k_winograd_of(enum k_path path, enum k_arithmetic arithmetic, size_t choice)
{
    if (!k_convolution_of(path, arithmetic, choice))
        return NULL;
#if defined(__x86_64__)
    if (path == K_AVX512)
        return arithmetic == K_BF16 && choice == 0 && instruction_for(K_BF16)
                   ? &k_winograd_bf16_avx512bf16
                   : winograds_avx512[arithmetic];
    if (path == K_AVX2)
        return winograds_avx2[arithmetic];
#endif
    return winograds_portable[arithmetic];
}

void k_prepare_thread(void)
{
#if defined(__x86_64__)
    /* All exceptions masked, round to nearest, FTZ (bit 15) and DAZ (bit 6). */
    _mm_setcsr(0x1F80u | 0x8000u | 0x0040u);
#elif defined(__aarch64__)
    uint64_t fpcr = 1ull << 24; /* FZ; round to nearest is 0 */
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
#endif
}

size_t k_block_count(size_t out_vectors, size_t max_block)
{
    return (out_vectors + max_block - 1) / max_block;
}

size_t k_block_start(size_t out_vectors, size_t max_block, size_t index)
{
    size_t count = k_block_count(out_vectors, max_block);
    size_t least = out_vectors / count, larger = out_vectors % count;
    return index * least + (index < larger ? index : larger);
}

void k_pack_probes(float *restrict packed, const float *restrict probes, size_t channels,
                   size_t points, size_t stride)
{
    for (size_t p = 0; p < points; p++)
        for (size_t c = 0; c < stride; c++)
            packed[p * stride + c] = c < channels ? probes[c * points + p] : 0.0f;
}
