/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Whatever arrives is checked against what was agreed before it is stored: the peer may be broken.
 */
#include "client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void fc_forget_input(fc_client *client) {
    client->reading = FC_READ_HEADER;
    client->read_bytes = 0;
    client->filling = NULL;
}

static size_t least_body_bytes(uint16_t type) {
    switch (type) {
    /* Daemons before 2026-11-28 end here. */
    case FL_OPENED: return offsetof(fl_opened, precision_reason);
    case FL_PICTURE: return sizeof(fl_picture);
    case FL_ERROR: return sizeof(fl_error);
    default: return 0;
    }
}

/* A picture is only taken for a frame that was sent, so that there is always a place for it. */
static void check_picture_header(fc_client *client) {
    const fl_header *header = &client->header;
    fc_kept_frame *frame = fc_find_unanswered(client, header->frame_id);
    bool is_in_slot = (header->flags & FL_PICTURE_IN_SLOT) != 0;
    size_t payload_bytes = is_in_slot ? 0 : client->picture_bytes;
    if (frame == NULL || !client->is_running || frame->out.sent != frame->out.total) {
        fc_complain(client, "a picture for frame %llu, which is not in flight",
                    (unsigned long long)header->frame_id);
    } else if (is_in_slot && (!client->shared.is_agreed || frame->slot < 0)) {
        fc_complain(client, "a picture in a slot for frame %llu, which was in none",
                    (unsigned long long)header->frame_id);
    } else if (header->payload_bytes != payload_bytes) {
        fc_complain(client, "a picture of %llu bytes where %zu were agreed",
                    (unsigned long long)header->payload_bytes, payload_bytes);
    } else {
        client->filling = fc_free_slot(client, client->picture_bytes);
        if (client->filling == NULL) fc_fail(client, FC_ERROR_MEMORY);
    }
}

static void check_header(fc_client *client) {
    const fl_header *header = &client->header;
    if (header->magic != FL_MAGIC) {
        fc_complain(client, "a message starts with %08x, not the magic number", header->magic);
    } else if (header->version != FL_VERSION) {
        fc_complain(client, "a message of version %u; this client speaks version %u",
                    header->version, FL_VERSION);
    } else if (header->type < FL_OPENED || header->type > FL_SHARED) {
        fc_complain(client, "a message of the unknown type %u", header->type);
    } else if (header->body_bytes > FL_MAX_BODY_BYTES ||
               header->body_bytes < least_body_bytes(header->type)) {
        fc_complain(client, "a message of type %u with a body of %u bytes", header->type,
                    header->body_bytes);
    } else if (header->type == FL_PICTURE) {
        check_picture_header(client);
    } else if (header->payload_bytes != 0) {
        fc_complain(client, "a message of type %u with a payload of %llu bytes", header->type,
                    (unsigned long long)header->payload_bytes);
    }
}

static void take_picture_info(fc_client *client) {
    fc_reply *reply = &client->filling->reply;
    reply->frame_id = client->header.frame_id;
    reply->flags = client->header.flags;
    memcpy(&reply->picture, client->body, sizeof reply->picture);
    const fl_picture *picture = &reply->picture;
    if (picture->width != client->agreement.width || picture->height != client->agreement.height ||
        picture->row_stride != client->agreement.width * 4 ||
        picture->format != FL_PICTURE_RGBA8_SRGB) {
        fc_complain(client, "a picture of %ux%u pixels, row stride %u, format %u was not agreed",
                    picture->width, picture->height, picture->row_stride, picture->format);
    }
}

static void make_ready(fc_client *client, fc_slot *slot) {
    slot->ready = true;
    client->replies[client->reply_count++] = slot;
}

static bool is_dropped(const fl_picture *picture, uint64_t frame_id) {
    for (int i = 0; i < (int)FL_MAX_DROPPED_IDS; i++)
        if (frame_id != 0 && picture->dropped_ids[i] == frame_id) return true;
    return false;
}

static void take_picture(fc_client *client) {
    fc_slot *slot = client->filling;
    client->filling = NULL;
    slot->failed = false;
    uint64_t frame_id = slot->reply.frame_id;
    fc_kept_frame *answered = fc_find_unanswered(client, frame_id);
    for (int i = 0; i < client->queue_count; i++) {
        uint64_t id = client->queue[i]->head.header.frame_id;
        if (id <= frame_id || is_dropped(&slot->reply.picture, id))
            client->queue[i]->answered = true;
    }
    make_ready(client, slot);
    fc_remember(client, answered, slot);
    fc_trim_queue(client);
}

static void take_opened(fc_client *client) {
    if (!client->waits_for_opened) {
        fc_complain(client, "a session was opened that nobody asked for");
        return;
    }
    const size_t bytes = client->header.body_bytes;
    memset(&client->opened, 0, sizeof client->opened);
    memcpy(&client->opened, client->body,
           bytes < sizeof client->opened ? bytes : sizeof client->opened);
    client->opened.model[sizeof client->opened.model - 1] = 0;
    client->opened.model_version[sizeof client->opened.model_version - 1] = 0;
    client->opened.precision[sizeof client->opened.precision - 1] = 0;
    client->opened.kernel_path[sizeof client->opened.kernel_path - 1] = 0;
    client->opened.precision_reason[sizeof client->opened.precision_reason - 1] = 0;
    client->waits_for_opened = false;
    if (!client->is_running) return;
    /* A new agreement comes after every older frame: what has no answer by now was dropped. */
    for (int i = 0; i < client->queue_count; i++) client->queue[i]->answered = true;
    fc_trim_queue(client);
}

