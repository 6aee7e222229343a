/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Frameloom wire protocol, version 1: the only definition, for the daemon and for every client.
 * docs/protocol.md explains it in prose.
 *
 * Every message is a header of 32 bytes, then `body_bytes` of body (one of the structs below), then
 * `payload_bytes` of pixels. All numbers are little-endian; structs have no hidden padding and may be
 * copied to and from the socket as they are on a little-endian machine. Fields named `reserved` are
 * sent as 0. A body may be longer than its struct here (a later minor version added fields at the
 * end): readers ignore what they do not know. Texts are UTF-8, padded with zero bytes, and always
 * end with at least one.
 */
#ifndef FRAMELOOM_FRAME_PROTOCOL_H
#define FRAMELOOM_FRAME_PROTOCOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FL_MAGIC 0x4D4F4F4Cu /* the bytes "LOOM" */
#define FL_VERSION 1u
#define FL_HEADER_BYTES 32u
#define FL_MAX_BODY_BYTES 4096u
#define FL_MIN_SIDE 32u   /* pixels */
#define FL_MAX_SIDE 8192u /* pixels; memory limits of the daemon may allow less */
#define FL_MAX_PLANES 16u
#define FL_MAX_DROPPED_IDS 32u
#define FL_MAX_SCALE 4000u /* thousandths */

/* ---- Header ------------------------------------------------------------------------------- */

typedef struct fl_header {
    uint32_t magic;         /* FL_MAGIC */
    uint16_t version;       /* FL_VERSION */
    uint16_t type;          /* FL_OPEN ... */
    uint32_t flags;         /* per type; unknown bits are refused by number */
    uint32_t body_bytes;    /* at most FL_MAX_BODY_BYTES */
    uint64_t payload_bytes; /* exactly what the agreed planes take */
    uint64_t frame_id;      /* client's frame number; 0 where the message is about no frame */
} fl_header;

/* Message types. Client to daemon: */
#define FL_OPEN 1u        /* fl_open; with FL_OPEN_HISTORY then fl_history, and its planes as payload */
#define FL_FRAME 2u       /* fl_frame; payload: the planes in the agreed order */
#define FL_RESET 3u       /* no body: the next frame starts without history (a camera cut) */
#define FL_RECONFIGURE 4u /* fl_open: new size or planes, between frames; answered by FL_OPENED */
#define FL_CLOSE 5u       /* no body: frames already sent are finished, then FL_CLOSED */
#define FL_SHARE 6u       /* fl_share; payload: one byte with a memfd attached; answered by FL_SHARED,
                           * or by an FL_ERROR of severity frame: then inline goes on */
/* Daemon to client: */
#define FL_OPENED 65u  /* fl_opened */
#define FL_PICTURE 66u /* fl_picture; payload: the picture */
#define FL_ERROR 67u   /* fl_error */
#define FL_CLOSED 68u  /* no body: the session ended as asked; the daemon closes the connection */
#define FL_SHARED 69u  /* no body: frames may come in slots */

/* Header flags. FL_OPEN, FL_RECONFIGURE: */
#define FL_OPEN_HISTORY 1u      /* FL_OPEN: resume with the history that follows */
#define FL_OPEN_KEEP_HISTORY 2u /* FL_RECONFIGURE: carry the history to the new size; else drop it */
/* FL_FRAME: */
#define FL_FRAME_RESET 1u            /* start this frame without history (a camera cut) */
#define FL_FRAME_APPROXIMATE 2u      /* reuse of unchanged tiles is allowed for this frame, in a
                                      * session with FL_FEATURE_INCREMENTAL */
#define FL_FRAME_HAS_CAMERA 4u       /* fl_frame.camera holds the camera */
#define FL_FRAME_HAS_MOTION_FROM 8u  /* fl_frame.motion_from is stated; else: the frame before */
#define FL_FRAME_SHOW_PLANES 16u     /* answer with the converted planes as a picture; the session's
                                      * history stays as it was */
#define FL_FRAME_IN_SLOT 32u         /* no payload: fl_slot after fl_frame says where the planes are */
/* FL_PICTURE: */
#define FL_PICTURE_LATE 1u        /* finished after the session's frame budget */
#define FL_PICTURE_APPROXIMATE 2u /* some tiles were carried over instead of rendered */
#define FL_PICTURE_HISTORY 4u     /* fl_picture.history_frame was used */
#define FL_PICTURE_IN_SLOT 32u    /* no payload: the picture is in the slot of its frame */
#define FL_PICTURE_HALF 64u       /* its light was computed at half size */
#define FL_PICTURE_QUARTER 128u   /* at a quarter of the size */

