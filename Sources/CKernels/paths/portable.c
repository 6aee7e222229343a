/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define PATH_VECTOR 4 /* floats */
#if defined(__aarch64__)
/* What every AArch64 processor has: NEON, 32 registers, and instructions that fuse. */
#define PATH_HAS_FMA 1
#define PATH_REGISTERS 32
#define PATH_NAME "neon"
#else
#define PATH_HAS_FMA 0
#define PATH_REGISTERS 16
#define PATH_NAME "portable"
#endif
#define PATH_SUFFIX portable
#define PATH_TABLE k_kernels_portable

#include "paths/frame_and_layers.h"
