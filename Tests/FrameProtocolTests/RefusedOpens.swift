// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

@testable import FrameProtocol

private let open = MessageEncoder.open(Samples.open)
private let deviceOpen = MessageEncoder.open(Samples.deviceDepthOpen)
private let resume = MessageEncoder.open(Samples.open, history: Samples.history)
private func plane(_ index: Int, _ offset: Int) -> Int { WireOpen.planes + index * 8 + offset }
private func history(_ offset: Int) -> Int { WireOpen.byteCount + offset }

/// What is found in the body of FL_OPEN.
extension RefusalTests {
    static let opens: [Refusal] = [
        Refusal(
            "history weight", Samples.changed(open, body: WireOpen.features, UInt64(4)),
            FL_ERROR_FEATURE, "features", "FL_FEATURE_HISTORY_WEIGHT"),
        Refusal(
            "HDR", Samples.changed(open, body: WireOpen.features, UInt64(8)), FL_ERROR_FEATURE,
            "features", "FL_FEATURE_HDR"),
        Refusal(
            "unknown feature", Samples.changed(open, body: WireOpen.features, UInt64(1) << 63),
            FL_ERROR_FEATURE, "features", "bit 63 is unknown; known are"),
        Refusal(
            "too narrow", Samples.changed(open, body: WireOpen.width, UInt32(31)), FL_ERROR_SIZE,
            "width", "32 to 8192"),
        Refusal(
            "too high", Samples.changed(open, body: WireOpen.height, UInt32.max), FL_ERROR_SIZE,
            "height", "4294967295"),
        Refusal(
            "too many planes", Samples.changed(open, body: WireOpen.planeCount, UInt8(17)),
            FL_ERROR_PLANE, "plane_count", "at most 16"),
        Refusal(
            "planes beyond the count", Samples.changed(open, body: WireOpen.planeCount, UInt8(0)),
            FL_ERROR_RESERVED, "planes[0]", "must be 0"),
        Refusal(
            "origin", Samples.changed(open, body: WireOpen.origin, UInt8(2)), FL_ERROR_VALUE,
            "origin", "use 0 or 1"),
        Refusal(
            "mailbox", Samples.changed(open, body: WireOpen.mailbox, UInt8(2)), FL_ERROR_VALUE,
            "mailbox", "use 0 or 1"),
        Refusal(
            "view index", Samples.changed(open, body: WireOpen.viewIndex, UInt8(2)),
            FL_ERROR_VALUE, "view_index", "must be 0 or 1"),
        Refusal(
            "picture format", Samples.changed(open, body: WireOpen.pictureFormat, UInt8(0)),
            FL_ERROR_VALUE, "picture_format", "FL_PICTURE_RGBA8_SRGB"),
        Refusal(
            "transport", Samples.changed(open, body: WireOpen.transport, UInt8(1)), FL_ERROR_VALUE,
            "transport", "agreed on by FL_FEATURE_SHARED_MEMORY"),
        Refusal(
            "normal space", Samples.changed(open, body: WireOpen.normalSpace, UInt8(2)),
            FL_ERROR_VALUE, "normal_space", "use 0 or 1"),
        Refusal(
            "axes", Samples.changed(open, body: WireOpen.axes, UInt8(4)),
            FL_ERROR_VALUE, "axes", "use FL_AXES_OPENGL, FL_AXES_UNITY"),
        Refusal(
            "two units",
            Samples.changed(
                open, body: WireOpen.axes, UInt8(FL_UNIT_METRES | FL_UNIT_CENTIMETRES)),
            FL_ERROR_VALUE, "axes", "one unit at most"),
        Refusal(
            "roughness kind", Samples.changed(open, body: WireOpen.roughnessKind, UInt8(3)),
            FL_ERROR_VALUE, "roughness_kind", "FL_ROUGHNESS_SMOOTHNESS or FL_ROUGHNESS_GODOT"),
        Refusal(
            "motion direction", Samples.changed(open, body: WireOpen.motionDirection, UInt8(2)),
            FL_ERROR_VALUE, "motion_direction", "FL_MOTION_TO_PREVIOUS"),
        Refusal(
            "motion flags", Samples.changed(open, body: WireOpen.motionFlags, UInt8(8)),
            FL_ERROR_FLAGS, "motion_flags", "motion_flags has no flag 0x8"),
        Refusal(
            "motion in NDC with a scale",
            Samples.changed(open, body: WireOpen.motionFlags, UInt8(FL_MOTION_NDC)),
            FL_ERROR_VALUE, "motion_scale_x", "must be 0 where motion_flags state the unit"),
        Refusal(
            "motion in two units",
            Samples.changed(
                open, body: WireOpen.motionFlags, UInt8(FL_MOTION_NDC | FL_MOTION_UV)),
            FL_ERROR_VALUE, "motion_flags", "use one of them"),
        Refusal(
            "motion scale missing", Samples.changed(open, body: WireOpen.motionScaleX, Float(0)),
            FL_ERROR_VALUE, "motion_scale_x", "pixels per unit"),
        Refusal(
            "motion scale endless",
            Samples.changed(open, body: WireOpen.motionScaleY, Float.infinity), FL_ERROR_VALUE,
            "motion_scale_y", "finite"),
        Refusal(
            "motion scale without motion",
            Samples.changed(deviceOpen, body: WireOpen.motionScaleX, Float(1)), FL_ERROR_VALUE,
            "motion_scale_x", "must be 0"),
        Refusal(
            "control scale", Samples.changed(open, body: WireOpen.controlScale, UInt16(4001)),
            FL_ERROR_VALUE, "control_scale", "1 to 4000 thousandths"),
        Refusal(
            "adapter scale", Samples.changed(open, body: WireOpen.adapterScale, UInt16.max),
            FL_ERROR_VALUE, "adapter_scale", "65535"),
        Refusal(
            "model path", withModel("../atrium"), FL_ERROR_TEXT, "model", "a-z"),
        Refusal("model folder", withModel(".."), FL_ERROR_TEXT, "model", "not start with '.'"),
        Refusal("model capitals", withModel("Atrium"), FL_ERROR_TEXT, "model", "a-z"),
        Refusal(
            "client name not UTF-8", Samples.changed(open, body: WireOpen.clientName, UInt8(0xFF)),
            FL_ERROR_TEXT, "client_name", "UTF-8"),
        Refusal(
            "client name with a line break",
            Samples.changed(open, body: WireOpen.clientName, UInt8(10)), FL_ERROR_TEXT,
            "client_name", "control character"),
        Refusal(
            "client name not padded",
            Samples.changed(open, body: WireOpen.clientName + 60, UInt8(65)), FL_ERROR_TEXT,
            "client_name", "padded"),
        Refusal(
            "client name without an end", withEndlessClientName(), FL_ERROR_TEXT, "client_name",
            "end with a zero byte"),
    ]

