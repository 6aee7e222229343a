/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PATH_VECTOR 16 /* floats */
#define PATH_HAS_FMA 1
#define PATH_NAME "avx512"
#define PATH_SUFFIX avx512
#define PATH_TABLE k_kernels_avx512

#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#include "paths/frame_and_layers.h"
#pragma clang attribute pop

#endif
