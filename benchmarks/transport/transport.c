/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Sends one frame again and again, as an engine whose picture stands still, and prints what each round
 * trip cost. See run.py.
 *
 *     transport SOCKET DAEMON WIDTH HEIGHT FRAMES inline|shared
 *
 * Prints six numbers: milliseconds a round trip, median and 99th percentile; processor time in
 * milliseconds a frame of this process, of the daemon's loop thread, and of its other threads; frames that
 * were rendered after all. DAEMON: its process id.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frame_client.h"

enum { REST = 100, PATIENCE = 1000 };

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Of the main thread, where the event loop runs. */
static double loop_seconds(int daemon) {
    char path[64];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", daemon, daemon);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%llu", &ns) != 1) exit(3);
    fclose(file);
    return 1e-9 * (double)ns;
}

static double process_seconds(int daemon) {
    clockid_t clock;
    if (clock_getcpuclockid(daemon, &clock) != 0) exit(3);
    return seconds(clock);
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static fc_client *client;
static unsigned char *picture;
static size_t picture_bytes;
static uint64_t last_id;

static void check(int code, const char *what) {
    if (code == 0) return;
    fprintf(stderr, "%s: %s\n", what, fc_explain(client, code));
    exit(1);
}

/* The planes are drawn where the client has them, as a read-back would; what is there from the frame
 * before is what this one holds too. */
static float round_trip(const fl_frame *frame, const void *const drawn[4], const size_t bytes[4],
                        int *slots) {
    void *planes[4];
    check(fc_planes(client, planes), "fc_planes");
    /* Memory that goes round: each piece is drawn once. */
    if (*slots > 0) {
        for (int i = 0; i < 4; i++) memcpy(planes[i], drawn[i], bytes[i]);
        --*slots;
    }
    check(fc_send(client, ++last_id, FL_FRAME_HAS_CAMERA | FL_FRAME_APPROXIMATE, frame,
                  (const void *const *)planes, 30000), "fc_send");
    fc_reply reply;
    check(fc_wait(client, &reply, picture, picture_bytes, 30000), "fc_wait");
    return reply.picture.computed_share;
}

int main(int count, char **arguments) {
    if (count != 7) return 2;
    int daemon = atoi(arguments[2]), frames = atoi(arguments[5]);
    uint32_t width = (uint32_t)atoi(arguments[3]), height = (uint32_t)atoi(arguments[4]);
    size_t pixels = (size_t)width * height;
    picture_bytes = pixels * 4;
    const size_t bytes[4] = {pixels * 4, pixels * 4, pixels * 4, pixels};
    unsigned char *base = malloc(pixels * 4), *roughness = malloc(pixels);
    uint32_t *normals = malloc(pixels * 4);
    float *depth = malloc(pixels * 4);
    double *times = malloc((size_t)frames * sizeof *times);
    picture = malloc(picture_bytes);
    if (!base || !roughness || !normals || !depth || !times || !picture) return 1;
    srand(1);
    for (size_t i = 0; i < pixels; i++) {
        for (int c = 0; c < 4; c++) base[i * 4 + (size_t)c] = (unsigned char)rand();
        normals[i] = 512u | 512u << 10 | 1023u << 20;
        depth[i] = 5, roughness[i] = 128;
    }

    fl_open open;
    memset(&open, 0, sizeof open);
    open.width = width, open.height = height;
    open.picture_format = FL_PICTURE_RGBA8_SRGB;
    open.depth_kind = FL_DEPTH_LINEAR, open.depth_scale = 1;
    open.features = FL_FEATURE_INCREMENTAL;
    open.plane_count = 4;
    open.planes[0].kind = FL_BASE_COLOR, open.planes[0].format = FL_RGBA8_SRGB;
    open.planes[1].kind = FL_NORMALS, open.planes[1].format = FL_RGB10A2;
    open.planes[2].kind = FL_DEPTH, open.planes[2].format = FL_R32F;
    open.planes[3].kind = FL_ROUGHNESS, open.planes[3].format = FL_R8;
    fl_frame frame;
    memset(&frame, 0, sizeof frame);
    frame.exposure = 1, frame.history_trust = 1;
    frame.camera.fx = frame.camera.fy = height;
    frame.camera.cx = width / 2.0, frame.camera.cy = height / 2.0;
    for (int i = 0; i < 4; i++) frame.camera.camera_to_world[i * 5] = 1;
    frame.camera.camera_to_world[7] = 1.6;

    check(fc_connect(arguments[1], 1000, &client), "fc_connect");
    check(fc_share_memory(client, strcmp(arguments[6], "shared") == 0), "fc_share_memory");
    check(fc_open(client, &open, NULL, 30000), "fc_open");
    if (fc_is_sharing(client) != (strcmp(arguments[6], "shared") == 0)) return 4;

    const void *drawn[4] = {base, normals, depth, roughness};
    int slots = FC_MAX_IN_FLIGHT + 2, at_rest = 0;
    /* Until nothing is rendered any more for long, and the doctor has seen what it looks at first. */
    for (int i = 0; i < PATIENCE && at_rest < REST; i++)
        at_rest = round_trip(&frame, drawn, bytes, &slots) == 0 ? at_rest + 1 : 0;

    int rendered = 0;
    double own = seconds(CLOCK_PROCESS_CPUTIME_ID);
    double loop = loop_seconds(daemon), all = process_seconds(daemon);
    for (int i = 0; i < frames; i++) {
        double start = seconds(CLOCK_MONOTONIC);
        rendered += round_trip(&frame, drawn, bytes, &slots) > 0;
        times[i] = 1000 * (seconds(CLOCK_MONOTONIC) - start);
    }
    own = seconds(CLOCK_PROCESS_CPUTIME_ID) - own;
    loop = loop_seconds(daemon) - loop, all = process_seconds(daemon) - all;
    qsort(times, (size_t)frames, sizeof *times, by_size);
    double scale = 1000.0 / frames;
    printf("%f %f %f %f %f %d\n", times[frames / 2], times[frames * 99 / 100], own * scale,
           loop * scale, (all - loop) * scale, rendered);
    fc_close(client);
    free(base), free(normals), free(depth), free(roughness), free(times), free(picture);
    return 0;
}
