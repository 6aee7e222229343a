/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Integer convolutions with the instructions made for them (AVX512-VNNI). */
#include "kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define PATH_VECTOR 16
#define PATH_HAS_FMA 1
#define PATH_HAS_VNNI 1

#pragma clang attribute push(__attribute__((target( \
    "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,avx2,fma"))), apply_to = function)
#include "paths/one_convolution.h"

/* 26 sums beside 2 vectors of weights, or 27 beside 3: the weights of 32 couts stay in the first
 * cache, and each of their bytes is used for many pixels. */
#define CONV_ARITHMETIC int16
#define CONV_INTEGER 1
#define CONV_NAME "avx512vnni-int16"
#define CONV_TABLE k_int16_avx512vnni
#define CONV_WEIGHT_WORDS 1
#define CONV_MAX_BLOCK 2
#define CONV_PIXELS_1 14
#define CONV_PIXELS_2 13
#include "layers/convolution.h"

#define CONV_ARITHMETIC int8
#define CONV_INTEGER 1
#define CONV_NAME "avx512vnni-int8"
#define CONV_TABLE k_int8_avx512vnni
#define CONV_WEIGHT_WORDS 1
#define CONV_MAX_BLOCK 3
#define CONV_PIXELS_1 14
#define CONV_PIXELS_2 13
#define CONV_PIXELS_3 9
#include "layers/convolution.h"
#pragma clang attribute pop

#endif
