/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#ifndef FRAMELOOM_MEMORY_POLICY_H
#define FRAMELOOM_MEMORY_POLICY_H

/* Few heaps, and large pieces mapped by themselves whatever was freed before (glibc otherwise raises
 * that limit by itself): what sessions let go of then goes back to the system. Before any thread. */
void fm_return_freed_memory(void);

/* Gives the heap's free pages back; takes up to milliseconds for a large heap. Any thread. */
void fm_trim_heap(void);

#endif
