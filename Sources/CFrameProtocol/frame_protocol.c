/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * No code: compiling the header here proves the sizes that the wire promises. */
#include "frame_protocol.h"

_Static_assert(sizeof(fl_header) == FL_HEADER_BYTES, "fl_header");
_Static_assert(sizeof(fl_plane) == 8, "fl_plane");
_Static_assert(sizeof(fl_camera) == 176, "fl_camera");
_Static_assert(sizeof(fl_open) == 328, "fl_open");
_Static_assert(sizeof(fl_history) == 216, "fl_history");
_Static_assert(sizeof(fl_frame) == 208, "fl_frame");
_Static_assert(sizeof(fl_opened) == 304, "fl_opened");
_Static_assert(sizeof(fl_picture) == 360, "fl_picture");
_Static_assert(sizeof(fl_error) == 344, "fl_error");
