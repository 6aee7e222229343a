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
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &k_kernels_avx2
                                                                              : NULL;
#endif
    return path == K_PORTABLE ? &k_kernels_portable : NULL;
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

void k_pack_conv(float *restrict packed, const float *restrict weight, size_t couts, size_t cin,
                 size_t taps, size_t max_block)
{
    size_t vectors = (couts + K_LANES - 1) / K_LANES;
    size_t blocks = k_block_count(vectors, max_block);
    for (size_t b = 0; b < blocks; b++) {
        size_t first = k_block_start(vectors, max_block, b) * K_LANES;
        size_t last = k_block_start(vectors, max_block, b + 1) * K_LANES;
        for (size_t t = 0; t < taps; t++)
            for (size_t i = 0; i < cin; i++)
                for (size_t o = first; o < last; o++)
                    *packed++ = o < couts ? weight[(o * cin + i) * taps + t] : 0.0f;
    }
}

int k_is_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(values[i] - values[i] == 0.0f))
            return 0;
    return 1;
}

void k_pack_probes(float *restrict packed, const float *restrict probes, size_t channels,
                   size_t points, size_t stride)
{
    for (size_t p = 0; p < points; p++)
        for (size_t c = 0; c < stride; c++)
            packed[p * stride + c] = c < channels ? probes[c * points + p] : 0.0f;
}
