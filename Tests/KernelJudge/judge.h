/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The kernels in C alone, against plain loops: runs wherever a C program runs, also where there is no
 * Swift to test with. */
#ifndef FRAMELOOM_JUDGE_H
#define FRAMELOOM_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

/* ---- Random numbers: the same from one seed on every processor ---- */

void random_start(uint64_t seed);
uint64_t random_bits(void);
/* first ... last */
int random_int(int first, int last);
float random_float(float low, float high);
void random_floats(float *out, size_t count, float low, float high);
/* `count` bytes, each a random one. */
void random_bytes(void *out, size_t count);

/* ---- Memory: freed all at once; begins on a cache line and holds NaN ---- */

void *memory(size_t bytes);
float *floats(size_t count);
void free_memory(void);

/* ---- Verdicts ---- */

/* What is judged, for whoever reads a fault. NULL: the path of the judgement before. */
void judge_begin(const char *name, const char *path);
/* A fault unless `holds`; tells the first few of each name. */
void expect(int holds, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* |found - expected| <= bound; a NaN is a fault. Returns whether it holds. */
int is_near(double found, double expected, double bound);
/* One line to standard output: the sum of bytes that every processor must give. */
void print_digest(const char *name, const void *bytes, size_t count);

float bf16_to_float(uint16_t bits);
uint16_t bf16_of_float(float value);

/* ---- The judges ---- */

void judge_halves(void);
/* What every processor must give the same: prints digests. */
void judge_sameness(uint64_t seed);
void judge_functions(enum k_path path, const char *name);
void judge_convolutions(enum k_path path);
void judge_winograd(enum k_path path);
void judge_frames(enum k_path path, const char *name);
void judge_levels(enum k_path path, const char *name);
void judge_tensors(enum k_path path);

#endif
