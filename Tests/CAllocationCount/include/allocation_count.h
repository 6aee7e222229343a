/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#ifndef FRAMELOOM_ALLOCATION_COUNT_H
#define FRAMELOOM_ALLOCATION_COUNT_H

#include <stdint.h>

/* Heap allocations that the calling thread has made in this test process. 0 for ever where a
 * sanitizer has taken malloc's place. */
uint64_t allocation_count(void);

#endif
