/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * A random model and a random frame with its history: sizes that are no multiples of anything, planes
 * of any format, rows that are longer than they need be or lie bottom up. */
#ifndef FRAMELOOM_SCENE_H
#define FRAMELOOM_SCENE_H

#include "judge.h"

typedef struct scene {
    k_model model;
    k_frame frame;
    size_t channels; /* of the features, padded */
} scene;

/* Until free_memory. */
void make_scene(scene *s);
/* Other memory for what a frame writes, of the same size. */
void make_results(k_frame *frame);

#endif
