/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int code_of_connect_error(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED: return FC_ERROR_NO_DAEMON;
    case EACCES:
    case EPERM: return FC_ERROR_PERMISSION;
    default: return FC_ERROR_SYSTEM;
    }
}

/* `folder` and `name` in one. */
int fc_address(struct sockaddr_un *address, const char *folder, const char *name) {
    size_t folder_bytes = strlen(folder), name_bytes = strlen(name);
    if (folder_bytes == 0) return FC_ERROR_ARGUMENT;
    if (folder_bytes + name_bytes >= sizeof address->sun_path) return FC_ERROR_PATH;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, folder, folder_bytes);
    memcpy(address->sun_path + folder_bytes, name, name_bytes);
    return 0;
}

/* Where the daemon listens by default: the same rule as its own. */
int fc_default_address(struct sockaddr_un *address) {
    const char *stated = getenv("FRAMELOOM_SOCKET");
    if (stated != NULL && stated[0] != 0) return fc_address(address, stated, "");
    const char *runtime = geteuid() == 0 ? NULL : getenv("XDG_RUNTIME_DIR");
    if (runtime == NULL || runtime[0] == 0) runtime = "/run";
    return fc_address(address, runtime, "/frameloom/frames.sock");
}

/* `waits_for_daemon`: somebody may start to listen before the deadline. */
int fc_socket_connect(const struct sockaddr_un *address, fc_deadline deadline,
                      bool waits_for_daemon, int *fd) {
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0) return FC_ERROR_SYSTEM;
    /* A frame is megabytes: fewer wake-ups. The system may grant less, which only costs time. */
    int buffer_bytes = 1 << 20;
    setsockopt(made, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    for (;;) {
        if (connect(made, (const struct sockaddr *)address, sizeof *address) == 0) {
            *fd = made;
            return 0;
        }
        int error = errno;
        int code = code_of_connect_error(error);
        bool may_change = error == EAGAIN || error == EINTR ||
                          (waits_for_daemon && code == FC_ERROR_NO_DAEMON);
        int remaining = fc_remaining_ms(deadline);
        if (!may_change || remaining == 0) {
            close(made);
            return error == EAGAIN || error == EINTR ? FC_ERROR_TIMEOUT : code;
        }
        /* A full queue of a Unix socket cannot be polled for. */
        poll(NULL, 0, remaining > 0 && remaining < 5 ? remaining : 5);
    }
}

/* Takes over what the daemon agreed to, after checking that both mean the same sizes. */
static int agree(fc_client *client, const fl_open *open) {
    const fl_opened *opened = &client->opened;
    size_t plane_bytes[FL_MAX_PLANES] = {0};
    uint64_t total = 0;
    bool is_sound = open->width <= FL_MAX_SIDE && open->height <= FL_MAX_SIDE &&
                    open->plane_count <= FL_MAX_PLANES && opened->max_frames_in_flight > 0;
    for (int i = 0; is_sound && i < open->plane_count; i++) {
        size_t packed = (size_t)open->width * fc_pixel_bytes(open->planes[i].format);
        size_t stride = open->planes[i].row_stride != 0 ? open->planes[i].row_stride : packed;
        if (!fc_has_bytes(&open->planes[i])) continue;
        is_sound = packed > 0 && stride >= packed;
        plane_bytes[i] = stride * open->height;
        total += plane_bytes[i];
    }
    uint64_t picture_bytes = (uint64_t)open->width * open->height * 4;
    if (!is_sound || opened->payload_bytes != total || opened->picture_bytes != picture_bytes) {
        fc_complain(client, "frames of %llu bytes and pictures of %llu do not fit the planes sent",
                    (unsigned long long)opened->payload_bytes,
                    (unsigned long long)opened->picture_bytes);
        return FC_ERROR_PROTOCOL;
    }
    client->agreement = *open;
    memcpy(client->plane_bytes, plane_bytes, sizeof plane_bytes);
    client->payload_bytes = total;
    client->picture_bytes = picture_bytes;
    client->limit = opened->max_frames_in_flight < FC_MAX_IN_FLIGHT
                        ? (int)opened->max_frames_in_flight
                        : FC_MAX_IN_FLIGHT;
    return 0;
}

/* Sends FL_OPEN or FL_RECONFIGURE and takes over the new agreement. */
int fc_exchange_open(fc_client *client, uint16_t type, uint32_t flags, const fl_open *open,
                     const fl_history *history, const struct iovec *payload, int payload_count,
                     fc_deadline deadline) {
    size_t head_bytes = sizeof(fl_header) + sizeof(fl_open);
    fl_header *header = &client->control_head.header;
    *header = (fl_header){FL_MAGIC, FL_VERSION, type, flags, sizeof(fl_open), 0, 0};
    client->control_head.open = *open;
    if (history != NULL) {
        client->control_head.history = *history;
        header->flags |= FL_OPEN_HISTORY;
        header->body_bytes += (uint32_t)sizeof(fl_history);
        head_bytes += sizeof(fl_history);
    }
    fc_outgoing_start(&client->control, &client->control_head, head_bytes);
    for (int i = 0; i < payload_count; i++) {
        fc_outgoing_add(&client->control, payload[i].iov_base, payload[i].iov_len);
        header->payload_bytes += payload[i].iov_len;
    }
    client->was_refused = false;
    client->waits_for_opened = true;
    int code = fc_exchange(client, FC_UNTIL_ANSWERED, deadline);
    /* Half a message or half an answer: nothing more can be said on this connection. */
    if (code == FC_ERROR_TIMEOUT) fc_lose(client, "the daemon did not open the session in time");
    client->waits_for_opened = false;
    fc_outgoing_start(&client->control, NULL, 0);
    if (code == FC_ERROR_SESSION || (code == 0 && client->was_refused)) return FC_ERROR_REFUSED;
    if (code != 0) return code;
    return agree(client, open);
}
