/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What Swift cannot call itself: CPU affinity, which glibc declares for C with _GNU_SOURCE alone, and
 * prctl, whose arguments are variable.
 */
#ifndef FRAMELOOM_AFFINITY_H
#define FRAMELOOM_AFFINITY_H

#include <stddef.h>
#include <stdint.h>

/* The calling thread's CPUs, one bit each, lowest first; 0 or an errno. `bytes` is a multiple of 8. */
int affinity_get(uint64_t *mask, size_t bytes);
int affinity_set(const uint64_t *mask, size_t bytes);

/* From now on SIGTERM comes when the process `parent`, which started this one, ends in whatever way;
 * 0, ESRCH where it has ended, or an errno. */
int end_with_parent(int64_t parent);

#endif
