/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#if defined(__x86_64__)

/* 32 registers: 4 vectors of weights by 6 pixels, 3 by 8, or fewer vectors by 8. */
#define PATH_VECTOR 16 /* floats */
#define PATH_HAS_FMA 1
#define PATH_MAX_BLOCK 4
#define PATH_TABLE k_kernels_avx512

#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "path_all.h"
#pragma clang attribute pop

#endif