    static let depths: [Refusal] = [
        Refusal(
            "depth scale missing", Samples.changed(open, body: WireOpen.depthScale, Float(0)),
            FL_ERROR_VALUE, "depth_scale", "set depth_scale to the metres that a value of 1 means"),
        Refusal(
            "depth scale NaN", Samples.changed(open, body: WireOpen.depthScale, Float.nan),
            FL_ERROR_VALUE, "depth_scale", "is not stated"),
        Refusal(
            "depth scale denormal",
            Samples.changed(open, body: WireOpen.depthScale, Float.leastNonzeroMagnitude),
            FL_ERROR_VALUE, "depth_scale", "metres a unit"),
        Refusal(
            "near denormal",
            Samples.changed(deviceOpen, body: WireOpen.depthNear, Double.leastNonzeroMagnitude),
            FL_ERROR_VALUE, "depth_near", "at least"),
        Refusal(
            "depth kind 0", Samples.changed(open, body: WireOpen.depthKind, UInt8(0)),
            FL_ERROR_VALUE, "depth_kind", "use FL_DEPTH_LINEAR"),
        Refusal(
            "forward device depth in R16",
            Samples.changed(open, body: WireOpen.depthKind, UInt8(FL_DEPTH_DEVICE)),
            FL_ERROR_VALUE, "depth_kind", "device depth in R16 is not supported; use R32F, D24_LOW"),
        Refusal(
            "depth kind 6", Samples.changed(open, body: WireOpen.depthKind, UInt8(6)),
            FL_ERROR_VALUE, "depth_kind", "FL_DEPTH_RAY"),
        Refusal(
            "device depth in R16",
            Samples.changed(open, body: WireOpen.depthKind, UInt8(FL_DEPTH_DEVICE_REVERSED)),
            FL_ERROR_VALUE, "depth_kind", "R16"),
        Refusal(
            "device depth without near",
            Samples.changed(deviceOpen, body: WireOpen.depthNear, Double(0)), FL_ERROR_VALUE,
            "depth_near", "at least"),
        Refusal(
            "device depth with scale",
            Samples.changed(deviceOpen, body: WireOpen.depthScale, Float(1)), FL_ERROR_VALUE,
            "depth_scale", "must be 0"),
        Refusal(
            "near beyond far", Samples.changed(deviceOpen, body: WireOpen.depthFar, Double(0.1)),
            FL_ERROR_VALUE, "depth_near", "below depth_far"),
        Refusal(
            "far NaN", Samples.changed(open, body: WireOpen.depthFar, Double.nan), FL_ERROR_VALUE,
            "depth_far", "0 to"),
        Refusal(
            "near negative", Samples.changed(deviceOpen, body: WireOpen.depthNear, -1.0),
            FL_ERROR_VALUE, "depth_near", "0 to"),
    ]

