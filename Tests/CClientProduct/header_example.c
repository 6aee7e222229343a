/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What is around the example at the top of frame_client.h, which `run` takes out of it: an engine
 * whose fifth frame has a camera that the daemon refuses. Prints the ids of the pictures shown.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "frame_client.h"

#define FRAMES 12
#define BAD_FRAME 5
/* The example draws in an order of its own; here frames are told apart by their ids. */
#define is_drawing() (id <= FRAMES)
#define draw(frame, planes) draw_frame(id, frame, planes)

static unsigned char pixels[1280 * 720 * 4];
static unsigned char base_color[1280 * 720 * 4], roughness[1280 * 720];
static uint32_t normals[1280 * 720];
static float depth[1280 * 720];

static void draw_frame(uint64_t id, fl_frame *frame, const void *planes[4]) {
    memset(frame, 0, sizeof *frame);
    frame->exposure = 1, frame->history_trust = 1;
    fl_camera *camera = &frame->camera;
    camera->fx = camera->fy = 800, camera->cx = 640, camera->cy = 360;
    for (int i = 0; i < 4; i++) camera->camera_to_world[i * 5] = 1;
    camera->camera_to_world[3] = 0.01 * (double)id;
    if (id == BAD_FRAME) camera->fx = -1;
    for (int i = 0; i < 1280 * 720; i++) {
        base_color[i * 4] = (unsigned char)(i / 1280), base_color[i * 4 + 1] = 120;
        normals[i] = 512u | 512u << 10 | 1023u << 20;
        depth[i] = 5, roughness[i] = 128;
    }
    planes[0] = base_color, planes[1] = normals, planes[2] = depth, planes[3] = roughness;
}

static void show(uint64_t frame_id, const unsigned char *shown) {
    printf("%llu %d\n", (unsigned long long)frame_id, shown[3]);
    fflush(stdout);
}

int main(void) {
#include "header_example.inc"
    return code != 0;
}
