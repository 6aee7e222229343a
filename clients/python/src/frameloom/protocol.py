# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Numbers and structs of the wire protocol, as in frame_protocol.h and docs/protocol.md.

Written by make_protocol.py: change the header and run that.
"""
import numpy as np

MAGIC = 0x4D4F4F4C
VERSION = 1
HEADER_BYTES = 32
MAX_BODY_BYTES = 4096
MIN_SIDE = 32
MAX_SIDE = 8192
MAX_PLANES = 16
MAX_DROPPED_IDS = 32
MAX_SCALE = 4000
OPEN = 1
FRAME = 2
RESET = 3
RECONFIGURE = 4
CLOSE = 5
SHARE = 6
OPENED = 65
PICTURE = 66
ERROR = 67
CLOSED = 68
SHARED = 69
OPEN_HISTORY = 1
OPEN_KEEP_HISTORY = 2
FRAME_RESET = 1
FRAME_APPROXIMATE = 2
FRAME_HAS_CAMERA = 4
FRAME_HAS_MOTION_FROM = 8
FRAME_SHOW_PLANES = 16
FRAME_IN_SLOT = 32
PICTURE_LATE = 1
PICTURE_APPROXIMATE = 2
PICTURE_HISTORY = 4
PICTURE_IN_SLOT = 32
PICTURE_HALF = 64
PICTURE_QUARTER = 128
BASE_COLOR = 1
NORMALS = 2
DEPTH = 3
ROUGHNESS = 4
METALLIC = 5
MOTION = 6
KNOWN = 7
HISTORY_WEIGHT = 8
EMISSIVE = 9
RGBA8_SRGB = 1
RGB8_SRGB = 2
RGBA8_LINEAR = 3
RGB8_UNORM = 4
RGB10A2 = 5
RGBA16F = 6
RG16_OCTAHEDRAL = 7
R8 = 8
R16 = 9
R16F = 10
R32F = 11
RG16F = 12
RG32F = 13
BGRA8_SRGB = 14
RGBA8_UNORM = 15
RGBA8_SNORM = 16
RG8_OCTAHEDRAL = 17
RG16F_OCTAHEDRAL = 18
RGBA8_OCTAHEDRAL = 19
D24_LOW = 20
D24_HIGH = 21
FROM_DEPTH = 22
CONSTANT = 23
ORIGIN_TOP_LEFT = 0
ORIGIN_BOTTOM_LEFT = 1
MAILBOX_LATEST = 0
MAILBOX_EVERY = 1
NORMALS_WORLD = 0
NORMALS_VIEW = 1
DEPTH_LINEAR = 1
DEPTH_DEVICE_REVERSED = 2
DEPTH_DEVICE = 3
DEPTH_DEVICE_SIGNED = 4
DEPTH_RAY = 5
ROUGHNESS_DIRECT = 0
ROUGHNESS_SMOOTHNESS = 1
ROUGHNESS_GODOT = 2
AXES_OPENGL = 0
AXES_UNITY = 1
AXES_UNREAL = 2
AXES_BLENDER = 3
AXES_PRESET = 15
UNIT_METRES = 16
UNIT_CENTIMETRES = 32
MATRIX_COLUMN_MAJOR = 128
MOTION_TO_PREVIOUS = 0
MOTION_FROM_PREVIOUS = 1
MOTION_JITTERED = 1
MOTION_NDC = 2
MOTION_UV = 4
PICTURE_RGBA8_SRGB = 1
PICTURE_JPEG = 16
TRANSPORT_INLINE = 0
TRANSPORT_SHARED_MEMORY = 1
FEATURE_SHARED_MEMORY = 1 << 0
FEATURE_INCREMENTAL = 1 << 1
FEATURE_HISTORY_WEIGHT = 1 << 2
FEATURE_HDR = 1 << 3
FEATURE_QUALITY_FULL = 1 << 8
FEATURE_QUALITY_HALF = 1 << 9
FEATURE_QUALITY_QUARTER = 1 << 10
FEATURE_QUALITY_MAY_FALL = 1 << 11
PLANE_SAME_BYTES = 1
HISTORY_HAS_CAMERA = 1
SPARE_SLOTS = 4
HISTORY_NONE = 0
HISTORY_RESUMED = 1
HISTORY_KEPT = 2
SEVERITY_FRAME = 1
SEVERITY_SESSION = 2
ERROR_MAGIC = 1
ERROR_VERSION = 2
ERROR_MESSAGE_TYPE = 3
ERROR_FLAGS = 4
ERROR_BODY_SIZE = 5
ERROR_PAYLOAD_SIZE = 6
ERROR_UNEXPECTED_MESSAGE = 7
ERROR_TEXT = 8
ERROR_RESERVED = 9
ERROR_SIZE = 16
ERROR_FEATURE = 17
ERROR_FORMAT = 18
ERROR_PLANE = 19
ERROR_ROW_STRIDE = 20
ERROR_VALUE = 21
ERROR_FRAME_ORDER = 22
ERROR_CAMERA = 23
ERROR_MODEL = 32
ERROR_SHARED_MEMORY = 33
ERROR_LIMIT_SESSIONS = 48
ERROR_LIMIT_IDENTITY = 49
ERROR_LIMIT_PIXELS = 50
ERROR_LIMIT_MEMORY = 51
ERROR_IDLE = 64
ERROR_SLOW_READER = 65
ERROR_DRAINING = 66
ERROR_RENDER = 80

header_dtype = np.dtype(
    [
        ("magic", "<u4"),
        ("version", "<u2"),
        ("type", "<u2"),
        ("flags", "<u4"),
        ("body_bytes", "<u4"),
        ("payload_bytes", "<u8"),
        ("frame_id", "<u8"),
    ],
    align=True,
)

plane_dtype = np.dtype(
    [
        ("kind", "u1"),
        ("format", "u1"),
        ("channel", "u1"),
        ("flags", "u1"),
        ("row_stride", "<u4"),
    ],
    align=True,
)

open_dtype = np.dtype(
    [
        ("features", "<u8"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("plane_count", "u1"),
        ("origin", "u1"),
        ("mailbox", "u1"),
        ("view_index", "u1"),
        ("picture_format", "u1"),
        ("transport", "u1"),
        ("normal_space", "u1"),
        ("axes", "u1"),
        ("depth_kind", "u1"),
        ("roughness_kind", "u1"),
        ("motion_direction", "u1"),
        ("motion_flags", "u1"),
        ("frame_budget_us", "<u4"),
        ("depth_scale", "<f4"),
        ("motion_scale_x", "<f4"),
        ("motion_scale_y", "<f4"),
        ("control_scale", "<u2"),
        ("adapter_scale", "<u2"),
        ("depth_near", "<f8"),
        ("depth_far", "<f8"),
        ("seed", "<u8"),
        ("model", "S64"),
        ("client_name", "S64"),
        ("planes", plane_dtype, (MAX_PLANES,)),
    ],
    align=True,
)

camera_dtype = np.dtype(
    [
        ("fx", "<f8"),
        ("fy", "<f8"),
        ("cx", "<f8"),
        ("cy", "<f8"),
        ("near_plane", "<f8"),
        ("far_plane", "<f8"),
        ("camera_to_world", "<f8", (16,)),
    ],
    align=True,
)

history_dtype = np.dtype(
    [
        ("width", "<u4"),
        ("height", "<u4"),
        ("flags", "<u4"),
        ("reserved", "<u4"),
        ("frame_id", "<u8"),
        ("seed", "<u8"),
        ("jitter_x", "<f4"),
        ("jitter_y", "<f4"),
        ("camera", camera_dtype),
    ],
    align=True,
)

frame_dtype = np.dtype(
    [
        ("motion_from", "<u8"),
        ("client_time_ns", "<u8"),
        ("exposure", "<f4"),
        ("history_trust", "<f4"),
        ("jitter_x", "<f4"),
        ("jitter_y", "<f4"),
        ("camera", camera_dtype),
    ],
    align=True,
)

share_dtype = np.dtype(
    [
        ("slot_bytes", "<u8"),
        ("picture_offset", "<u8"),
        ("slot_count", "<u4"),
        ("reserved", "<u4"),
    ],
    align=True,
)

slot_dtype = np.dtype(
    [
        ("slot", "<u4"),
        ("reserved", "<u4"),
    ],
    align=True,
)

opened_dtype = np.dtype(
    [
        ("session_id", "<u8"),
        ("features", "<u8"),
        ("planned_bytes", "<u8"),
        ("payload_bytes", "<u8"),
        ("picture_bytes", "<u8"),
        ("max_frames_in_flight", "<u4"),
        ("history", "<u4"),
        ("model", "S64"),
        ("model_version", "S32"),
        ("precision", "S16"),
        ("kernel_path", "S48"),
        ("precision_reason", "S96"),
    ],
    align=True,
)

picture_dtype = np.dtype(
    [
        ("client_time_ns", "<u8"),
        ("history_frame", "<u8"),
        ("read_ns", "<u8"),
        ("queue_ns", "<u8"),
        ("convert_ns", "<u8"),
        ("render_ns", "<u8"),
        ("encode_ns", "<u8"),
        ("age_ns", "<u8"),
        ("next_send_ns", "<u8"),
        ("load", "<f4"),
        ("computed_share", "<f4"),
        ("width", "<u4"),
        ("height", "<u4"),
        ("row_stride", "<u4"),
        ("format", "<u4"),
        ("history_percent", "u1"),
        ("sky_percent", "u1"),
        ("away_percent", "u1"),
        ("color_error", "u1"),
        ("dropped_count", "<u4"),
        ("dropped_ids", "<u8", (MAX_DROPPED_IDS,)),
    ],
    align=True,
)

error_dtype = np.dtype(
    [
        ("code", "<u4"),
        ("severity", "<u4"),
        ("value", "<f8"),
        ("limit", "<f8"),
        ("field", "S64"),
        ("text", "S256"),
    ],
    align=True,
)
