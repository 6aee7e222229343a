/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Inside of the client. Each file calls those after it. frame_client.c: the calls;
 * connection.c: connecting and agreeing; shared.c: shared memory; exchange.c: the loop that sends and
 * receives; receive.c: what arrives; keep.c: frames, pictures and the history that are kept, for
 * fc_wait and for resume; errors.c: the texts, and the end of a connection.
 */
#ifndef FRAMELOOM_CLIENT_H
#define FRAMELOOM_CLIENT_H

#include <stdbool.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "frame_client.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "messages are sent as they lie in memory");

/* Nothing below is an engine's business: hidden in a shared library, static in the single file. */
#ifndef FC_INTERNAL
#define FC_INTERNAL __attribute__((visibility("hidden")))
#endif

/* One more than may be in flight: the picture that is the history of the next frame. */
#define FC_SLOTS (FC_MAX_IN_FLIGHT + 1)
/* Two more: the frame that is the history, and one refused before it was wholly written. */
#define FC_FRAMES (FC_MAX_IN_FLIGHT + 2)
#define FC_MAX_PARTS (FL_MAX_PLANES + 4)

/* A message on its way out. */
typedef struct fc_outgoing {
    struct iovec parts[FC_MAX_PARTS];
    int part_count;
    size_t total;
    size_t sent;
    bool is_attached; /* the last part, one byte, carries a descriptor */
    int descriptor;
} fc_outgoing;

typedef struct fc_kept_frame {
    bool used;
    bool answered; /* or dropped: only its bytes may still have to be written */
    struct {
        fl_header header;
        fl_frame body;
        fl_slot slot;
    } head;
    fc_outgoing out;
    unsigned char *planes; /* copy, owned or in a slot; NULL while frames are not kept */
    int slot;              /* of the shared memory, that planes are in; negative: none */
    unsigned char *owned;
    size_t capacity; /* of owned */
} fc_kept_frame;

/* A reply that arrived, or the picture of the history. */
typedef struct fc_slot {
    bool ready;   /* to be given out by fc_wait */
    bool failed;  /* a frame's error instead of a picture */
    bool history; /* must survive fc_wait */
    fc_reply reply;
    fl_error error;
    unsigned char *pixels;
    size_t pixel_bytes;
    size_t capacity;
} fc_slot;

/* What the next frame continues from, as resume will state it. */
typedef struct fc_kept_history {
    fl_open agreement; /* that the frame was sent under */
    fl_history info;
    fc_kept_frame *frame;  /* planes and picture of an answered frame, or */
    fc_slot *picture;
    unsigned char *packed; /* what the host gave to fc_open_with_history */
    size_t packed_bytes;
} fc_kept_history;

/* Frames and pictures in memory that the daemon has a descriptor of; see fl_share. Frame i of the
 * client has slot i. It outlives connections: frames are sent again from where they are. */
typedef struct fc_shared_memory {
    bool is_wanted;
    bool is_agreed; /* with the daemon of this connection */
    int descriptor;
    unsigned char *memory; /* NULL: none */
    size_t bytes;
    fl_share table;
    size_t payload_bytes; /* that it was made for */
    size_t picture_bytes;
} fc_shared_memory;

typedef enum fc_read_part { FC_READ_HEADER, FC_READ_BODY, FC_READ_PAYLOAD } fc_read_part;

struct fc_client {
    struct sockaddr_un address;
    int fd;
    int broken;         /* error of a connection that is over, else 0 */
    bool write_failed;  /* the peer is gone, but its last words may still be readable */
    bool keeps_frames;
    bool is_open;       /* a session was agreed, on this connection or one before */
    bool is_running;    /* on this connection: frames may be written */
    bool reset_next;
    fl_error last_error;

    fl_open agreement;
    size_t plane_bytes[FL_MAX_PLANES];
    size_t payload_bytes;
    size_t picture_bytes;
    int limit; /* frames in flight */
    uint64_t last_frame_id;

