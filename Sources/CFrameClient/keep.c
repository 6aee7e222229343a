/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "client.h"

#include <stdlib.h>
#include <string.h>

void fc_outgoing_start(fc_outgoing *out, const void *head, size_t count) {
    out->part_count = 0;
    out->total = 0;
    out->sent = 0;
    out->is_attached = false;
    fc_outgoing_add(out, head, count);
}

void fc_outgoing_add(fc_outgoing *out, const void *bytes, size_t count) {
    /* iovec has no const; the bytes are only read. */
    out->parts[out->part_count++] = (struct iovec){(void *)(uintptr_t)bytes, count};
    out->total += count;
}

int fc_unanswered(const fc_client *client) {
    int count = 0;
    for (int i = 0; i < client->queue_count; i++) count += !client->queue[i]->answered;
    return count;
}

fc_kept_frame *fc_find_unanswered(fc_client *client, uint64_t frame_id) {
    for (int i = 0; i < client->queue_count; i++) {
        fc_kept_frame *frame = client->queue[i];
        if (!frame->answered && frame->head.header.frame_id == frame_id) return frame;
    }
    return NULL;
}

/* With room for the planes, if frames are kept; NULL: no memory. */
fc_kept_frame *fc_free_frame(fc_client *client) {
    fc_kept_frame *frame = NULL;
    bool is_shared = client->shared.memory != NULL && client->shared.is_agreed;
    int count = is_shared ? (int)client->shared.table.slot_count : FC_FRAMES;
    for (int i = 0; i < count && frame == NULL; i++) {
        if (client->frames[i].used) continue;
        frame = &client->frames[i];
        frame->slot = is_shared ? i : -1;
    }
    if (frame == NULL || !client->keeps_frames) return frame;
    if (is_shared) {
        frame->planes = client->shared.memory + (size_t)frame->slot * client->shared.table.slot_bytes;
        return frame;
    }
    if (frame->capacity < client->payload_bytes) {
        free(frame->owned);
        frame->owned = malloc(client->payload_bytes);
        frame->capacity = frame->owned == NULL ? 0 : client->payload_bytes;
    }
    frame->planes = frame->owned;
    return frame->planes == NULL ? NULL : frame;
}

/* Makes the message of a kept frame: its planes in their slot, if the daemon has it, else inline. */
void fc_address_frame(fc_client *client, fc_kept_frame *frame) {
    bool is_in_slot = client->shared.is_agreed && frame->slot >= 0;
    fl_header *header = &frame->head.header;
    header->flags = is_in_slot ? header->flags | FL_FRAME_IN_SLOT
                               : header->flags & ~FL_FRAME_IN_SLOT;
    header->body_bytes = (uint32_t)(sizeof(fl_frame) + (is_in_slot ? sizeof(fl_slot) : 0));
    header->payload_bytes = is_in_slot ? 0 : client->payload_bytes;
    frame->head.slot = (fl_slot){is_in_slot ? (uint32_t)frame->slot : 0, 0};
    fc_outgoing_start(&frame->out, &frame->head, sizeof(fl_header) + header->body_bytes);
    if (!is_in_slot) fc_outgoing_add(&frame->out, frame->planes, client->payload_bytes);
}

/* Lets go of frames that are answered and wholly written, or cannot be written any more. */
void fc_trim_queue(fc_client *client) {
    int kept = 0;
    for (int i = 0; i < client->queue_count; i++) {
        fc_kept_frame *frame = client->queue[i];
        bool is_half_written = frame->out.sent != 0 && frame->out.sent != frame->out.total;
        if (!frame->answered || is_half_written) {
            client->queue[kept++] = frame;
        } else if (frame != client->history.frame) {
            frame->used = false;
        }
    }
    client->queue_count = kept;
}

/* With room for a picture of so many bytes; NULL: no memory. */
fc_slot *fc_free_slot(fc_client *client, size_t pixel_bytes) {
    for (int i = 0; i < FC_SLOTS; i++) {
        fc_slot *slot = &client->slots[i];
        if (slot->ready || slot->history) continue;
        if (slot->capacity < pixel_bytes) {
            free(slot->pixels);
            slot->pixels = malloc(pixel_bytes);
            slot->capacity = slot->pixels == NULL ? 0 : pixel_bytes;
            if (slot->pixels == NULL) return NULL;
        }
        slot->pixel_bytes = pixel_bytes;
        return slot;
    }
    return NULL;
}

void fc_forget_history(fc_client *client) {
    fc_kept_history *history = &client->history;
    if (history->frame != NULL) history->frame->used = false;
    if (history->picture != NULL) history->picture->history = false;
    free(history->packed);
    memset(history, 0, sizeof *history);
}

