/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The diffusion networks on one kernel path; included once by each tensors_*.c, never elsewhere. */

/* A product and a sum are fused where this text says so and nowhere else: the compiler's own choice
 * would change the bytes between versions. */
#pragma clang fp contract(off)
/* Functions that pass vectors are always inlined: no calling convention is involved. */
#pragma clang diagnostic ignored "-Wpsabi"
/* Of the shared functions only some are used here. */
#pragma clang diagnostic ignored "-Wunused-function"

#include "vectors.h"
#include "functions.h"
#include "tensors/functions.h"
#include "tensors/block.h"
#include "tensors/pairs.h"
#include "tensors/product.h"
#include "tensors/winograd.h"
#include "tensors/norm.h"
#include "tensors/attention.h"

extern const k_tensor_kernels PATH_TABLE;
const k_tensor_kernels PATH_TABLE = {
    .name = PATH_NAME,
    .has_bf16 = PATH_HAS_BF16,
    .product = product,
    .winograd_values = winograd_values,
    .winograd_sums = winograd_sums,
    .norm_part = norm_part,
    .norm_factors = norm_factors,
    .norm_rows = norm_rows,
    .layer_norm = layer_norm,
    .attention_pack = attention_pack,
    .attention_rows = attention_rows,
    .add = add,
    .affine = affine,
    .silu = map_silu,
    .soft_clamp = map_soft_clamp,
};
