/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Frameloom client for game engines: C11 (or C++), libc only, no threads, no globals.
 *
 *     fl_open open;
 *     memset(&open, 0, sizeof open);
 *     open.width = 1280, open.height = 720;
 *     open.picture_format = FL_PICTURE_RGBA8_SRGB;
 *     open.depth_kind = FL_DEPTH_LINEAR, open.depth_scale = 1;
 *     open.plane_count = 4;
 *     open.planes[0].kind = FL_BASE_COLOR, open.planes[0].format = FL_RGBA8_SRGB;
 *     open.planes[1].kind = FL_NORMALS, open.planes[1].format = FL_RGB10A2;
 *     open.planes[2].kind = FL_DEPTH, open.planes[2].format = FL_R32F;
 *     open.planes[3].kind = FL_ROUGHNESS, open.planes[3].format = FL_R8;
 *
 *     fc_client *client = NULL;
 *     int code = fc_connect(NULL, 1000, &client);
 *     if (code == 0) code = fc_open(client, &open, NULL, 30000);
 *     uint64_t id = 1;
 *     while (code == 0) {
 *         if (is_drawing() && fc_in_flight(client) < 2 && fc_poll(client) == 0) {
 *             fl_frame frame;
 *             const void *planes[4];
 *             draw(&frame, planes);
 *             code = fc_send(client, id, FL_FRAME_HAS_CAMERA, &frame, planes, 1000);
 *             if (code == 0) id++;
 *         } else {
 *             fc_reply reply;
 *             code = fc_wait(client, &reply, pixels, sizeof pixels, 10000);
 *             if (code == 0) show(reply.frame_id, pixels);
 *         }
 *         if (code == FC_ERROR_FRAME) {
 *             fprintf(stderr, "a frame failed: %s\n", fc_explain(client, code));
 *             code = 0;
 *         } else if (code == FC_ERROR_CLOSED) {
 *             fprintf(stderr, "resuming: %s\n", fc_explain(client, code));
 *             code = fc_resume(client, NULL, 30000);
 *         }
 *     }
 *     if (code == FC_ERROR_EMPTY) code = fc_finish(client, 1000);
 *     if (code != 0) fprintf(stderr, "%s\n", fc_explain(client, code));
 *     fc_close(client);
 *
 * draw() fills the frame (exposure and history_trust 1, jitter, camera) and points at its planes.
 * The loop ends with FC_ERROR_EMPTY once nothing is drawn any more and the last picture was taken.
 *
 * Every call returns 0 (fc_poll: a count) or a negative FC_ERROR_ code. Timeouts are milliseconds:
 * 0 returns at once, negative waits without end. A client belongs to one thread at a time. No call
 * raises SIGPIPE, aborts or prints.
 *
 * Each call that waits both sends what is due and takes in what arrives, so neither side can
 * block the other for good, whatever the sizes of the socket buffers.
 *
 * Memory: at most (max_frames_in_flight + 1) pictures and, unless fc_keep_frames switched it off,
 * (max_frames_in_flight + 2) frames; max_frames_in_flight is the daemon's, up to FC_MAX_IN_FLIGHT.
 */
#ifndef FRAMELOOM_FRAME_CLIENT_H
#define FRAMELOOM_FRAME_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "frame_protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FC_VERSION 1
#define FC_MAX_IN_FLIGHT 16

#define FC_ERROR_ARGUMENT (-1)    /* the call's own arguments are wrong; nothing was done */
#define FC_ERROR_STATE (-2)       /* not now: no session is open, or one is open already */
#define FC_ERROR_MEMORY (-3)      /* no memory */
#define FC_ERROR_SYSTEM (-4)      /* a system call failed */
#define FC_ERROR_PATH (-5)        /* the socket path is longer than the system allows */
#define FC_ERROR_NO_DAEMON (-6)   /* nobody listens at the path */
#define FC_ERROR_PERMISSION (-7)  /* the socket belongs to somebody else */
#define FC_ERROR_TIMEOUT (-8)     /* the time is over */
#define FC_ERROR_CLOSED (-9)      /* the connection is broken or the daemon stops; see fc_resume */
#define FC_ERROR_PROTOCOL (-10)   /* the daemon broke the protocol; fc_last_error says how */
#define FC_ERROR_REFUSED (-11)    /* the daemon refused the call; fc_last_error says why */
#define FC_ERROR_SESSION (-12)    /* the daemon ended the session; fc_last_error says why */
#define FC_ERROR_FRAME (-13)      /* this frame failed, the session goes on; see fc_last_error */
#define FC_ERROR_FULL (-14)       /* as many frames are in flight as agreed: call fc_wait first */
#define FC_ERROR_EMPTY (-15)      /* no frame is in flight: there is nothing to wait for */
#define FC_ERROR_BUFFER (-16)     /* the picture is larger than the buffer; it was kept */
#define FC_ERROR_NOT_KEPT (-17)   /* frames are not kept: this connection cannot be resumed */
#define FC_ERROR_LAST FC_ERROR_NOT_KEPT

typedef struct fc_client fc_client;

/* What came back for a frame. */
typedef struct fc_reply {
    uint64_t frame_id;
    uint32_t flags; /* FL_PICTURE_... */
    uint32_t reserved;
    fl_picture picture; /* zeros with FC_ERROR_FRAME */
} fc_reply;

/* One sentence for a code; never NULL, also for codes that do not exist. */
const char *fc_strerror(int code);

