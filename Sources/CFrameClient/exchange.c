/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#define _GNU_SOURCE /* clock_gettime, CMSG_SPACE */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

fc_deadline fc_deadline_in(int timeout_ms) {
    return (fc_deadline){timeout_ms < 0 ? -1 : now_ms() + timeout_ms};
}

/* As poll() wants it: negative for ever. */
int fc_remaining_ms(fc_deadline deadline) {
    if (deadline.at_ms < 0) return -1;
    int64_t remaining = deadline.at_ms - now_ms();
    return remaining > 0 ? (int)remaining : 0;
}

static bool is_written(const fc_outgoing *out) { return out->sent == out->total; }

static bool has_unwritten_frame(const fc_client *client) {
    if (!client->is_running) return false;
    for (int i = 0; i < client->queue_count; i++)
        if (!is_written(&client->queue[i]->out)) return true;
    return false;
}

bool fc_has_output(const fc_client *client) {
    if (client->broken != 0 || client->write_failed) return false;
    return !is_written(&client->control) || has_unwritten_frame(client);
}

/* What of the parts is not yet sent; returns their number. */
static int unsent_parts(const fc_outgoing *out, struct iovec parts[FC_MAX_PARTS]) {
    size_t skip = out->sent;
    int count = 0;
    for (int i = 0; i < out->part_count; i++) {
        struct iovec part = out->parts[i];
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        part.iov_base = (unsigned char *)part.iov_base + skip;
        part.iov_len -= skip;
        skip = 0;
        parts[count++] = part;
    }
    return count;
}

/* Writes until done or the socket is full; returns whether the message is done. */
static bool write_message(fc_client *client, fc_outgoing *out) {
    while (!is_written(out)) {
        struct iovec parts[FC_MAX_PARTS];
        struct msghdr message = {0};
        message.msg_iov = parts;
        message.msg_iovlen = (size_t)unsent_parts(out, parts);
        union {
            struct cmsghdr header;
            unsigned char bytes[CMSG_SPACE(sizeof(int))];
        } attached;
        if (out->is_attached && out->sent + 1 == out->total) {
            memset(&attached, 0, sizeof attached);
            attached.header.cmsg_len = CMSG_LEN(sizeof(int));
            attached.header.cmsg_level = SOL_SOCKET;
            attached.header.cmsg_type = SCM_RIGHTS;
            memcpy(CMSG_DATA(&attached.header), &out->descriptor, sizeof(int));
            message.msg_control = &attached;
            message.msg_controllen = sizeof attached;
        } else if (out->is_attached) {
            /* The byte that carries the descriptor goes by itself. */
            message.msg_iovlen--;
        }
        ssize_t count = sendmsg(client->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK) client->write_failed = true;
            return false;
        }
        out->sent += (size_t)count;
    }
    return true;
}

static void write_due(fc_client *client) {
    if (client->write_failed) return;
    if (client->is_running) {
        for (int i = 0; i < client->queue_count; i++)
            if (!write_message(client, &client->queue[i]->out)) return;
        fc_trim_queue(client);
    }
    write_message(client, &client->control);
}

static bool is_reached(const fc_client *client, fc_until until) {
    switch (until) {
    case FC_UNTIL_NOW: return true;
    case FC_UNTIL_SENT: return is_written(&client->control) && !has_unwritten_frame(client);
    case FC_UNTIL_REPLY: return client->reply_count > 0 || fc_unanswered(client) == 0;
    case FC_UNTIL_ANSWERED:
        return !client->waits_for_opened && !client->waits_for_closed && !client->waits_for_shared;
    }
    return true;
}

int fc_exchange(fc_client *client, fc_until until, fc_deadline deadline) {
    for (;;) {
        if (client->broken != 0) return client->broken;
        write_due(client);
        fc_receive(client);
        bool is_answered = is_reached(client, FC_UNTIL_ANSWERED);
        if (until == FC_UNTIL_ANSWERED && client->broken == 0 && is_answered) return 0;
        /* Only now: the daemon's reason to close was still to be read. */
        if (client->write_failed) fc_lose(client, "the daemon is gone: it takes nothing any more");
        if (client->broken != 0) return client->broken;
        if (is_reached(client, until)) return 0;

        int remaining = fc_remaining_ms(deadline);
        if (remaining == 0) return FC_ERROR_TIMEOUT;
        struct pollfd events = {client->fd, POLLIN, 0};
        if (fc_has_output(client)) events.events |= POLLOUT;
        if (poll(&events, 1, remaining) < 0 && errno != EINTR) {
            fc_fail(client, FC_ERROR_SYSTEM);
            return FC_ERROR_SYSTEM;
        }
    }
}