/* ---- FL_OPEN, FL_RECONFIGURE ---------------------------------------------------------------- */

/* Plane kinds. Base color, normals, depth and roughness are required. */
#define FL_BASE_COLOR 1u
#define FL_NORMALS 2u
#define FL_DEPTH 3u
#define FL_ROUGHNESS 4u
#define FL_METALLIC 5u       /* absent: 0 everywhere */
#define FL_MOTION 6u         /* per pixel, in pixels: see motion_direction */
#define FL_KNOWN 7u          /* what the engine drew finally, straight alpha = weight */
#define FL_HISTORY_WEIGHT 8u /* reserved: reactive mask */
#define FL_EMISSIVE 9u       /* what the visible surface gives off by itself, at the picture's
                              * exposure: added to the picture; only for models that read it */

/* Pixel formats, named in memory order; rows of `row_stride` bytes. Which plane can have which:
 * docs/protocol.md. */
#define FL_RGBA8_SRGB 1u
#define FL_RGB8_SRGB 2u
#define FL_RGBA8_LINEAR 3u     /* base color in linear light */
#define FL_RGB8_UNORM 4u       /* normals: n = byte / 127.5 - 1 */
#define FL_RGB10A2 5u          /* 32-bit word, red in the lowest ten bits; normals: v / 511.5 - 1 */
#define FL_RGBA16F 6u          /* base color, emissive: linear light; normals: -1 to 1 */
#define FL_RG16_OCTAHEDRAL 7u  /* normals: octahedron, value / 32767.5 - 1 */
#define FL_R8 8u               /* value / 255 */
#define FL_R16 9u              /* depth: value * depth_scale metres */
#define FL_R16F 10u            /* depth */
#define FL_R32F 11u
#define FL_RG16F 12u           /* motion: x, y */
#define FL_RG32F 13u           /* motion: x, y */
#define FL_BGRA8_SRGB 14u      /* what RGBA8_SRGB can be, with blue first */
#define FL_RGBA8_UNORM 15u     /* normals, roughness, metallic; alpha unused unless it is a channel */
#define FL_RGBA8_SNORM 16u     /* the same, signed: byte / 127 */
#define FL_RG8_OCTAHEDRAL 17u  /* normals: octahedron, byte / 127.5 - 1 */
#define FL_RG16F_OCTAHEDRAL 18u /* normals: octahedron, -1 to 1 */
#define FL_RGBA8_OCTAHEDRAL 19u /* normals: octahedron, 12 bits each in red, green and blue as Unity
                                 * packs them: x = R + 256 (B & 15), y = G + 256 (B >> 4), / 2047.5 - 1 */
#define FL_D24_LOW 20u         /* device depth, the low 24 bits of a word (Direct3D, Vulkan) */
#define FL_D24_HIGH 21u        /* device depth, the high 24 bits (GL_UNSIGNED_INT_24_8) */
/* Planes without bytes; row_stride 0: */
#define FL_FROM_DEPTH 22u      /* normals, computed from depth and camera: every frame needs one */
#define FL_CONSTANT 23u        /* roughness, metallic: `channel` / 255 everywhere */

#define FL_ORIGIN_TOP_LEFT 0u
#define FL_ORIGIN_BOTTOM_LEFT 1u /* first row in memory is the lowest; also for the picture */

#define FL_MAILBOX_LATEST 0u /* a newer frame replaces a waiting one (games) */
#define FL_MAILBOX_EVERY 1u  /* every frame is rendered; the daemon stops reading when full */

#define FL_NORMALS_WORLD 0u
#define FL_NORMALS_VIEW 1u /* turned by camera_to_world: every frame needs a camera */

#define FL_DEPTH_LINEAR 1u          /* planar z; metres = value * depth_scale */
#define FL_DEPTH_DEVICE_REVERSED 2u /* 1 at near, 0 at far: z = n f / (n + d (f - n)) */
#define FL_DEPTH_DEVICE 3u          /* 0 at near, 1 at far, 1 is sky: Vulkan, Direct3D, glReadPixels */
#define FL_DEPTH_DEVICE_SIGNED 4u   /* -1 at near, 1 at far: OpenGL's normalized device coordinate */
#define FL_DEPTH_RAY 5u             /* distance from the camera along the pixel's ray; metres = value *
                                     * depth_scale; every frame needs a camera */