static void take_frame_error(fc_client *client, const fl_error *error) {
    uint64_t frame_id = client->header.frame_id;
    fc_kept_frame *frame = fc_find_unanswered(client, frame_id);
    if (frame == NULL || !client->is_running) {
        fc_complain(client, "an error for frame %llu, which is not in flight: %.160s",
                    (unsigned long long)frame_id, error->text);
        return;
    }
    fc_slot *slot = fc_free_slot(client, 0);
    if (slot == NULL) {
        fc_fail(client, FC_ERROR_MEMORY);
        return;
    }
    memset(&slot->reply, 0, sizeof slot->reply);
    slot->reply.frame_id = frame_id;
    slot->error = *error;
    slot->failed = true;
    frame->answered = true;
    make_ready(client, slot);
    fc_trim_queue(client);
}

static void take_error(fc_client *client) {
    fl_error error;
    memcpy(&error, client->body, sizeof error);
    error.field[sizeof error.field - 1] = 0;
    error.text[sizeof error.text - 1] = 0;
    if (error.severity == FL_SEVERITY_SESSION) {
        client->last_error = error;
        /* A daemon that is being restarted is no reason to end a game. */
        fc_fail(client, error.code == FL_ERROR_DRAINING ? FC_ERROR_CLOSED : FC_ERROR_SESSION);
    } else if (error.severity != FL_SEVERITY_FRAME) {
        fc_complain(client, "an error of the unknown severity %u", error.severity);
    } else if (client->header.frame_id == 0 && client->waits_for_shared) {
        /* Then it goes on inline. */
        client->last_error = error;
        client->waits_for_shared = false;
    } else if (client->header.frame_id == 0 && client->waits_for_opened) {
        client->last_error = error;
        client->was_refused = true;
        client->waits_for_opened = false;
    } else {
        take_frame_error(client, &error);
    }
}

static void take_message(fc_client *client) {
    switch (client->header.type) {
    case FL_OPENED: take_opened(client); break;
    case FL_PICTURE: take_picture(client); break;
    case FL_ERROR: take_error(client); break;
    case FL_SHARED:
        if (!client->waits_for_shared) fc_complain(client, "memory was shared that nobody offered");
        client->shared.is_agreed = client->waits_for_shared;
        client->waits_for_shared = false;
        break;
    default: /* FL_CLOSED; others were refused with their header. */
        client->waits_for_closed = false;
        fc_lose(client, "the daemon closed the session");
    }
}

/* The picture is copied at once, so that the slot is free for the next frame. */
static void fetch_picture(fc_client *client) {
    const fc_kept_frame *frame = fc_find_unanswered(client, client->header.frame_id);
    const fl_share *table = &client->shared.table;
    if (client->broken != 0 || frame == NULL) return;
    memcpy(client->filling->pixels,
           client->shared.memory + (size_t)frame->slot * table->slot_bytes + table->picture_offset,
           client->picture_bytes);
}

/* Where the part being read goes, and how long it is. */
static unsigned char *reading_target(fc_client *client, size_t *total) {
    switch (client->reading) {
    case FC_READ_HEADER: *total = sizeof client->header; return (unsigned char *)&client->header;
    case FC_READ_BODY: *total = client->header.body_bytes; return client->body;
    case FC_READ_PAYLOAD: break;
    }
    *total = client->filling->pixel_bytes;
    return client->filling->pixels;
}

static void finish_part(fc_client *client) {
    fc_read_part part = client->reading;
    client->read_bytes = 0;
    if (part == FC_READ_HEADER) {
        check_header(client);
        client->reading = FC_READ_BODY;
    } else if (part == FC_READ_BODY && client->header.type == FL_PICTURE) {
        take_picture_info(client);
        client->reading = FC_READ_PAYLOAD;
        if ((client->header.flags & FL_PICTURE_IN_SLOT) != 0) {
            fetch_picture(client);
            client->read_bytes = client->filling->pixel_bytes;
        }
    } else {
        client->reading = FC_READ_HEADER;
        take_message(client);
    }
}

/* Takes in what has arrived, without waiting. Stops behind the answer to a control message: what
 * follows it is to be read under the agreement that it made. */
void fc_receive(fc_client *client) {
    bool is_waiting = client->waits_for_opened;
    while (client->broken == 0 && client->waits_for_opened == is_waiting) {
        size_t total = 0;
        unsigned char *target = reading_target(client, &total);
        if (client->read_bytes == total) {
            finish_part(client);
            continue;
        }
        ssize_t count = recv(client->fd, target + client->read_bytes, total - client->read_bytes,
                             MSG_DONTWAIT);
        if (count > 0) {
            client->read_bytes += (size_t)count;
        } else if (count == 0) {
            fc_lose(client, "the daemon is gone: the connection ended");
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR) {
            fc_lose(client, "the connection broke: %s", strerror(errno));
        }
    }
}
