/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 */
#define _GNU_SOURCE
#include "affinity.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int affinity_get(uint64_t *mask, size_t bytes) {
    return sched_getaffinity(0, bytes, (cpu_set_t *)mask) == 0 ? 0 : errno;
}

int affinity_set(const uint64_t *mask, size_t bytes) {
    return sched_setaffinity(0, bytes, (const cpu_set_t *)mask) == 0 ? 0 : errno;
}

int end_with_parent(int64_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) return errno;
    /* It may have ended before it was asked for. */
    return getppid() == parent ? 0 : ESRCH;
}
