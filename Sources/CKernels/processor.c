/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "kernels.h"

#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#ifndef HWCAP_CPUID
#define HWCAP_CPUID (1 << 11)
#endif
#endif

/* Appends what is printable, as far as there is room. */
static size_t put(char *name, size_t at, const char *text)
{
    for (; *text && at + 1 < K_PROCESSOR_NAME; text++)
        name[at++] = *text >= ' ' && *text <= '~' ? *text : '?';
    name[at] = 0;
    return at;
}

#if defined(__x86_64__) || (defined(__aarch64__) && defined(__linux__))
static size_t put_hexadecimal(char *name, size_t at, uint32_t value)
{
    char digits[12] = " ";
    for (unsigned i = 0; i < 8; i++)
        digits[1 + i] = "0123456789abcdef"[value >> (28 - 4 * i) & 15];
    return put(name, at, digits);
}
#endif

void k_processor_name(char name[K_PROCESSOR_NAME])
{
    size_t at = 0;
    name[0] = 0;
#if defined(__x86_64__)
    uint32_t a, b, c, d;
    char brand[49] = {0};
    for (uint32_t leaf = 0; leaf < 3; leaf++) {
        if (!__get_cpuid(0x80000002u + leaf, &a, &b, &c, &d))
            break;
        const uint32_t words[4] = {a, b, c, d};
        __builtin_memcpy(brand + 16 * leaf, words, 16);
    }
    at = put(name, at, brand[0] ? brand : "x86-64");
    if (__get_cpuid(1, &a, &b, &c, &d))
        at = put_hexadecimal(name, at, a);
#elif defined(__aarch64__) && defined(__linux__)
    at = put(name, at, "aarch64");
    if (getauxval(AT_HWCAP) & HWCAP_CPUID) {
        uint64_t identity; /* the kernel answers for user programs */
        __asm__("mrs %0, midr_el1" : "=r"(identity));
        at = put_hexadecimal(name, at, (uint32_t)identity);
    }
#else
    at = put(name, at, "unknown");
#endif
    (void)at;
}
