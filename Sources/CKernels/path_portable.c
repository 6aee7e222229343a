/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

/* 16 registers: 4 vectors of weights by 2 pixels. */
#define PATH_VECTOR 4 /* floats */
#define PATH_HAS_FMA 0
#define PATH_MAX_BLOCK 1
#define PATH_TABLE k_kernels_portable

#include "path_all.h"