/* What a call's code came from, in one sentence: what the daemon said or what broke, where that is
 * known, else as fc_strerror. Never NULL; `client` may be NULL; valid until the next call. */
const char *fc_explain(const fc_client *client, int code);

/* Connects to a daemon; waits only while its queue of new connections is full. `path`: its socket;
 * NULL: the environment variable FRAMELOOM_SOCKET, else where frameloomd listens by default
 * ($XDG_RUNTIME_DIR/frameloom/frames.sock, for root and without that variable
 * /run/frameloom/frames.sock). `*client` is set to NULL on failure. */
int fc_connect(const char *path, int timeout_ms, fc_client **client);

/* Ends the connection at once and frees everything; NULL is allowed. */
void fc_close(fc_client *client);

/* Before fc_open: 0 stops keeping frames, so that none is copied; fc_resume is then refused. */
int fc_keep_frames(fc_client *client, int keep);

/* Before fc_open: asks for frames and pictures in shared memory, for less copying on both sides. What
 * the daemon does not grant goes through the socket, and every call works the same. Needs frames to
 * be kept. Off by default; a daemon that is older than the feature refuses it by name in fc_open. */
int fc_share_memory(fc_client *client, int share);

/* Whether frames go through shared memory, on this connection. */
int fc_is_sharing(const fc_client *client);

/* Opens the session. `opened` may be NULL. After FC_ERROR_REFUSED the client is of no more use. */
int fc_open(fc_client *client, const fl_open *open, fl_opened *opened, int timeout_ms);

/* Opens with a history that the host kept itself. `planes`: picture, base color, depth and, if
 * FL_KNOWN is one of the agreed planes, its pixels; rows packed, in the formats of `open`. */
int fc_open_with_history(fc_client *client, const fl_open *open, const fl_history *history,
                         const void *const planes[], fl_opened *opened, int timeout_ms);

/* Agrees a new size or new planes, after the frames already sent. `flags`: 0 or
 * FL_OPEN_KEEP_HISTORY. Pictures of the old size are still to be taken with fc_wait. After
 * FC_ERROR_REFUSED fc_resume goes on with the old ones. */
int fc_reconfigure(fc_client *client, const fl_open *open, uint32_t flags, fl_opened *opened,
                   int timeout_ms);

/* Lets the next frame start without history (a camera cut); sends nothing by itself. */
int fc_reset(fc_client *client);

/* Sends a frame. `frame_id`: larger than every one before, from 1. `flags`: FL_FRAME_... `planes`:
 * one pointer for each agreed plane in the agreed order, each to height * row_stride bytes; those of planes
 * without bytes of their own (FL_PLANE_SAME_BYTES, FL_CONSTANT, FL_FROM_DEPTH) are not read.
 *
 * While frames are kept they are copied first: 0 is returned even if the time was too short to
 * write everything, and later calls (fc_wait, fc_poll, fc_send) write the rest. While they are not
 * kept they are written from where they are: FC_ERROR_TIMEOUT then means that nothing of this frame
 * was sent, FC_ERROR_CLOSED after a time-out in the middle of it. */
int fc_send(fc_client *client, uint64_t frame_id, uint32_t flags, const fl_frame *frame,
            const void *const planes[], int timeout_ms);

/* Where the planes of the next frame may be drawn, one pointer for each agreed plane: given to the
 * fc_send that follows, with no other call between, they are not copied. Rows as agreed; the memory
 * is the client's, holds what an older frame left there, and is valid until that fc_send. */
int fc_planes(fc_client *client, void *planes[]);

/* Takes the next reply: pictures come in the order of the frames, the error of a frame as soon as
 * it is known. `reply` may be NULL. `pixels` may be NULL: the picture is then thrown away. With
 * FC_ERROR_FRAME reply->frame_id says which frame failed. Replies that arrived before a connection
 * broke are given out before its error is. */
int fc_wait(fc_client *client, fc_reply *reply, void *pixels, size_t pixel_bytes, int timeout_ms);

/* Sends and receives what can be without waiting; returns how many replies fc_wait would give at
 * once, or the error of a broken connection when there are none. */
int fc_poll(fc_client *client);

/* For the host's own poll loop: the socket (it changes in fc_resume) and the events that fc_poll is
 * to be called on (POLLIN, POLLOUT); -1 and 0 while the connection is broken. */
int fc_fd(const fc_client *client);
int fc_events(const fc_client *client);

/* Bytes of the next picture that fc_wait will give, else of the agreed size; 0 before fc_open. */
size_t fc_picture_bytes(const fc_client *client);

/* Frames sent and neither answered nor dropped. */
int fc_in_flight(const fc_client *client);

/* Connects anew (waiting for a daemon that is being restarted), opens the session with the history
 * of the last picture that arrived, and sends the unanswered frames again in order. Pictures then
 * go on with the same bytes, where the daemon has the same model and kernel path (see `opened`,
 * which may be NULL), no frame was approximate and base color did not change where pixels stood
 * still (its mean over frames begins anew). May be tried again after an error. A frame that
 * was refused or dropped counts as answered. */
int fc_resume(fc_client *client, fl_opened *opened, int timeout_ms);

/* Closes in good order: everything sent is finished, then the session ends. Pictures that arrived
 * are still given out by fc_wait. */
int fc_finish(fc_client *client, int timeout_ms);

/* The daemon's last error, or what was wrong with its last message or broke the connection (code
 * 0); all zero before the first. Never NULL; valid until the next call. */
const fl_error *fc_last_error(const fc_client *client);

#ifdef __cplusplus
}
#endif

#endif
