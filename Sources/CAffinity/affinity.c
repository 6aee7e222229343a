/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 */
#define _GNU_SOURCE
#include "affinity.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int affinity_get(uint64_t *mask, size_t bytes) {
    return sched_getaffinity(0, bytes, (cpu_set_t *)mask) == 0 ? 0 : errno;
}

int affinity_set(const uint64_t *mask, size_t bytes) {
    return sched_setaffinity(0, bytes, (const cpu_set_t *)mask) == 0 ? 0 : errno;
}

/* As the kernel has it (sched_setattr(2)); older C libraries do not declare it. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

int slice_set(uint64_t nanoseconds, int32_t nice) {
    struct scheduling own = {.size = sizeof own};
    if (syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) != 0) return errno;
    if (own.policy != SCHED_OTHER && own.policy != SCHED_BATCH) return EINVAL;
    own.runtime = nanoseconds;
    const int32_t before = own.nice;
    own.nice = nice;
    if (syscall(SYS_sched_setattr, 0, &own, 0) == 0) return 0;
    if (errno != EPERM && errno != EACCES) return errno;
    own.nice = before;
    return syscall(SYS_sched_setattr, 0, &own, 0) == 0 ? 0 : errno;
}

int nice_get(void) {
    struct scheduling own = {.size = sizeof own};
    return syscall(SYS_sched_getattr, 0, &own, sizeof own, 0) == 0 ? own.nice : 0;
}

int end_with_parent(int64_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) return errno;
    /* It may have ended before it was asked for. */
    return getppid() == parent ? 0 : ESRCH;
}
