/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define PATH_VECTOR 4 /* floats */
#define PATH_HAS_FMA 0
#define PATH_NAME "portable"
#define PATH_SUFFIX portable
#define PATH_TABLE k_kernels_portable

#include "paths/frame_and_layers.h"
