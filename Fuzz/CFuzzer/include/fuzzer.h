/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */

#ifndef FRAMELOOM_FUZZER_H
#define FRAMELOOM_FUZZER_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's loop, from clang's runtime (https://llvm.org/docs/LibFuzzer.html): calls `callback` with
 * one input after the other until its options end it. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*callback)(const uint8_t *data, size_t size));

/* memfd_create, which Swift's Glibc does not export: a file in memory, or -1. */
int fuzz_memory_file(unsigned int flags);

#endif
