/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "frame_client.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client.h"

int fc_connect(const char *path, int timeout_ms, fc_client **client) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    *client = NULL;
    struct sockaddr_un address = {0};
    int code = path == NULL ? fc_default_address(&address) : fc_address(&address, path, "");
    if (code != 0) return code;

    fc_client *made = calloc(1, sizeof *made);
    if (made == NULL) return FC_ERROR_MEMORY;
    made->address = address;
    made->keeps_frames = true;
    for (int i = 0; i < FC_FRAMES; i++) made->frames[i].slot = -1;
    code = fc_socket_connect(&address, fc_deadline_in(timeout_ms), false, &made->fd);
    if (code != 0) {
        free(made);
        return code;
    }
    *client = made;
    return 0;
}

void fc_close(fc_client *client) {
    if (client == NULL) return;
    if (client->fd >= 0) close(client->fd);
    fc_forget_history(client);
    fc_unshare(client);
    for (int i = 0; i < FC_FRAMES; i++) free(client->frames[i].owned);
    for (int i = 0; i < FC_SLOTS; i++) free(client->slots[i].pixels);
    free(client);
}

int fc_keep_frames(fc_client *client, int keep) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    if (client->is_open) return FC_ERROR_STATE;
    client->keeps_frames = keep != 0;
    return 0;
}

static int finish_open(fc_client *client, int code, fl_opened *opened, fc_deadline deadline) {
    if (code != 0) return code;
    client->is_open = true;
    client->is_running = true;
    if (opened != NULL) *opened = client->opened;
    return fc_share(client, deadline);
}

/* As the host asked, and what this client asks for itself. */
static fl_open requested(const fc_client *client, const fl_open *open) {
    fl_open request = *open;
    if (client->shared.is_wanted && client->keeps_frames)
        request.features |= FL_FEATURE_SHARED_MEMORY;
    return request;
}

int fc_open(fc_client *client, const fl_open *open, fl_opened *opened, int timeout_ms) {
    if (client == NULL || open == NULL) return FC_ERROR_ARGUMENT;
    if (client->is_open) return FC_ERROR_STATE;
    if (client->broken != 0) return client->broken;
    fc_deadline deadline = fc_deadline_in(timeout_ms);
    fl_open request = requested(client, open);
    int code = fc_exchange_open(client, FL_OPEN, 0, &request, NULL, NULL, 0, deadline);
    return finish_open(client, code, opened, deadline);
}

/* Until the first picture comes, what the host gave is what resume needs. */
static int keep_given_history(fc_client *client, const fl_open *open, const fl_history *info,
                              const struct iovec *parts, int count) {
    if (!client->keeps_frames) return 0;
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
    fc_forget_history(client);
    fc_kept_history *history = &client->history;
    history->packed = malloc(bytes > 0 ? bytes : 1);
    if (history->packed == NULL) return FC_ERROR_MEMORY;
    for (int i = 0; i < count; i++) {
        memcpy(history->packed + history->packed_bytes, parts[i].iov_base, parts[i].iov_len);
        history->packed_bytes += parts[i].iov_len;
    }
    history->agreement = *open;
    history->info = *info;
    return 0;
}

int fc_open_with_history(fc_client *client, const fl_open *open, const fl_history *history,
                         const void *const planes[], fl_opened *opened, int timeout_ms) {
    if (client == NULL || open == NULL || history == NULL || planes == NULL)
        return FC_ERROR_ARGUMENT;
    if (client->is_open) return FC_ERROR_STATE;
    if (client->broken != 0) return client->broken;
    struct iovec parts[4];
    int count = fc_history_parts(open, history, planes, parts);
    if (count < 0) return count;
    fl_open request = requested(client, open);
    int code = keep_given_history(client, &request, history, parts, count);
    if (code != 0) return code;
    client->last_frame_id = history->frame_id;
    fc_deadline deadline = fc_deadline_in(timeout_ms);
    code = fc_exchange_open(client, FL_OPEN, 0, &request, history, parts, count, deadline);
    return finish_open(client, code, opened, deadline);
}

int fc_reconfigure(fc_client *client, const fl_open *open, uint32_t flags, fl_opened *opened,
                   int timeout_ms) {
    if (client == NULL || open == NULL) return FC_ERROR_ARGUMENT;
    if (client->broken != 0) return client->broken;
    if (!client->is_running) return FC_ERROR_STATE;
    fc_deadline deadline = fc_deadline_in(timeout_ms);
    fl_open request = requested(client, open);
    int code = fc_exchange_open(client, FL_RECONFIGURE, flags, &request, NULL, NULL, 0, deadline);
    if (code == 0 && (flags & FL_OPEN_KEEP_HISTORY) == 0) fc_forget_history(client);
    return finish_open(client, code, opened, deadline);
}

int fc_reset(fc_client *client) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    client->reset_next = true;
    return 0;
}

