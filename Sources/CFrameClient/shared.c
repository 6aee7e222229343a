/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Shared memory: made for what was agreed, offered to each daemon anew. Whatever does not work out,
 * frames and pictures go through the socket.
 */
#define _GNU_SOURCE /* memfd_create, seals */
#include "client.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fc_unshare(fc_client *client) {
    fc_shared_memory *shared = &client->shared;
    if (shared->memory != NULL) {
        munmap(shared->memory, shared->bytes);
        close(shared->descriptor);
    }
    shared->memory = NULL;
    shared->is_agreed = false;
    for (int i = 0; i < FC_FRAMES; i++) {
        fc_kept_frame *frame = &client->frames[i];
        if (frame->slot >= 0) frame->planes = NULL;
        frame->slot = -1;
    }
}

/* The history may lie in memory that goes: it is packed. */
static int save_history(fc_client *client) {
    fc_kept_history *history = &client->history;
    if (history->frame == NULL || history->frame->slot < 0) return 0;
    unsigned char *packed = NULL;
    size_t packed_bytes = 0;
    int code = fc_pack_history(history, &packed, &packed_bytes);
    if (code != 0) return code;
    fl_open agreement = history->agreement;
    fl_history info = history->info;
    fc_forget_history(client);
    history->agreement = agreement;
    history->info = info;
    history->packed = packed;
    history->packed_bytes = packed_bytes;
    return 0;
}

static size_t rounded_up(size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

/* Slots for every frame that is kept, of whole pages. */
static int make_memory(fc_client *client) {
    fc_shared_memory *shared = &client->shared;
    if (shared->memory != NULL && shared->payload_bytes == client->payload_bytes &&
        shared->picture_bytes == client->picture_bytes)
        return 0;
    int code = save_history(client);
    if (code != 0) return code;
    fc_unshare(client);
    size_t picture_offset = rounded_up(client->payload_bytes);
    size_t slot_bytes = picture_offset + rounded_up(client->picture_bytes);
    uint32_t slots = (uint32_t)client->limit + 2;
    int made = memfd_create("frameloom", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0) return FC_ERROR_SYSTEM;
    void *memory = MAP_FAILED;
    if (ftruncate(made, (off_t)(slot_bytes * slots)) == 0 &&
        fcntl(made, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        memory = mmap(NULL, slot_bytes * slots, PROT_READ | PROT_WRITE, MAP_SHARED, made, 0);
    if (memory == MAP_FAILED) {
        close(made);
        return FC_ERROR_SYSTEM;
    }
    shared->descriptor = made;
    shared->memory = memory;
    shared->bytes = slot_bytes * slots;
    shared->table = (fl_share){slot_bytes, picture_offset, slots, 0};
    shared->payload_bytes = client->payload_bytes;
    shared->picture_bytes = client->picture_bytes;
    return 0;
}

/* After a session was opened or changed: agrees shared memory where both want it. Returns an error
 * only of the connection. */
int fc_share(fc_client *client, fc_deadline deadline) {
    fc_shared_memory *shared = &client->shared;
    shared->is_agreed = false;
    if (!shared->is_wanted || !client->keeps_frames ||
        (client->opened.features & FL_FEATURE_SHARED_MEMORY) == 0 || make_memory(client) != 0)
        return 0;
    client->share_head.header = (fl_header){FL_MAGIC, FL_VERSION, FL_SHARE, 0,
                                            sizeof(fl_share), 1, 0};
    client->share_head.share = shared->table;
    fc_outgoing_start(&client->control, &client->share_head,
                      sizeof(fl_header) + sizeof(fl_share));
    fc_outgoing_add(&client->control, &client->share_head.carrier, 1);
    client->control.is_attached = true;
    client->control.descriptor = shared->descriptor;
    client->waits_for_shared = true;
    int code = fc_exchange(client, FC_UNTIL_ANSWERED, deadline);
    if (code == FC_ERROR_TIMEOUT) {
        fc_lose(client, "the daemon did not take the shared memory in time");
        code = client->broken;
    }
    client->waits_for_shared = false;
    fc_outgoing_start(&client->control, NULL, 0);
    return code;
}

int fc_share_memory(fc_client *client, int share) {
    if (client == NULL) return FC_ERROR_ARGUMENT;
    if (client->is_open) return FC_ERROR_STATE;
    client->shared.is_wanted = share != 0;
    return 0;
}

int fc_is_sharing(const fc_client *client) {
    return client != NULL && client->broken == 0 && client->shared.is_agreed;
}
