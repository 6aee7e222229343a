// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import Testing

@testable import FrameProtocol

/// Swift reads and writes by offset; the header says where everything is.
@Suite struct WireLayoutTests {
    @Test func sizesAreThoseOfTheHeader() {
        #expect(WireHeader.byteCount == MemoryLayout<fl_header>.size)
        #expect(WirePlane.byteCount == MemoryLayout<fl_plane>.size)
        #expect(WireOpen.byteCount == MemoryLayout<fl_open>.size)
        #expect(WireCamera.byteCount == MemoryLayout<fl_camera>.size)
        #expect(WireHistory.byteCount == MemoryLayout<fl_history>.size)
        #expect(WireFrame.byteCount == MemoryLayout<fl_frame>.size)
        #expect(WireOpened.byteCount == MemoryLayout<fl_opened>.size)
        #expect(WirePicture.byteCount == MemoryLayout<fl_picture>.size)
        #expect(WireError.byteCount == MemoryLayout<fl_error>.size)
    }

    @Test func headerAndPlaneFieldsAreWhereTheHeaderSays() {
        pin(\fl_header.magic, WireHeader.magic)
        pin(\fl_header.version, WireHeader.version)
        pin(\fl_header.type, WireHeader.type)
        pin(\fl_header.flags, WireHeader.flags)
        pin(\fl_header.body_bytes, WireHeader.bodyBytes)
        pin(\fl_header.payload_bytes, WireHeader.payloadBytes)
        pin(\fl_header.frame_id, WireHeader.frameID)
        pin(\fl_plane.kind, WirePlane.kind)
        pin(\fl_plane.format, WirePlane.format)
        pin(\fl_plane.reserved, WirePlane.reserved)
        pin(\fl_plane.row_stride, WirePlane.rowStride)
    }

    @Test func openFieldsAreWhereTheHeaderSays() {
        pin(\fl_open.features, WireOpen.features)
        pin(\fl_open.width, WireOpen.width)
        pin(\fl_open.height, WireOpen.height)
        pin(\fl_open.plane_count, WireOpen.planeCount)
        pin(\fl_open.origin, WireOpen.origin)
        pin(\fl_open.mailbox, WireOpen.mailbox)
        pin(\fl_open.view_index, WireOpen.viewIndex)
        pin(\fl_open.picture_format, WireOpen.pictureFormat)
        pin(\fl_open.transport, WireOpen.transport)
        pin(\fl_open.normal_space, WireOpen.normalSpace)
        pin(\fl_open.normal_axes, WireOpen.normalAxes)
        pin(\fl_open.depth_kind, WireOpen.depthKind)
        pin(\fl_open.roughness_kind, WireOpen.roughnessKind)
        pin(\fl_open.motion_direction, WireOpen.motionDirection)
        pin(\fl_open.motion_flags, WireOpen.motionFlags)
        pin(\fl_open.frame_budget_us, WireOpen.frameBudget)
        pin(\fl_open.depth_scale, WireOpen.depthScale)
        pin(\fl_open.motion_scale_x, WireOpen.motionScaleX)
        pin(\fl_open.motion_scale_y, WireOpen.motionScaleY)
        pin(\fl_open.control_scale, WireOpen.controlScale)
        pin(\fl_open.adapter_scale, WireOpen.adapterScale)
        pin(\fl_open.depth_near, WireOpen.depthNear)
        pin(\fl_open.depth_far, WireOpen.depthFar)
        pin(\fl_open.seed, WireOpen.seed)
        pin(\fl_open.model, WireOpen.model)
        pin(\fl_open.client_name, WireOpen.clientName)
        pin(\fl_open.planes, WireOpen.planes)
    }

    @Test func cameraHistoryAndFrameFieldsAreWhereTheHeaderSays() {
        pin(\fl_camera.fx, WireCamera.fx)
        pin(\fl_camera.fy, WireCamera.fy)
        pin(\fl_camera.cx, WireCamera.cx)
        pin(\fl_camera.cy, WireCamera.cy)
        pin(\fl_camera.near_plane, WireCamera.near)
        pin(\fl_camera.far_plane, WireCamera.far)
        pin(\fl_camera.camera_to_world, WireCamera.cameraToWorld)
        pin(\fl_history.width, WireHistory.width)
        pin(\fl_history.height, WireHistory.height)
        pin(\fl_history.flags, WireHistory.flags)
        pin(\fl_history.reserved, WireHistory.reserved)
        pin(\fl_history.frame_id, WireHistory.frameID)
        pin(\fl_history.seed, WireHistory.seed)
        pin(\fl_history.jitter_x, WireHistory.jitterX)
        pin(\fl_history.jitter_y, WireHistory.jitterY)
        pin(\fl_history.camera, WireHistory.camera)
        pin(\fl_frame.motion_from, WireFrame.motionFrom)
        pin(\fl_frame.client_time_ns, WireFrame.clientTime)
        pin(\fl_frame.exposure, WireFrame.exposure)
        pin(\fl_frame.history_trust, WireFrame.historyTrust)
        pin(\fl_frame.jitter_x, WireFrame.jitterX)
        pin(\fl_frame.jitter_y, WireFrame.jitterY)
        pin(\fl_frame.camera, WireFrame.camera)
    }

