/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * For processors that have AVX2 and AVX-VNNI but no AVX-512. */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PATH_NAME "avxvnni"
#define PATH_TABLE(arithmetic) k_##arithmetic##_avxvnni
#define PATH_DOT_BYTES(sum, bytes, weights) _mm256_dpbusd_avx_epi32(sum, bytes, weights)
#define PATH_DOT_PAIRS(sum, pairs, weights) _mm256_dpwssd_avx_epi32(sum, pairs, weights)

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avxvnni"))), apply_to = function)
#include "paths/vnni256.h"
#pragma clang attribute pop

#endif
