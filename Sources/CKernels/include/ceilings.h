/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Loops over registers alone: what the processor could do if memory cost nothing. */
#ifndef FRAMELOOM_CEILINGS_H
#define FRAMELOOM_CEILINGS_H

#include <stddef.h>

#include "kernels.h"

/* Numbers that are multiplied; sums are 32 bits wide. */
enum k_number { K_NUMBER_FP32 = 0, K_NUMBER_BF16, K_NUMBER_INT8 };

/* Runs `rounds` rounds of independent multiply-adds on the calling thread.
 * Returns how many operations one round is, a multiply-add counting as two. 0 where the path has no
 * instruction for such products; then nothing ran. */
size_t k_run_ceiling(enum k_path path, enum k_number number, size_t rounds);

#endif