    @Test func replyFieldsAreWhereTheHeaderSays() {
        pin(\fl_opened.session_id, WireOpened.sessionID)
        pin(\fl_opened.features, WireOpened.features)
        pin(\fl_opened.planned_bytes, WireOpened.plannedBytes)
        pin(\fl_opened.payload_bytes, WireOpened.payloadBytes)
        pin(\fl_opened.picture_bytes, WireOpened.pictureBytes)
        pin(\fl_opened.max_frames_in_flight, WireOpened.maxFramesInFlight)
        pin(\fl_opened.history, WireOpened.history)
        pin(\fl_opened.model, WireOpened.model)
        pin(\fl_opened.model_version, WireOpened.modelVersion)
        pin(\fl_opened.precision, WireOpened.precision)
        pin(\fl_opened.kernel_path, WireOpened.kernelPath)
        pin(\fl_error.code, WireError.code)
        pin(\fl_error.severity, WireError.severity)
        pin(\fl_error.value, WireError.value)
        pin(\fl_error.limit, WireError.limit)
        pin(\fl_error.field, WireError.field)
        pin(\fl_error.text, WireError.text)
    }

    @Test func pictureFieldsAreWhereTheHeaderSays() {
        pin(\fl_picture.client_time_ns, WirePicture.clientTime)
        pin(\fl_picture.history_frame, WirePicture.historyFrame)
        pin(\fl_picture.read_ns, WirePicture.read)
        pin(\fl_picture.queue_ns, WirePicture.queue)
        pin(\fl_picture.convert_ns, WirePicture.convert)
        pin(\fl_picture.render_ns, WirePicture.render)
        pin(\fl_picture.encode_ns, WirePicture.encode)
        pin(\fl_picture.age_ns, WirePicture.age)
        pin(\fl_picture.next_send_ns, WirePicture.nextSend)
        pin(\fl_picture.load, WirePicture.load)
        pin(\fl_picture.computed_share, WirePicture.computedShare)
        pin(\fl_picture.width, WirePicture.width)
        pin(\fl_picture.height, WirePicture.height)
        pin(\fl_picture.row_stride, WirePicture.rowStride)
        pin(\fl_picture.format, WirePicture.format)
        pin(\fl_picture.reserved, WirePicture.reserved)
        pin(\fl_picture.dropped_count, WirePicture.droppedCount)
        pin(\fl_picture.dropped_ids, WirePicture.droppedIDs)
    }

    @Test func textsAreAsLongAsTheHeaderSays() {
        let opened = fl_opened()
        #expect(WireOpened.modelByteCount == MemoryLayout.size(ofValue: opened.model))
        #expect(
            WireOpened.modelVersionByteCount == MemoryLayout.size(ofValue: opened.model_version))
        #expect(WireOpened.precisionByteCount == MemoryLayout.size(ofValue: opened.precision))
        #expect(WireOpened.kernelPathByteCount == MemoryLayout.size(ofValue: opened.kernel_path))
        let open = fl_open()
        #expect(WireOpen.textByteCount == MemoryLayout.size(ofValue: open.model))
        #expect(WireOpen.textByteCount == MemoryLayout.size(ofValue: open.client_name))
        let error = fl_error()
        #expect(WireError.fieldByteCount == MemoryLayout.size(ofValue: error.field))
        #expect(WireError.textByteCount == MemoryLayout.size(ofValue: error.text))
    }

    @Test func limitsAreThoseOfTheHeader() {
        #expect(UInt32(ConditioningScales.limit) == FL_MAX_SCALE)
    }

    private func pin<Struct, Field>(
        _ field: KeyPath<Struct, Field>, _ offset: Int,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(MemoryLayout<Struct>.offset(of: field) == offset, sourceLocation: location)
    }
}
