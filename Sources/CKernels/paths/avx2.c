/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PATH_VECTOR 8 /* floats */
#define PATH_HAS_FMA 1
#define PATH_NAME "avx2"
#define PATH_SUFFIX avx2
#define PATH_TABLE k_kernels_avx2

#pragma clang attribute push(__attribute__((target( \
    "avx2,fma,f16c"))), apply_to = function)
#include "paths/frame_and_layers.h"
#pragma clang attribute pop

#endif