    /* OPEN, RECONFIGURE, SHARE or CLOSE; written after the frames. */
    struct {
        fl_header header;
        fl_open open;
        fl_history history;
    } control_head;
    struct {
        fl_header header;
        fl_share share;
        unsigned char carrier; /* of the descriptor */
    } share_head;
    fc_shared_memory shared;
    bool waits_for_shared;
    fc_outgoing control;
    bool waits_for_opened;
    bool waits_for_closed;
    bool was_refused; /* the last control message, by an error that leaves the session open */
    fl_opened opened;

    fc_kept_frame frames[FC_FRAMES];
    fc_kept_frame *queue[FC_FRAMES]; /* unanswered or unwritten, in order */
    int queue_count;
    fc_slot slots[FC_SLOTS];
    fc_slot *replies[FC_SLOTS]; /* ready, in order */
    int reply_count;
    fc_kept_history history;

    fc_read_part reading;
    fl_header header;
    unsigned char body[FL_MAX_BODY_BYTES];
    fc_slot *filling; /* while a picture's payload is read */
    size_t read_bytes; /* of the part being read */
};

/* The moment at which waiting ends. */
typedef struct fc_deadline {
    int64_t at_ms; /* negative: never */
} fc_deadline;

/* exchange.c */
typedef enum fc_until {
    FC_UNTIL_NOW,      /* what can be done without waiting */
    FC_UNTIL_SENT,     /* everything is written */
    FC_UNTIL_REPLY,    /* fc_wait has something to give */
    FC_UNTIL_ANSWERED, /* the control message is answered */
} fc_until;

FC_INTERNAL fc_deadline fc_deadline_in(int timeout_ms);
FC_INTERNAL int fc_remaining_ms(fc_deadline deadline);
FC_INTERNAL int fc_exchange(fc_client *client, fc_until until, fc_deadline deadline);
FC_INTERNAL bool fc_has_output(const fc_client *client);

/* receive.c */
FC_INTERNAL void fc_receive(fc_client *client);
FC_INTERNAL void fc_forget_input(fc_client *client);

/* connection.c */
FC_INTERNAL int fc_address(struct sockaddr_un *address, const char *folder, const char *name);
FC_INTERNAL int fc_default_address(struct sockaddr_un *address);
FC_INTERNAL int fc_socket_connect(const struct sockaddr_un *address, fc_deadline deadline,
                                  bool waits_for_daemon, int *fd);
FC_INTERNAL int fc_exchange_open(fc_client *client, uint16_t type, uint32_t flags,
                                 const fl_open *open, const fl_history *history,
                                 const struct iovec *payload, int payload_count,
                                 fc_deadline deadline);

/* shared.c */
FC_INTERNAL int fc_share(fc_client *client, fc_deadline deadline);
FC_INTERNAL void fc_unshare(fc_client *client);

/* errors.c */
FC_INTERNAL void fc_fail(fc_client *client, int code);
FC_INTERNAL void fc_lose(fc_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
FC_INTERNAL void fc_complain(fc_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* keep.c */
FC_INTERNAL size_t fc_pixel_bytes(uint8_t format);
FC_INTERNAL bool fc_has_bytes(const fl_plane *plane);
FC_INTERNAL void fc_outgoing_start(fc_outgoing *out, const void *head, size_t count);
FC_INTERNAL void fc_outgoing_add(fc_outgoing *out, const void *bytes, size_t count);
FC_INTERNAL void fc_address_frame(fc_client *client, fc_kept_frame *frame);
FC_INTERNAL int fc_unanswered(const fc_client *client);
FC_INTERNAL fc_kept_frame *fc_find_unanswered(fc_client *client, uint64_t frame_id);
FC_INTERNAL fc_kept_frame *fc_free_frame(fc_client *client);
FC_INTERNAL void fc_trim_queue(fc_client *client);
FC_INTERNAL fc_slot *fc_free_slot(fc_client *client, size_t pixel_bytes);
FC_INTERNAL void fc_remember(fc_client *client, fc_kept_frame *frame, fc_slot *slot);
FC_INTERNAL void fc_forget_history(fc_client *client);
FC_INTERNAL int fc_history_parts(const fl_open *open, const fl_history *history,
                                 const void *const planes[], struct iovec parts[4]);
FC_INTERNAL int fc_pack_history(const fc_kept_history *history, unsigned char **packed,
                                size_t *packed_bytes);

#endif