#define FL_ROUGHNESS_DIRECT 0u
#define FL_ROUGHNESS_SMOOTHNESS 1u /* 1 - roughness */
#define FL_ROUGHNESS_GODOT 2u      /* alpha of Godot 4's normal_roughness buffer: roughness * 127 / 255,
                                    * or 1 minus that where something moves */

/* fl_open.axes: whose world and camera matrix these are, for camera_to_world and normals alike. The
 * daemon's own are OpenGL's: right-handed, +Y up, camera along -Z. */
#define FL_AXES_OPENGL 0u  /* glTF, Godot, three.js */
#define FL_AXES_UNITY 1u   /* Camera.cameraToWorldMatrix or Transform.localToWorldMatrix (the sign of the
                            * determinant says which): our x, y, z are its -x, y, z */
#define FL_AXES_UNREAL 2u  /* camera along +X, Z up, left-handed, centimetres: its x, z, y */
#define FL_AXES_BLENDER 3u /* Z up, camera as OpenGL's: its x, z, -y */
#define FL_AXES_PRESET 15u /* mask of the above; added to it, where it differs from the preset: */
#define FL_UNIT_METRES 16u      /* of the camera's position, near and far planes */
#define FL_UNIT_CENTIMETRES 32u
#define FL_MATRIX_COLUMN_MAJOR 128u /* camera_to_world column after column, or for row vectors */

/* Motion m, scaled by motion_scale, in the pixel axes of the client's origin. */
#define FL_MOTION_TO_PREVIOUS 0u   /* previous position = position + m */
#define FL_MOTION_FROM_PREVIOUS 1u /* previous position = position - m */
/* motion_flags: */
#define FL_MOTION_JITTERED 1u /* m contains the difference of the jitters */
#define FL_MOTION_NDC 2u /* normalized device coordinates, +y up; both scales are 0 */
#define FL_MOTION_UV 4u  /* of the picture's width and height, v along the rows; both scales are 0 */

#define FL_PICTURE_RGBA8_SRGB 1u
#define FL_PICTURE_JPEG 16u /* gateway only (docs/walk.md): the daemon refuses it */
#define FL_TRANSPORT_INLINE 0u
#define FL_TRANSPORT_SHARED_MEMORY 1u /* reserved: see FL_FEATURE_SHARED_MEMORY */

/* Feature bits: what a client wants beyond version 1. FL_FEATURE_HISTORY_WEIGHT and FL_FEATURE_HDR are
 * refused by name, an unknown bit by number. What is granted stands in fl_opened. */
#define FL_FEATURE_SHARED_MEMORY (1ull << 0) /* FL_SHARE may follow */
#define FL_FEATURE_INCREMENTAL (1ull << 1) /* render only what changed; see FL_FRAME_APPROXIMATE */
#define FL_FEATURE_HISTORY_WEIGHT (1ull << 2)
#define FL_FEATURE_HDR (1ull << 3)
/* The size at which light is computed, at most one of them; none: as the daemon is configured. Base
 * color stays as it is sent. Flags of FL_PICTURE say which one was used. */
#define FL_FEATURE_QUALITY_FULL (1ull << 8)
#define FL_FEATURE_QUALITY_HALF (1ull << 9)    /* both sides halved */
#define FL_FEATURE_QUALITY_QUARTER (1ull << 10)
#define FL_FEATURE_QUALITY_MAY_FALL (1ull << 11) /* lower ones may be used while frames are late or
                                                  * dropped */

/* fl_plane.flags: it lies in the bytes of the plane listed before, and the payload has them once. */
#define FL_PLANE_SAME_BYTES 1u

typedef struct fl_plane {
    uint8_t kind;   /* FL_BASE_COLOR ... */
    uint8_t format; /* FL_RGBA8_SRGB ... */
    uint8_t channel; /* roughness, metallic in a format of several channels: which, from 0; with
                      * FL_CONSTANT the value */
    uint8_t flags;   /* FL_PLANE_SAME_BYTES */
    uint32_t row_stride; /* bytes; 0: rows are packed without gaps */
} fl_plane;

