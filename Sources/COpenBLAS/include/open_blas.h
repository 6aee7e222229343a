/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * OpenBLAS, found when it is asked for: a program that uses nothing of it starts without it, and 3 ms
 * sooner. */
#ifndef FRAMELOOM_OPEN_BLAS_H
#define FRAMELOOM_OPEN_BLAS_H

#include <stdint.h>

/* cblas_sgemm: c = alpha a b + beta c. */
typedef void (*ob_sgemm)(int order, int transpose_a, int transpose_b, int rows, int columns,
                         int depth, float alpha, const float *a, int row_a, const float *b,
                         int row_b, float beta, float *c, int row_c);

typedef struct ob_library {
    ob_sgemm sgemm;  /* NULL: there is none */
    char core[32];   /* which of its kernels run here, in small letters, e.g. "haswell" */
    char version[16];
    char error[256]; /* why there is none */
} ob_library;

/* Loads the library, whose sums are then always those of one thread of the caller's and of the same
 * core. What the environment says of OpenBLAS counts for nothing (it would change the core and so the
 * sums, and start threads), except that FRAMELOOM_OPENBLAS_CORE names a core, as OPENBLAS_CORETYPE
 * would. Changes the environment for the length of the call: once in a program, before it has threads
 * that read it. Nothing is ever unloaded. */
void ob_load(ob_library *library);

#endif
