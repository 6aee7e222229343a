/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */

#define _GNU_SOURCE
#include "fuzzer.h"

#include <sys/mman.h>

int fuzz_memory_file(unsigned int flags) { return memfd_create("frameloom-fuzz", flags); }
