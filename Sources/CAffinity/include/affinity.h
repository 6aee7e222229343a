/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What Swift cannot call itself: CPU affinity, which glibc declares for C with _GNU_SOURCE alone,
 * sched_setattr, which many do not declare, and prctl, whose arguments are variable.
 */
#ifndef FRAMELOOM_AFFINITY_H
#define FRAMELOOM_AFFINITY_H

#include <stddef.h>
#include <stdint.h>

/* The calling thread's CPUs, one bit each, lowest first; 0 or an errno. `bytes` is a multiple of 8. */
int affinity_get(uint64_t *mask, size_t bytes);
int affinity_set(const uint64_t *mask, size_t bytes);

/* How long the calling thread runs at a time where others want its CPU, 100,000 to 100,000,000
 * nanoseconds; its share of the time stays the same. Whoever asks for less is run sooner when it wakes
 * (EEVDF, Linux 6.12; older ones take it and ignore it). `nice` is taken as well where it is allowed
 * (RLIMIT_NICE, CAP_SYS_NICE). 0 or an errno: EINVAL also for threads that are scheduled otherwise. */
int slice_set(uint64_t nanoseconds, int32_t nice);

/* Of the calling thread. */
int nice_get(void);

/* From now on SIGTERM comes when the process `parent`, which started this one, ends in whatever way;
 * 0, ESRCH where it has ended, or an errno. */
int end_with_parent(int64_t parent);

#endif