    static let planes: [Refusal] = [
        Refusal(
            "base color in R32F",
            Samples.changed(open, body: plane(1, WirePlane.format), UInt8(FL_R32F)),
            FL_ERROR_FORMAT, "planes[1].format",
            "R32F is not supported for base color; use RGBA8_SRGB, RGB8_SRGB, RGBA8_LINEAR, RGBA16F, "
                + "BGRA8_SRGB"),
        Refusal(
            "normals in two halves",
            Samples.changed(open, body: plane(2, WirePlane.format), UInt8(FL_RG16F)),
            FL_ERROR_FORMAT, "planes[2].format", "RG16_OCTAHEDRAL"),
        Refusal(
            "emissive linear in 8 bits",
            Samples.changed(open, body: plane(7, WirePlane.format), UInt8(FL_RGBA8_LINEAR)),
            FL_ERROR_FORMAT, "planes[7].format",
            "RGBA8_LINEAR is not supported for emissive; use RGBA8_SRGB, RGB8_SRGB, RGBA16F, "
                + "BGRA8_SRGB"),
        Refusal(
            "rows of halves overlap",
            Samples.changed(open, body: plane(7, WirePlane.rowStride), UInt32(48 * 8 - 1)),
            FL_ERROR_ROW_STRIDE, "planes[7].row_stride", "384 to 1536"),
        Refusal(
            "second emissive",
            Samples.changed(open, body: plane(6, WirePlane.kind), UInt8(FL_EMISSIVE)),
            FL_ERROR_PLANE, "planes[7].kind", "second plane of emissive"),
        Refusal(
            "depth in R8",
            Samples.changed(open, body: plane(0, WirePlane.format), UInt8(FL_R8)),
            FL_ERROR_FORMAT, "planes[0].format", "R8 is not supported for depth; use R16, R16F"),
        Refusal(
            "linear depth in 24 bits",
            Samples.changed(
                Samples.changed(open, body: plane(0, WirePlane.format), UInt8(FL_D24_LOW)),
                body: plane(0, WirePlane.rowStride), UInt32(0)),
            FL_ERROR_VALUE, "depth_kind", "linear depth in D24_LOW is not supported; use R16"),
        Refusal(
            "roughness in a format that exists elsewhere",
            Samples.changed(open, body: plane(3, WirePlane.format), UInt8(FL_R16)),
            FL_ERROR_FORMAT, "planes[3].format", "R8, RGBA8_UNORM"),
        Refusal(
            "unknown format", Samples.changed(open, body: plane(5, WirePlane.format), UInt8(200)),
            FL_ERROR_FORMAT, "planes[5].format", "format 200"),
        Refusal(
            "unknown kind", Samples.changed(open, body: plane(6, WirePlane.kind), UInt8(99)),
            FL_ERROR_PLANE, "planes[6].kind", "99 is unknown; use one of FL_BASE_COLOR"),
        Refusal(
            "history weight plane",
            Samples.changed(open, body: plane(6, WirePlane.kind), UInt8(FL_HISTORY_WEIGHT)),
            FL_ERROR_PLANE, "planes[6].kind", "leave the plane out"),
        Refusal(
            "second roughness",
            Samples.changed(open, body: plane(4, WirePlane.kind), UInt8(FL_ROUGHNESS)),
            FL_ERROR_PLANE, "planes[4].kind", "second plane of roughness"),
        Refusal("no base color", without(.baseColor), FL_ERROR_PLANE, "planes", "base color"),
        Refusal("no normals", without(.normals), FL_ERROR_PLANE, "planes", "FL_FROM_DEPTH"),
        Refusal("no depth", without(.depth), FL_ERROR_PLANE, "planes", "depth"),
        Refusal("no roughness", without(.roughness), FL_ERROR_PLANE, "planes", "FL_CONSTANT"),
        Refusal(
            "a channel of one",
            Samples.changed(open, body: plane(3, WirePlane.channel), UInt8(1)),
            FL_ERROR_VALUE, "planes[3].channel", "must be 0"),
        Refusal(
            "plane flags", Samples.changed(open, body: plane(3, WirePlane.flags), UInt8(2)),
            FL_ERROR_FLAGS, "planes[3].flags", "fl_plane has no flag 0x2"),
        Refusal(
            "same bytes as something else",
            Samples.changed(open, body: plane(3, WirePlane.flags), UInt8(FL_PLANE_SAME_BYTES)),
            FL_ERROR_VALUE, "planes[3].flags", "rows of another size"),
        Refusal(
            "base color in the same bytes",
            Samples.changed(open, body: plane(1, WirePlane.flags), UInt8(FL_PLANE_SAME_BYTES)),
            FL_ERROR_VALUE, "planes[1].flags", "FL_PLANE_SAME_BYTES for base color"),
        Refusal(
            "rows of nothing",
            Samples.changed(
                Samples.changed(open, body: plane(4, WirePlane.format), UInt8(FL_CONSTANT)),
                body: plane(4, WirePlane.rowStride), UInt32(64)),
            FL_ERROR_ROW_STRIDE, "planes[4].row_stride", "0 to 0"),
        Refusal(
            "unused plane", Samples.changed(open, body: plane(15, WirePlane.rowStride), UInt32(1)),
            FL_ERROR_RESERVED, "planes[15]", "must be 0"),
        Refusal(
            "rows overlap",
            Samples.changed(open, body: plane(1, WirePlane.rowStride), UInt32(48 * 3 - 1)),
            FL_ERROR_ROW_STRIDE, "planes[1].row_stride", "144 to 1024"),
        Refusal(
            "rows far apart",
            Samples.changed(open, body: plane(1, WirePlane.rowStride), UInt32.max),
            FL_ERROR_ROW_STRIDE, "planes[1].row_stride", "4294967295"),
    ]

