/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "tensor_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* 32 registers: 4 vectors of weights by 6 rows, or fewer vectors by 8. */
#define PATH_VECTOR 16 /* floats */
#define PATH_HAS_FMA 1
#define PATH_HAS_BF16 0
#define PATH_COLUMNS 4 /* vectors of 16 couts worked on together */
#define PATH_TABLE k_tensor_kernels_avx512
#define PATH_NAME "avx512"

#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "paths/tensors.h"
#pragma clang attribute pop

#endif
