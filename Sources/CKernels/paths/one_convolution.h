/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What layers/convolution.h needs, for files that hold convolutions only. */
#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

#include "vectors.h"
#include "layers/dots.h"
#include "layers/finish.h"

#define PARTS (K_LANES / PATH_VECTOR) /* registers for 16 couts */
