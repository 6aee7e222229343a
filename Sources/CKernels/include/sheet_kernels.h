/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * A picture of what was understood of a frame: panels of a third of its sides, each pixel one of the
 * frame's, as the network reads it. For people, not for frames: plain loops. */
#ifndef FRAMELOOM_SHEET_KERNELS_H
#define FRAMELOOM_SHEET_KERNELS_H

#include "diffusion_kernels.h"

/* Row by row, three in each. */
enum k_panel {
    K_PANEL_BASE = 0, K_PANEL_NORMALS, K_PANEL_DEPTH, K_PANEL_ROUGHNESS, K_PANEL_METALLIC,
    K_PANEL_HISTORY, K_PANEL_TRUST, K_PANEL_COUNT
};
#define K_PANELS_ACROSS 3

typedef struct k_sheet {
    uint8_t *top; /* RGBA8, the sheet's top row */
    ptrdiff_t row_stride;
    int32_t panel_width, panel_height; /* pixels */
} k_sheet;

/* What the sheet says in words. */
typedef struct k_sheet_facts {
    float nearest, farthest;         /* metres, of surfaces; 0: there is none */
    uint32_t pixels, sky, continued; /* of a panel; `continued`: with history */
} k_sheet_facts;

/* Rows j0 ..< j1 of every panel, from planes and history of a bound frame. Depth is painted as
 * its four bytes, until k_sheet_finish. Writes nothing but the sheet. */
void k_sheet_rows(const k_kernels *kernels, const k_frame *frame, const k_sheet *sheet, size_t j0,
                  size_t j1);

/* The same of a framediffuser frame, after k_diffusion_inputs. */
void k_diffusion_sheet_rows(const k_frame *frame, const k_diffusion *diffusion,
                            const k_sheet *sheet, size_t j0, size_t j1);

/* Depth as brightness, sqrt(nearest / z), the sky blue; once all rows are painted. */
k_sheet_facts k_sheet_finish(const k_sheet *sheet);

#endif
