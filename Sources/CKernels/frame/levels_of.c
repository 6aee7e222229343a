/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "level_kernels.h"

extern const k_level_kernels k_level_kernels_portable;
#if defined(__x86_64__)
extern const k_level_kernels k_level_kernels_avx2, k_level_kernels_avx512;
#endif

const k_level_kernels *k_level_kernels_of(enum k_path path)
{
    if (!k_kernels_of(path))
        return NULL;
#if defined(__x86_64__)
    if (path == K_AVX512)
        return &k_level_kernels_avx512;
    if (path == K_AVX2)
        return &k_level_kernels_avx2;
#endif
    return &k_level_kernels_portable;
}
