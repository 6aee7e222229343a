/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Everything of one kernel path; included once by each path_*.c, never elsewhere. */

/* A product and a sum are fused where this text says so and nowhere else: the compiler's own choice
 * would change the bytes between versions. */
#pragma clang fp contract(off)
/* Functions that pass vectors are always inlined: no calling convention is involved. */
#pragma clang diagnostic ignored "-Wpsabi"

#include "path_vectors.h"
#include "path_functions.h"
#include "path_dots.h"
#include "path_finish.h"
#include "path_convolutions.h"
#include "path_winograd.h"
#include "path_history.h"
#include "path_planes.h"
#include "path_geometry.h"
#include "path_place.h"
#include "path_mean.h"
#include "path_features.h"
#include "path_composition.h"

extern const k_kernels PATH_TABLE;
const k_kernels PATH_TABLE = {
    .convert = convert_tile,
    .exp = map_exp,
    .log = map_log,
    .tanh = map_tanh,
    .sigmoid = map_sigmoid,
    .softplus = map_softplus,
    .srgb = map_srgb,
    .expand_history = expand_history,
    .load = load_planes,
    .reproject = reproject,
    .average = average_base,
    .warp = warp,
    .place = place,
    .read_places = read_places,
    .pack = pack_features,
    .cells = render_cells,
    .compose = compose,
    .pictures = render_pictures,
};