    static let histories: [Refusal] = [
        Refusal(
            "history width", Samples.changed(resume, body: history(WireHistory.width), UInt32(0)),
            FL_ERROR_SIZE, "history.width", "32 to 8192"),
        Refusal(
            "history height",
            Samples.changed(resume, body: history(WireHistory.height), UInt32(8193)), FL_ERROR_SIZE,
            "history.height", "32 to 8192"),
        Refusal(
            "history flags", Samples.changed(resume, body: history(WireHistory.flags), UInt32(3)),
            FL_ERROR_FLAGS, "history.flags", "fl_history has no flag 0x2"),
        Refusal(
            "history reserved",
            Samples.changed(resume, body: history(WireHistory.reserved), UInt32(3)),
            FL_ERROR_RESERVED, "history.reserved", "must be 0"),
        Refusal(
            "history jitter",
            Samples.changed(resume, body: history(WireHistory.jitterX), Float.nan), FL_ERROR_VALUE,
            "jitter_x", "within"),
        Refusal(
            "history camera",
            Samples.changed(
                resume, body: history(WireHistory.camera + WireCamera.fx), Double.infinity),
            FL_ERROR_CAMERA, "camera.fx", "0.001 to"),
    ]

    private static func withModel(_ name: String) -> [UInt8] {
        var request = Samples.open
        request.model = name
        return MessageEncoder.open(request)
    }

    private static func withEndlessClientName() -> [UInt8] {
        var bytes = open
        for index in 0..<WireOpen.textByteCount { bytes[32 + WireOpen.clientName + index] = 65 }
        return bytes
    }

    private static func without(_ kind: PlaneKind) -> [UInt8] {
        var request = Samples.open
        request.layout = Samples.layout(planes: Samples.allPlanes.filter { $0.0 != kind })
        return MessageEncoder.open(request)
    }
}
