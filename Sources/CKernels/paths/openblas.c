/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Convolutions of fp32 whose products a BLAS library makes; what is around them is compiled as on the
 * portable path. */
#include "kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define PATH_VECTOR 4 /* floats */
#if defined(__aarch64__)
#define PATH_HAS_FMA 1
#define PATH_REGISTERS 32
#else
#define PATH_HAS_FMA 0
#define PATH_REGISTERS 16
#endif
#define PATH_HAS_BF16 0
#define PATH_HAS_SGEMM 1
#define PATH_SUFFIX openblas
#define PATH_JOIN_(a, b) a##_##b
#define PATH_JOIN(a, b) PATH_JOIN_(a, b)

#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

#include "vectors.h"
#include "layers/finish.h"
#include "layers/blas.h"
#include "layers/winograd.h"
