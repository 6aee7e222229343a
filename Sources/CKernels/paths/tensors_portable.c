/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "tensor_kernels.h"

#define PATH_VECTOR 4 /* floats */
#if defined(__aarch64__)
/* 32 registers: 4 vectors of weights by 6 rows. */
#define PATH_HAS_FMA 1
#define PATH_REGISTERS 32
#define PATH_NAME "neon"
#else
/* 16 registers: 4 vectors of weights by 2 rows. */
#define PATH_HAS_FMA 0
#define PATH_REGISTERS 16
#define PATH_NAME "portable"
#endif
#define PATH_HAS_BF16 0
#define PATH_COLUMNS 1 /* vectors of 16 couts worked on together */
#define PATH_TABLE k_tensor_kernels_portable

#include "paths/tensors.h"
