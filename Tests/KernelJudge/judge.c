/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * kernel-judge [SEED]: judges every kernel path of the processor that it runs on. */
#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Random numbers: splitmix64 (Steele, Lea and Flood 2014) ---- */

static uint64_t state;

void random_start(uint64_t seed) { state = seed; }

uint64_t random_bits(void)
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int random_int(int first, int last)
{
    return first + (int)(random_bits() % (uint64_t)(last - first + 1));
}

float random_float(float low, float high)
{
    return low + (high - low) * ((float)(random_bits() >> 40) * 0x1p-24f);
}

void random_floats(float *out, size_t count, float low, float high)
{
    for (size_t i = 0; i < count; i++)
        out[i] = random_float(low, high);
}

void random_bytes(void *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((uint8_t *)out)[i] = (uint8_t)(random_bits() >> 32);
}

/* ---- Memory ---- */

static void *blocks[256];
static size_t block_count;

void *memory(size_t bytes)
{
    /* Some bytes more: a vector that is read whole may reach over the last number. */
    const size_t rounded = (bytes + 64 + 63) / 64 * 64;
    void *block = aligned_alloc(64, rounded);
    if (!block || block_count == sizeof blocks / sizeof *blocks) {
        fprintf(stderr, "no memory for %zu bytes\n", bytes);
        exit(2);
    }
    memset(block, 0xff, rounded);
    blocks[block_count++] = block;
    return block;
}

float *floats(size_t count) { return memory(count * sizeof(float)); }

void free_memory(void)
{
    while (block_count > 0)
        free(blocks[--block_count]);
}

/* ---- Verdicts ---- */

static const char *judged = "", *judged_path = "";
static size_t told, faults, checks;

void judge_begin(const char *name, const char *path)
{
    if (strcmp(judged, name) != 0 || path)
        told = 0;
    judged = name;
    if (path)
        judged_path = path;
}

void expect(int holds, const char *format, ...)
{
    checks++;
    if (holds)
        return;
    faults++;
    if (told++ >= 3)
        return;
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "FAULT: %s, %s: ", judged, judged_path);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
}

int is_near(double found, double expected, double bound)
{
    const double apart = found > expected ? found - expected : expected - found;
    return apart <= bound;
}

void print_digest(const char *name, const void *bytes, size_t count)
{
    uint64_t digest = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < count; i++)
        digest = (digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    printf("same %s %016llx\n", name, (unsigned long long)digest);
}

float bf16_to_float(uint16_t bits)
{
    const uint32_t word = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &word, 4);
    return value;
}

uint16_t bf16_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

int main(int argc, char **argv)
{
    const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    static const char *const names[] = {"avx512", "avx2", "openblas", "portable"};
    k_prepare_thread();
    random_start(seed);
    judge_halves();
    judge_sameness(seed);
    for (int path = K_AVX512; path <= K_PORTABLE; path++) {
        if (!k_kernels_of((enum k_path)path)) {
            fprintf(stderr, "%s: not on this processor\n", names[path]);
            continue;
        }
        /* Every path sees the same numbers. */
        random_start(seed);
        const size_t before = checks;
        judge_functions((enum k_path)path, names[path]);
        judge_convolutions((enum k_path)path);
        judge_winograd((enum k_path)path);
        judge_frames((enum k_path)path, names[path]);
        judge_levels((enum k_path)path, names[path]);
        judge_tensors((enum k_path)path);
        fprintf(stderr, "%s: %s, %zu checks\n", names[path],
                k_convolution_of((enum k_path)path, K_FP32, 0)->name, checks - before);
    }
    if (faults > 0)
        fprintf(stderr, "%zu faults; again with: %s %llu\n", faults, argv[0],
                (unsigned long long)seed);
    return faults > 0;
}