typedef struct fl_open {
    uint64_t features; /* FL_FEATURE_... */
    uint32_t width;    /* pixels, FL_MIN_SIDE ... FL_MAX_SIDE */
    uint32_t height;
    uint8_t plane_count;
    uint8_t origin;
    uint8_t mailbox;
    uint8_t view_index; /* stereo: 0 or 1; a label, each view has a session of its own */
    uint8_t picture_format;
    uint8_t transport;
    uint8_t normal_space;
    uint8_t axes;        /* FL_AXES_..., FL_UNIT_..., FL_MATRIX_COLUMN_MAJOR */
    uint8_t depth_kind;
    uint8_t roughness_kind;
    uint8_t motion_direction;
    uint8_t motion_flags;
    uint32_t frame_budget_us; /* 0: none; a picture older than this is marked late */
    float depth_scale;        /* metres per unit of a linear depth plane; must be > 0 there */
    float motion_scale_x;     /* pixels per unit of the motion plane; 0 with no motion plane */
    float motion_scale_y;
    /* Thousandths, at most FL_MAX_SCALE: how strongly a framediffuser model follows the planes, and
     * through its adapter the previous picture. 0: as the model states; 1 is as good as off. Models
     * of other families have no such scales: 0. */
    uint16_t control_scale;
    uint16_t adapter_scale;
    double depth_near; /* metres; for device depth */
    double depth_far;  /* metres; 0: infinite. Linear depth at or beyond it is sky */
    uint64_t seed;
    char model[64];       /* name [a-z0-9._-]+; empty: the daemon's default */
    char client_name[64]; /* for people who look at the list of sessions */
    fl_plane planes[FL_MAX_PLANES];
} fl_open;

/* OpenGL camera: looks along -Z, +Y up. Pixels count from the top-left corner of the picture,
 * whatever the origin of the planes; centers at +0.5; cx, cy without the jitter. */
typedef struct fl_camera {
    double fx, fy, cx, cy;      /* pixels */
    double near_plane;          /* metres; 0: as agreed in fl_open */
    double far_plane;           /* metres; 0: as agreed in fl_open */
    double camera_to_world[16]; /* row-major, column vectors, metres */
} fl_camera;

/* Follows fl_open in the body of an FL_OPEN with FL_OPEN_HISTORY. Payload, rows packed, in the
 * origin and formats of fl_open: picture (RGBA8), base color plane, depth plane, then, if `known` is
 * one of the planes, its RGBA8 pixels. */
#define FL_HISTORY_HAS_CAMERA 1u
typedef struct fl_history {
    uint32_t width; /* of the history; the session may have another size */
    uint32_t height;
    uint32_t flags;
    uint32_t reserved;
    uint64_t frame_id; /* new frames must have larger ids */
    uint64_t seed;
    float jitter_x;
    float jitter_y;
    fl_camera camera;
} fl_history;

/* ---- FL_FRAME ------------------------------------------------------------------------------- */

typedef struct fl_frame {
    uint64_t motion_from;    /* id of the frame that the motion plane points to */
    uint64_t client_time_ns; /* returned in the reply as it is */
    float exposure;          /* must be 1 */
    float history_trust;     /* reserved: must be 1 */
    float jitter_x;          /* pixels, right and down, added to the pixel center when drawing */
    float jitter_y;
    fl_camera camera;
} fl_frame;

/* ---- Shared memory -------------------------------------------------------------------------- */

/* One memfd, sealed with F_SEAL_SHRINK and F_SEAL_GROW, of slot_count slots. Slot i begins at
 * i * slot_bytes with the planes of a frame, as its payload would be; the picture of that frame is
 * written at picture_offset from there, as its payload would be. */
#define FL_SPARE_SLOTS 4u
typedef struct fl_share {
    uint64_t slot_bytes;     /* at least picture_offset + fl_opened.picture_bytes */
    uint64_t picture_offset; /* at least fl_opened.payload_bytes */
    uint32_t slot_count;     /* 1 to fl_opened.max_frames_in_flight + FL_SPARE_SLOTS */
    uint32_t reserved;
} fl_share;

/* Follows fl_frame in the body of an FL_FRAME with FL_FRAME_IN_SLOT. The slot is the daemon's until
 * the frame is answered or dropped. */
typedef struct fl_slot {
    uint32_t slot;
    uint32_t reserved;
} fl_slot;

/* ---- Replies -------------------------------------------------------------------------------- */

#define FL_HISTORY_NONE 0u
#define FL_HISTORY_RESUMED 1u
#define FL_HISTORY_KEPT 2u

