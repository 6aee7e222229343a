/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * An engine in one file: draws the G-buffer of a room with a moving camera, has the daemon light it,
 * and writes the last picture. C11 and C++17.
 *
 *     room [FRAMES [PICTURE.ppm]]
 *
 * The loop at the end is that of frame_client.h: it goes on where the daemon is restarted or killed.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_client.h"

enum { WIDTH = 256, HEIGHT = 144, PIXELS = WIDTH * HEIGHT };

/* What an engine reads back from the graphics card. */
static unsigned char base_color[PIXELS * 4]; /* sRGB; alpha is not used */
static uint32_t normals[PIXELS];             /* world space, ten bits each, red lowest */
static float depth[PIXELS];                  /* metres along the view axis, not along the ray */
static unsigned char roughness[PIXELS];
static unsigned char picture[PIXELS * 4];

/* The room: x from -4 to 4, y from 0 to 3, z from -6 to 6 metres. */
static const double least[3] = {-4, 0, -6}, most[3] = {4, 3, 6};

/* Where a ray from inside leaves the room: the distance, and through which wall. */
static double leave_room(const double from[3], const double ray[3], int *axis) {
    double nearest = INFINITY;
    for (int i = 0; i < 3; i++) {
        if (ray[i] == 0) continue;
        double distance = ((ray[i] > 0 ? most[i] : least[i]) - from[i]) / ray[i];
        if (distance < nearest) nearest = distance, *axis = i;
    }
    return nearest;
}

static uint32_t ten_bits(double value) { return (uint32_t)lround(value * 511.5 + 511.5); }

static void draw_pixel(int index, const fl_camera *camera, const double ray[3]) {
    const double eye[3] = {camera->camera_to_world[3], camera->camera_to_world[7],
                           camera->camera_to_world[11]};
    int axis = 0;
    double distance = leave_room(eye, ray, &axis);
    double normal[3] = {0, 0, 0};
    normal[axis] = ray[axis] > 0 ? -1 : 1;
    normals[index] = ten_bits(normal[0]) | ten_bits(normal[1]) << 10 | ten_bits(normal[2]) << 20;
    /* The rays below go one metre along the view axis, so this is planar depth. */
    depth[index] = (float)distance;

    double u = eye[(axis + 1) % 3] + ray[(axis + 1) % 3] * distance;
    double v = eye[(axis + 2) % 3] + ray[(axis + 2) % 3] * distance;
    int is_dark = ((int)floor(u) + (int)floor(v)) & 1;
    static const unsigned char colors[3][3] = {{170, 60, 50}, {150, 140, 120}, {70, 110, 150}};
    for (int c = 0; c < 3; c++)
        base_color[index * 4 + c] = (unsigned char)(colors[axis][c] * (is_dark ? 3 : 4) / 4);
    base_color[index * 4 + 3] = 255;
    roughness[index] = axis == 1 ? 90 : 200;
}

/* One frame: the camera walks along the room and looks around. */
static void draw(uint64_t id, fl_frame *frame, const void *planes[4]) {
    memset(frame, 0, sizeof *frame);
    frame->exposure = 1, frame->history_trust = 1;
    double angle = 0.6 * sin(0.05 * (double)id), s = sin(angle), c = cos(angle);
    /* Rows: right, up and back of the camera as columns, then its place, metres. */
    const double to_world[16] = {c, 0, s, 1.5 * sin(0.03 * (double)id),
                                 0, 1, 0, 1.6,
                                 -s, 0, c, 4,
                                 0, 0, 0, 1};
    fl_camera *camera = &frame->camera;
    camera->fx = camera->fy = HEIGHT;
    camera->cx = WIDTH / 2.0, camera->cy = HEIGHT / 2.0;
    memcpy(camera->camera_to_world, to_world, sizeof to_world);

    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            /* Pixel centers are at +0.5, y goes down, and the camera looks along -z. */
            double right = (x + 0.5 - camera->cx) / camera->fx;
            double up = -(y + 0.5 - camera->cy) / camera->fy;
            const double ray[3] = {c * right - s, up, -s * right - c};
            draw_pixel(y * WIDTH + x, camera, ray);
        }
    }
    planes[0] = base_color, planes[1] = normals, planes[2] = depth, planes[3] = roughness;
}

static void show(const fc_reply *reply) {
    uint32_t checksum = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < sizeof picture; i++) checksum = (checksum ^ picture[i]) * 16777619u;
    printf("frame %llu: history %llu, checksum %08x\n", (unsigned long long)reply->frame_id,
           (unsigned long long)reply->picture.history_frame, checksum);
    fflush(stdout);
}

static int write_picture(const char *path) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) return perror(path), 1;
    fprintf(file, "P6\n%d %d\n255\n", WIDTH, HEIGHT);
    for (int i = 0; i < PIXELS; i++) fwrite(picture + i * 4, 1, 3, file);
    if (fclose(file) != 0) return perror(path), 1;
    return 0;
}

static void describe(fl_open *open) {
    memset(open, 0, sizeof *open);
    open->width = WIDTH, open->height = HEIGHT;
    open->picture_format = FL_PICTURE_RGBA8_SRGB;
    open->depth_kind = FL_DEPTH_LINEAR, open->depth_scale = 1;
    open->mailbox = FL_MAILBOX_EVERY; /* a game wants FL_MAILBOX_LATEST */
    open->plane_count = 4;
    open->planes[0].kind = FL_BASE_COLOR, open->planes[0].format = FL_RGBA8_SRGB;
    open->planes[1].kind = FL_NORMALS, open->planes[1].format = FL_RGB10A2;
    open->planes[2].kind = FL_DEPTH, open->planes[2].format = FL_R32F;
    open->planes[3].kind = FL_ROUGHNESS, open->planes[3].format = FL_R8;
    strcpy(open->client_name, "room example");
}

int main(int argc, char **argv) {
    uint64_t frames = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;
    fl_open open;
    describe(&open);

    fc_client *client = NULL;
    int code = fc_connect(NULL, 1000, &client);
    if (code == 0) code = fc_open(client, &open, NULL, 60000);
    uint64_t id = 1;
    while (code == 0) {
        if (id <= frames && fc_in_flight(client) < 2 && fc_poll(client) == 0) {
            fl_frame frame;
            const void *planes[4];
            draw(id, &frame, planes);
            code = fc_send(client, id, FL_FRAME_HAS_CAMERA, &frame, planes, 1000);
            if (code == 0) id++;
        } else {
            fc_reply reply;
            code = fc_wait(client, &reply, picture, sizeof picture, 60000);
            if (code == 0) show(&reply);
        }
        if (code == FC_ERROR_FRAME) {
            fprintf(stderr, "a frame failed: %s\n", fc_explain(client, code));
            code = 0;
        } else if (code == FC_ERROR_CLOSED) {
            fprintf(stderr, "resuming: %s\n", fc_explain(client, code));
            code = fc_resume(client, NULL, 60000);
        }
    }
    if (code == FC_ERROR_EMPTY) code = fc_finish(client, 1000);
    if (code != 0) fprintf(stderr, "%s\n", fc_explain(client, code));
    fc_close(client);
    if (code != 0) return 1;
    return argc > 2 ? write_picture(argv[2]) : 0;
}
