/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Which kernels the processor can run. */
#include "kernels.h"
#include "tensor_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* What one set of instructions computes; NULL: what its path's own tables compute. */
typedef struct tables {
    const k_kernels *frame;
    const k_convolution *convolutions[4]; /* by k_arithmetic, and so Winograd's */
    const k_winograd *winograds[4];
    const k_tensor_kernels *tensors;
} tables;

#define DECLARE_PATH(path)                                                                       \
    extern const k_kernels k_kernels_##path;                                                     \
    extern const k_convolution k_fp32_##path, k_bf16_##path, k_int16_##path, k_int8_##path;      \
    extern const k_winograd k_winograd_fp32_##path, k_winograd_bf16_##path;                      \
    extern const k_tensor_kernels k_tensor_kernels_##path;

#define TABLES_OF(path)                                                                          \
    {                                                                                            \
        .frame = &k_kernels_##path,                                                              \
        .convolutions = {[K_FP32] = &k_fp32_##path, [K_BF16] = &k_bf16_##path,                   \
                         [K_INT16] = &k_int16_##path, [K_INT8] = &k_int8_##path},                \
        .winograds = {[K_FP32] = &k_winograd_fp32_##path, [K_BF16] = &k_winograd_bf16_##path},   \
        .tensors = &k_tensor_kernels_##path,                                                     \
    }

DECLARE_PATH(portable)
extern const k_convolution k_fp32_openblas;
extern const k_winograd k_winograd_fp32_openblas;
#if defined(__x86_64__)
DECLARE_PATH(avx2)
DECLARE_PATH(avx512)
extern const k_convolution k_int16_avx512vnni, k_int8_avx512vnni, k_bf16_avx512bf16;
extern const k_convolution k_int16_avxvnni, k_int8_avxvnni, k_int16_avx512vl, k_int8_avx512vl;
extern const k_winograd k_winograd_bf16_avx512bf16;
extern const k_tensor_kernels k_tensor_kernels_avx512bf16;

static const tables avx512bf16 = {
    .convolutions = {[K_BF16] = &k_bf16_avx512bf16},
    .winograds = {[K_BF16] = &k_winograd_bf16_avx512bf16},
    .tensors = &k_tensor_kernels_avx512bf16,
};
static const tables avx512vnni = {
    .convolutions = {[K_INT16] = &k_int16_avx512vnni, [K_INT8] = &k_int8_avx512vnni},
};
static const tables avxvnni = {
    .convolutions = {[K_INT16] = &k_int16_avxvnni, [K_INT8] = &k_int8_avxvnni},
};
static const tables avx512vl = {
    .convolutions = {[K_INT16] = &k_int16_avx512vl, [K_INT8] = &k_int8_avx512vl},
};
#endif

static const tables paths[] = {
#if defined(__x86_64__)
    [K_AVX512] = TABLES_OF(avx512),
    [K_AVX2] = TABLES_OF(avx2),
#endif
    [K_PORTABLE] = TABLES_OF(portable),
    [K_OPENBLAS] = {
        .frame = &k_kernels_portable,
        .convolutions = {[K_FP32] = &k_fp32_openblas, [K_BF16] = &k_bf16_portable,
                         [K_INT16] = &k_int16_portable, [K_INT8] = &k_int8_portable},
        .winograds = {[K_FP32] = &k_winograd_fp32_openblas, [K_BF16] = &k_winograd_bf16_portable},
        .tensors = &k_tensor_kernels_portable,
    },
};

static int processor_has(enum k_path path)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (path == K_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (path == K_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("f16c");
#endif
    /* Whether there is a library for it is not known here. */
    return path == K_PORTABLE || path == K_OPENBLAS;
}

/* What the processor has on a path, by `choice`: tables made for instructions that only some of its
 * processors have, then the path's own. NULL: nothing, or no more. */
#define MOST_CHOICES 3
static const tables *tables_of(enum k_path path, size_t choice)
{
    const tables *found[MOST_CHOICES];
    size_t count = 0;
    if (!processor_has(path))
        return NULL;
#if defined(__x86_64__)
    if (path == K_AVX512 && __builtin_cpu_supports("avx512bf16"))
        found[count++] = &avx512bf16;
    if (path == K_AVX512 && __builtin_cpu_supports("avx512vnni"))
        found[count++] = &avx512vnni;
    if (path == K_AVX2 && __builtin_cpu_supports("avxvnni"))
        found[count++] = &avxvnni;
#endif
    found[count++] = &paths[path];
#if defined(__x86_64__)
    /* Last: nobody takes them but who tests every choice. Held to AVX2, a processor with AVX-512 is to
     * do what one without would. */
    if (path == K_AVX2 && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni"))
        found[count++] = &avx512vl;
#endif
    return choice < count ? found[choice] : NULL;
}

const k_kernels *k_kernels_of(enum k_path path)
{
    return processor_has(path) ? paths[path].frame : NULL;
}

/* The `choice`th tables that have convolutions of this arithmetic. */
static const tables *convolving(enum k_path path, enum k_arithmetic arithmetic, size_t choice)
{
    const tables *found;
    for (size_t i = 0; (found = tables_of(path, i)); i++)
        if (found->convolutions[arithmetic] && choice-- == 0)
            break;
    return found;
}

const k_convolution *k_convolution_of(enum k_path path, enum k_arithmetic arithmetic,
                                      size_t choice)
{
    const tables *found = convolving(path, arithmetic, choice);
    return found ? found->convolutions[arithmetic] : NULL;
}

const k_winograd *k_winograd_of(enum k_path path, enum k_arithmetic arithmetic, size_t choice)
{
    const tables *found = convolving(path, arithmetic, choice);
    return found ? found->winograds[arithmetic] : NULL;
}

const k_tensor_kernels *k_tensor_kernels_of(enum k_path path, size_t choice)
{
    const tables *found;
    for (size_t i = 0; (found = tables_of(path, i)); i++)
        if (found->tensors && choice-- == 0)
            return found->tensors;
    return NULL;
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