typedef struct fl_opened {
    uint64_t session_id;
    uint64_t features;      /* granted, of those asked for */
    uint64_t planned_bytes; /* what this session adds to the daemon's memory */
    uint64_t payload_bytes; /* of each FL_FRAME */
    uint64_t picture_bytes; /* of each FL_PICTURE */
    uint32_t max_frames_in_flight; /* sent and not yet answered; with FL_MAILBOX_EVERY the
                                    daemon reads no more, with LATEST it drops older ones */
    uint32_t history;              /* FL_HISTORY_... */
    char model[64];
    char model_version[32];
    char precision[16];
    char kernel_path[48];
    char precision_reason[96]; /* why this precision, for people; daemons before it send 208 bytes */
} fl_opened;

typedef struct fl_picture {
    uint64_t client_time_ns;
    uint64_t history_frame; /* valid with FL_PICTURE_HISTORY */
    uint64_t read_ns;       /* first byte to last byte of the frame */
    uint64_t queue_ns;      /* last byte to start of rendering */
    uint64_t convert_ns;    /* planes to network input */
    uint64_t render_ns;     /* network */
    uint64_t encode_ns;     /* network output to picture */
    uint64_t age_ns;        /* last byte of the frame to this reply */
    uint64_t next_send_ns;  /* suggested wait before the next frame is sent */
    float load;             /* share of the render threads' time in use, 0 ... 1 */
    float computed_share;   /* share of the tiles that were rendered, 0 ... 1 */
    uint32_t width;
    uint32_t height;
    uint32_t row_stride; /* bytes */
    uint32_t format;     /* FL_PICTURE_RGBA8_SRGB */
    /* What the daemon saw of this session's planes so far (docs/doctor.md), plus 1; 0: not known. */
    uint8_t history_percent; /* of the surfaces: found in an earlier frame by depth and camera */
    uint8_t sky_percent;     /* of the pixels */
    uint8_t away_percent;    /* of the surfaces: normals that face away from the viewer */
    uint8_t color_error;     /* mean difference of base color where they were found, of 255 */
    uint32_t dropped_count; /* frames dropped since the last reply; every unanswered frame with an id
                             * below this reply's was dropped */
    uint64_t dropped_ids[FL_MAX_DROPPED_IDS]; /* the newest of them, ascending; rest 0 */
} fl_picture;

#define FL_SEVERITY_FRAME 1u   /* the frame in the header failed; the session goes on */
#define FL_SEVERITY_SESSION 2u /* the session ended; the daemon closes the connection */

/* Error codes. Gaps are for later; codes are never reused. */
#define FL_ERROR_MAGIC 1u
#define FL_ERROR_VERSION 2u
#define FL_ERROR_MESSAGE_TYPE 3u
#define FL_ERROR_FLAGS 4u
#define FL_ERROR_BODY_SIZE 5u
#define FL_ERROR_PAYLOAD_SIZE 6u
#define FL_ERROR_UNEXPECTED_MESSAGE 7u
#define FL_ERROR_TEXT 8u
#define FL_ERROR_RESERVED 9u
#define FL_ERROR_SIZE 16u
#define FL_ERROR_FEATURE 17u
#define FL_ERROR_FORMAT 18u
#define FL_ERROR_PLANE 19u
#define FL_ERROR_ROW_STRIDE 20u
#define FL_ERROR_VALUE 21u
#define FL_ERROR_FRAME_ORDER 22u
#define FL_ERROR_CAMERA 23u
#define FL_ERROR_MODEL 32u
#define FL_ERROR_SHARED_MEMORY 33u
#define FL_ERROR_LIMIT_SESSIONS 48u
#define FL_ERROR_LIMIT_IDENTITY 49u
#define FL_ERROR_LIMIT_PIXELS 50u
#define FL_ERROR_LIMIT_MEMORY 51u
#define FL_ERROR_IDLE 64u
#define FL_ERROR_SLOW_READER 65u
#define FL_ERROR_DRAINING 66u
#define FL_ERROR_RENDER 80u

typedef struct fl_error {
    uint32_t code;
    uint32_t severity;
    double value;    /* what was found, where it is a number */
    double limit;    /* what was expected or allowed, where it is a number */
    char field[64];  /* name in this header, e.g. "planes[2].row_stride"; may be empty */
    char text[256];  /* one sentence for people */
} fl_error;

#ifdef __cplusplus
}
#endif

#endif
