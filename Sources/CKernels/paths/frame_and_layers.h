/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Frame and layers on one kernel path; included once by each of the paths, never elsewhere. */

/* A product and a sum are fused where this text says so and nowhere else: the compiler's own choice
 * would change the bytes between versions. */
#pragma clang fp contract(off)
/* Functions that pass vectors are always inlined: no calling convention is involved. */
#pragma clang diagnostic ignored "-Wpsabi"

#include "vectors.h"
#include "functions.h"
#include "layers/dots.h"
#include "layers/finish.h"
#include "layers/convolutions.h"
#include "layers/winograd.h"
#include "frame/history.h"
#include "frame/planes.h"
#include "frame/geometry.h"
#include "frame/place.h"
#include "frame/mean.h"
#include "frame/features.h"
#include "frame/composition.h"
#include "frame/level_reduce.h"
#include "frame/level_raise.h"

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
