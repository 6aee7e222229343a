/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The loops of avxvnni.c in the encoding of AVX-512, so that they are judged on processors that have
 * only that one. */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PATH_NAME "avx512vl"
#define PATH_TABLE(arithmetic) k_##arithmetic##_avx512vl
#define PATH_DOT_BYTES(sum, bytes, weights) _mm256_dpbusd_epi32(sum, bytes, weights)
#define PATH_DOT_PAIRS(sum, pairs, weights) _mm256_dpwssd_epi32(sum, pairs, weights)

#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)
#include "paths/vnni256.h"
#pragma clang attribute pop

#endif