/* The picture of `frame` in `slot` is what the next frame continues from. */
void fc_remember(fc_client *client, fc_kept_frame *frame, fc_slot *slot) {
    const fl_header *header = &frame->head.header;
    /* Converted planes are shown instead of a picture; the daemon's history stays as it was. */
    if (!client->keeps_frames || (header->flags & FL_FRAME_SHOW_PLANES) != 0) return;
    fc_forget_history(client);
    slot->history = true;
    fc_kept_history *history = &client->history;
    history->frame = frame;
    history->picture = slot;
    history->agreement = client->agreement;
    history->info.width = client->agreement.width;
    history->info.height = client->agreement.height;
    history->info.frame_id = header->frame_id;
    history->info.seed = client->agreement.seed;
    history->info.jitter_x = frame->head.body.jitter_x;
    history->info.jitter_y = frame->head.body.jitter_y;
    if ((header->flags & FL_FRAME_HAS_CAMERA) != 0) {
        history->info.flags = FL_HISTORY_HAS_CAMERA;
        history->info.camera = frame->head.body.camera;
    }
}

/* 0: an unknown format, or one of planes without bytes. */
size_t fc_pixel_bytes(uint8_t format) {
    switch (format) {
    case FL_R8: return 1;
    case FL_R16:
    case FL_RG8_OCTAHEDRAL:
    case FL_R16F: return 2;
    case FL_RGB8_SRGB:
    case FL_RGB8_UNORM: return 3;
    case FL_RGBA8_SRGB:
    case FL_RGBA8_LINEAR:
    case FL_RGB10A2:
    case FL_RG16_OCTAHEDRAL:
    case FL_BGRA8_SRGB:
    case FL_RGBA8_UNORM:
    case FL_RGBA8_SNORM:
    case FL_RG16F_OCTAHEDRAL:
    case FL_RGBA8_OCTAHEDRAL:
    case FL_D24_LOW:
    case FL_D24_HIGH:
    case FL_R32F:
    case FL_RG16F: return 4;
    case FL_RG32F:
    case FL_RGBA16F: return 8;
    default: return 0;
    }
}

/* Whether the payload holds bytes of this plane alone. */
bool fc_has_bytes(const fl_plane *plane) {
    return plane->format != FL_FROM_DEPTH && plane->format != FL_CONSTANT &&
           (plane->flags & FL_PLANE_SAME_BYTES) == 0;
}

/* Index of the plane of a kind; -1: none. */
static int plane_index(const fl_open *open, uint8_t kind) {
    for (int i = 0; i < open->plane_count && i < (int)FL_MAX_PLANES; i++)
        if (open->planes[i].kind == kind) return i;
    return -1;
}

static const uint8_t history_kinds[3] = {FL_BASE_COLOR, FL_DEPTH, FL_KNOWN};

/* The payload of a history as the host keeps it; returns the number of parts or an error. */
int fc_history_parts(const fl_open *open, const fl_history *history, const void *const planes[],
                     struct iovec parts[4]) {
    if (history->width > FL_MAX_SIDE || history->height > FL_MAX_SIDE) return FC_ERROR_ARGUMENT;
    size_t pixels = (size_t)history->width * history->height;
    int count = 0;
    parts[count++].iov_len = pixels * 4;
    for (int i = 0; i < 3; i++) {
        int index = plane_index(open, history_kinds[i]);
        if (index < 0 && history_kinds[i] == FL_KNOWN) continue;
        if (index < 0) return FC_ERROR_ARGUMENT;
        parts[count++].iov_len = pixels * fc_pixel_bytes(open->planes[index].format);
    }
    for (int i = 0; i < count; i++) {
        if (planes[i] == NULL) return FC_ERROR_ARGUMENT;
        parts[i].iov_base = (void *)(uintptr_t)planes[i];
    }
    return count;
}

/* Appends one plane of a kept frame without the gaps between its rows. */
static unsigned char *append_rows(unsigned char *to, const fc_kept_history *history, int index) {
    const fl_open *open = &history->agreement;
    const unsigned char *from = history->frame->planes;
    for (int i = 0; i <= index; i++) {
        size_t packed = (size_t)open->width * fc_pixel_bytes(open->planes[i].format);
        size_t stride = open->planes[i].row_stride != 0 ? open->planes[i].row_stride : packed;
        if (!fc_has_bytes(&open->planes[i])) continue;
        if (i == index) {
            for (uint32_t row = 0; row < open->height; row++, to += packed)
                memcpy(to, from + row * stride, packed);
        } else {
            from += stride * open->height;
        }
    }
    return to;
}

/* The payload of the kept history in new memory of the caller's. */
int fc_pack_history(const fc_kept_history *history, unsigned char **packed, size_t *packed_bytes) {
    size_t pixels = (size_t)history->info.width * history->info.height;
    size_t bytes = history->packed != NULL ? history->packed_bytes : pixels * 4;
    for (int i = 0; i < 3 && history->packed == NULL; i++) {
        int index = plane_index(&history->agreement, history_kinds[i]);
        if (index >= 0) bytes += pixels * fc_pixel_bytes(history->agreement.planes[index].format);
    }
    unsigned char *memory = malloc(bytes);
    if (memory == NULL) return FC_ERROR_MEMORY;
    if (history->packed != NULL) {
        memcpy(memory, history->packed, bytes);
    } else {
        unsigned char *to = memory;
        memcpy(to, history->picture->pixels, pixels * 4);
        to += pixels * 4;
        for (int i = 0; i < 3; i++) {
            int index = plane_index(&history->agreement, history_kinds[i]);
            if (index >= 0) to = append_rows(to, history, index);
        }
    }
    *packed = memory;
    *packed_bytes = bytes;
    return 0;
}