/* Copies the planes, unless they were drawn where they are kept, or refers to them. */
static void fill_frame(fc_client *client, fc_kept_frame *frame, const void *const planes[]) {
    if (!client->keeps_frames) {
        fc_outgoing_start(&frame->out, &frame->head, sizeof(fl_header) + sizeof(fl_frame));
        for (int i = 0; i < client->agreement.plane_count; i++)
            if (client->plane_bytes[i] > 0)
                fc_outgoing_add(&frame->out, planes[i], client->plane_bytes[i]);
        return;
    }
    unsigned char *to = frame->planes;
    for (int i = 0; i < client->agreement.plane_count; to += client->plane_bytes[i], i++)
        if (client->plane_bytes[i] > 0 && planes[i] != to)
            memcpy(to, planes[i], client->plane_bytes[i]);
    fc_address_frame(client, frame);
}

int fc_planes(fc_client *client, void *planes[]) {
    if (client == NULL || planes == NULL) return FC_ERROR_ARGUMENT;
    if (!client->is_open) return FC_ERROR_STATE;
    if (!client->keeps_frames) return FC_ERROR_NOT_KEPT;
    fc_kept_frame *frame = fc_free_frame(client);
    if (frame == NULL) return FC_ERROR_MEMORY;
    unsigned char *at = frame->planes;
    for (int i = 0; i < client->agreement.plane_count; at += client->plane_bytes[i], i++)
        planes[i] = at;
    return 0;
}

/* The planes are the host's again after fc_send, so what is not written by then never will be. */
static int withdraw_unwritten(fc_client *client, fc_kept_frame *frame, int code) {
    if (frame->out.sent == frame->out.total) return 0;
    frame->answered = true;
    if (frame->out.sent == 0) {
        fc_trim_queue(client);
        return code;
    }
    frame->out.sent = frame->out.total;
    fc_trim_queue(client);
    fc_lose(client, "a frame was not written in time");
    return client->broken;
}

int fc_send(fc_client *client, uint64_t frame_id, uint32_t flags, const fl_frame *frame,
            const void *const planes[], int timeout_ms) {
    if (client == NULL || frame == NULL || planes == NULL) return FC_ERROR_ARGUMENT;
    if (!client->is_open) return client->broken != 0 ? client->broken : FC_ERROR_STATE;
    if (frame_id <= client->last_frame_id) return FC_ERROR_ARGUMENT;
    for (int i = 0; i < client->agreement.plane_count; i++)
        if (planes[i] == NULL && client->plane_bytes[i] > 0) return FC_ERROR_ARGUMENT;
    int code = fc_exchange(client, FC_UNTIL_NOW, fc_deadline_in(0));
    if (code != 0) return code;
    if (fc_unanswered(client) + client->reply_count >= client->limit) return FC_ERROR_FULL;

    fc_kept_frame *kept = fc_free_frame(client);
    if (kept == NULL) return FC_ERROR_MEMORY;
    if (client->reset_next) flags |= FL_FRAME_RESET;
    kept->head.header = (fl_header){FL_MAGIC, FL_VERSION,           FL_FRAME, flags,
                                    sizeof *frame, client->payload_bytes, frame_id};
    kept->head.body = *frame;
    fill_frame(client, kept, planes);
    kept->used = true;
    kept->answered = false;
    client->queue[client->queue_count++] = kept;

    code = fc_exchange(client, FC_UNTIL_SENT, fc_deadline_in(timeout_ms));
    if (!client->keeps_frames) {
        code = withdraw_unwritten(client, kept, code);
        if (code != 0) return code;
    }
    /* Kept, the frame is accepted whatever happened: it goes out later, or with fc_resume. */
    client->last_frame_id = frame_id;
    client->reset_next = false;
    return 0;
}

static int give_reply(fc_client *client, fc_reply *reply, void *pixels, size_t pixel_bytes) {
    fc_slot *slot = client->replies[0];
    if (!slot->failed && pixels != NULL && pixel_bytes < slot->pixel_bytes) return FC_ERROR_BUFFER;
    if (reply != NULL) *reply = slot->reply;
    if (slot->failed) client->last_error = slot->error;
    if (!slot->failed && pixels != NULL) memcpy(pixels, slot->pixels, slot->pixel_bytes);
    slot->ready = false;
    client->reply_count--;
    memmove(client->replies, client->replies + 1,
            (size_t)client->reply_count * sizeof client->replies[0]);
    return slot->failed ? FC_ERROR_FRAME : 0;
}

int fc_wait(fc_client *client, fc_reply *reply, void *pixels, size_t pixel_bytes, int timeout_ms) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    /* Even with a reply at hand: what is due is sent on the way. */
    fc_exchange(client, FC_UNTIL_NOW, fc_deadline_in(0));
    int code = 0;
    if (client->reply_count == 0)
        code = fc_exchange(client, FC_UNTIL_REPLY, fc_deadline_in(timeout_ms));
    if (client->reply_count > 0) return give_reply(client, reply, pixels, pixel_bytes);
    if (code != 0) return code;
    return client->is_open ? FC_ERROR_EMPTY : FC_ERROR_STATE;
}

