/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What path_convolution.h needs, for files that hold convolutions only. */
#pragma clang fp contract(off)
#pragma clang diagnostic ignored "-Wpsabi"
#pragma clang diagnostic ignored "-Wunused-function"

#include "path_vectors.h"
#include "path_dots.h"
#include "path_finish.h"

#define PARTS 1
