/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "tensor_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* 16 registers: 2 vectors of weights by 6 rows. */
#define PATH_VECTOR 8 /* floats */
#define PATH_HAS_FMA 1
#define PATH_HAS_BF16 0
#define PATH_COLUMNS 1 /* vectors of 16 couts worked on together */
#define PATH_TABLE k_tensor_kernels_avx2
#define PATH_NAME "avx2"

#pragma clang attribute push(__attribute__((target( \
    "avx2,fma"))), apply_to = function)
#include "paths/tensors.h"
#pragma clang attribute pop

#endif
