/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Integer convolutions with the instructions made for them on 256 bits; included by one file for each
 * encoding of these. */
#define PATH_VECTOR 8
#define PATH_HAS_FMA 1
#define PATH_HAS_VNNI 1
#include "paths/one_convolution.h"

/* 12 sums beside 2 vectors of weights and one of values: 16 registers. */
#define CONV_ARITHMETIC int16
#define CONV_INTEGER 1
#define CONV_NAME PATH_NAME "-int16"
#define CONV_TABLE PATH_TABLE(int16)
#define CONV_WEIGHT_WORDS 1
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 6
#include "layers/convolution.h"

#define CONV_ARITHMETIC int8
#define CONV_INTEGER 1
#define CONV_NAME PATH_NAME "-int8"
#define CONV_TABLE PATH_TABLE(int8)
#define CONV_WEIGHT_WORDS 1
#define CONV_MAX_BLOCK 1
#define CONV_PIXELS_1 6
#include "layers/convolution.h"