int fc_poll(fc_client *client) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    int code = fc_exchange(client, FC_UNTIL_NOW, fc_deadline_in(0));
    return client->reply_count > 0 ? client->reply_count : code;
}

int fc_fd(const fc_client *client) {
    return client == NULL || client->broken != 0 ? -1 : client->fd;
}

int fc_events(const fc_client *client) {
    if (client == NULL || client->broken != 0) return 0;
    return POLLIN | (fc_has_output(client) ? POLLOUT : 0);
}

size_t fc_picture_bytes(const fc_client *client) {
    if (client == NULL) return 0;
    if (client->reply_count > 0 && !client->replies[0]->failed)
        return client->replies[0]->pixel_bytes;
    return client->picture_bytes;
}

int fc_in_flight(const fc_client *client) { return client == NULL ? 0 : fc_unanswered(client); }

/* Opens on a new connection as the old one stood at the kept history, then as at its end. */
static int open_again(fc_client *client, fc_deadline deadline) {
    fl_open current = client->agreement;
    fc_kept_history *history = &client->history;
    if (history->frame == NULL && history->packed == NULL)
        return fc_exchange_open(client, FL_OPEN, 0, &current, NULL, NULL, 0, deadline);

    unsigned char *packed = NULL;
    size_t packed_bytes = 0;
    int code = fc_pack_history(history, &packed, &packed_bytes);
    if (code != 0) return code;
    struct iovec payload = {packed, packed_bytes};
    code = fc_exchange_open(client, FL_OPEN, 0, &history->agreement, &history->info, &payload, 1,
                            deadline);
    free(packed);
    if (code == 0 && memcmp(&history->agreement, &current, sizeof current) != 0) {
        code = fc_exchange_open(client, FL_RECONFIGURE, FL_OPEN_KEEP_HISTORY, &current, NULL, NULL,
                                0, deadline);
        /* The frames to be sent again are in the current formats, also for the next attempt. */
        client->agreement = current;
    }
    return code;
}

/* Leaves the broken connection; everything unanswered is to be written again. */
static void disconnect(fc_client *client) {
    if (client->fd >= 0) close(client->fd);
    client->fd = -1;
    fc_fail(client, FC_ERROR_CLOSED);
    for (int i = 0; i < client->queue_count; i++) client->queue[i]->out.sent = 0;
    fc_trim_queue(client);
    fc_forget_input(client);
}

static int connect_again(fc_client *client, fc_deadline deadline) {
    disconnect(client);
    int code = fc_socket_connect(&client->address, deadline, true, &client->fd);
    if (code != 0) return code;
    client->broken = 0;
    client->write_failed = false;
    code = open_again(client, deadline);
    if (code == 0) code = fc_share(client, deadline);
    if (code != 0) fc_fail(client, code);
    for (int i = 0; i < client->queue_count && code == 0; i++)
        fc_address_frame(client, client->queue[i]);
    return code;
}

int fc_resume(fc_client *client, fl_opened *opened, int timeout_ms) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    if (!client->is_open) return FC_ERROR_STATE;
    if (!client->keeps_frames) return FC_ERROR_NOT_KEPT;
    fc_deadline deadline = fc_deadline_in(timeout_ms);
    int code = connect_again(client, deadline);
    /* A daemon that is just ending may still take the connection. */
    while (code == FC_ERROR_CLOSED && fc_remaining_ms(deadline) != 0) {
        poll(NULL, 0, 5);
        code = connect_again(client, deadline);
    }
    if (code != 0) return code;
    client->is_running = true;
    if (opened != NULL) *opened = client->opened;
    fc_exchange(client, FC_UNTIL_SENT, deadline);
    return 0;
}

int fc_finish(fc_client *client, int timeout_ms) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    if (client->broken != 0) return client->broken;
    if (!client->is_running) return FC_ERROR_STATE;
    client->control_head.header = (fl_header){FL_MAGIC, FL_VERSION, FL_CLOSE, 0, 0, 0, 0};
    fc_outgoing_start(&client->control, &client->control_head, sizeof(fl_header));
    client->waits_for_closed = true;
    int code = fc_exchange(client, FC_UNTIL_ANSWERED, fc_deadline_in(timeout_ms));
    if (!client->waits_for_closed) return 0;
    client->waits_for_closed = false;
    if (code == FC_ERROR_TIMEOUT) fc_lose(client, "the daemon did not close the session in time");
    return code;
}

const fl_error *fc_last_error(const fc_client *client) {
    static const fl_error none;
    return client == NULL ? &none : &client->last_error;
}

const char *fc_explain(const fc_client *client, int code) {
    bool has_words = code == FC_ERROR_CLOSED || code == FC_ERROR_PROTOCOL ||
                     code == FC_ERROR_REFUSED || code == FC_ERROR_SESSION || code == FC_ERROR_FRAME;
    if (client == NULL || !has_words || client->last_error.text[0] == 0) return fc_strerror(code);
    return client->last_error.text;
}
