/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * bf16 convolutions, plain and Winograd's, with the instructions made for them (AVX512-BF16). */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PATH_VECTOR 16
#define PATH_HAS_FMA 1
#define PATH_HAS_BF16 1

#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma"))), apply_to = function)
#include "paths/one_convolution.h"

#define CONV_ARITHMETIC bf16
#define CONV_INTEGER 0
#define CONV_NAME "avx512bf16-bf16"
#define CONV_TABLE k_bf16_avx512bf16
#define CONV_WEIGHT_WORDS 1
#define CONV_MAX_BLOCK 2
#define CONV_PIXELS_1 14
#define CONV_PIXELS_2 13
#include "layers/convolution.h"
#include "layers/winograd.h"
#pragma clang attribute pop

#endif
