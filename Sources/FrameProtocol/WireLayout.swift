// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol

// Byte offsets of the structs in `frame_protocol.h`, as the compiler lays them out. A test pins every
// one to its number: a header that moved a field would be another version of the protocol.

private func offset<Struct>(_ field: PartialKeyPath<Struct>) -> Int {
    guard let offset = MemoryLayout<Struct>.offset(of: field) else {
        preconditionFailure("the header's structs are made of stored fields")
    }
    return offset
}

package enum WireHeader {
    package static let byteCount = MemoryLayout<fl_header>.size
    package static let magic = offset(\fl_header.magic)
    package static let version = offset(\fl_header.version)
    package static let type = offset(\fl_header.type)
    package static let flags = offset(\fl_header.flags)
    package static let bodyBytes = offset(\fl_header.body_bytes)
    package static let payloadBytes = offset(\fl_header.payload_bytes)
    package static let frameID = offset(\fl_header.frame_id)
}

package enum WirePlane {
    package static let byteCount = MemoryLayout<fl_plane>.size
    package static let kind = offset(\fl_plane.kind)
    package static let format = offset(\fl_plane.format)
    package static let channel = offset(\fl_plane.channel)
    package static let flags = offset(\fl_plane.flags)
    package static let rowStride = offset(\fl_plane.row_stride)
}

package enum WireOpen {
    package static let byteCount = MemoryLayout<fl_open>.size
    package static let features = offset(\fl_open.features)
    package static let width = offset(\fl_open.width)
    package static let height = offset(\fl_open.height)
    package static let planeCount = offset(\fl_open.plane_count)
    package static let origin = offset(\fl_open.origin)
    package static let mailbox = offset(\fl_open.mailbox)
    package static let viewIndex = offset(\fl_open.view_index)
    package static let pictureFormat = offset(\fl_open.picture_format)
    package static let transport = offset(\fl_open.transport)
    package static let normalSpace = offset(\fl_open.normal_space)
    package static let axes = offset(\fl_open.axes)
    package static let depthKind = offset(\fl_open.depth_kind)
    package static let roughnessKind = offset(\fl_open.roughness_kind)
    package static let motionDirection = offset(\fl_open.motion_direction)
    package static let motionFlags = offset(\fl_open.motion_flags)
    package static let frameBudget = offset(\fl_open.frame_budget_us)
    package static let depthScale = offset(\fl_open.depth_scale)
    package static let motionScaleX = offset(\fl_open.motion_scale_x)
    package static let motionScaleY = offset(\fl_open.motion_scale_y)
    package static let controlScale = offset(\fl_open.control_scale)
    package static let adapterScale = offset(\fl_open.adapter_scale)
    package static let depthNear = offset(\fl_open.depth_near)
    package static let depthFar = offset(\fl_open.depth_far)
    package static let seed = offset(\fl_open.seed)
    package static let model = offset(\fl_open.model)
    package static let clientName = offset(\fl_open.client_name)
    package static let planes = offset(\fl_open.planes)
    package static let textByteCount = MemoryLayout.size(ofValue: fl_open().model)
}

package enum WireCamera {
    package static let byteCount = MemoryLayout<fl_camera>.size
    package static let fx = offset(\fl_camera.fx)
    package static let fy = offset(\fl_camera.fy)
    package static let cx = offset(\fl_camera.cx)
    package static let cy = offset(\fl_camera.cy)
    package static let near = offset(\fl_camera.near_plane)
    package static let far = offset(\fl_camera.far_plane)
    package static let cameraToWorld = offset(\fl_camera.camera_to_world)
}

package enum WireHistory {
    package static let byteCount = MemoryLayout<fl_history>.size
    package static let width = offset(\fl_history.width)
    package static let height = offset(\fl_history.height)
    package static let flags = offset(\fl_history.flags)
    package static let reserved = offset(\fl_history.reserved)
    package static let frameID = offset(\fl_history.frame_id)
    package static let seed = offset(\fl_history.seed)
    package static let jitterX = offset(\fl_history.jitter_x)
    package static let jitterY = offset(\fl_history.jitter_y)
    package static let camera = offset(\fl_history.camera)
}

package enum WireFrame {
    package static let byteCount = MemoryLayout<fl_frame>.size
    package static let motionFrom = offset(\fl_frame.motion_from)
    package static let clientTime = offset(\fl_frame.client_time_ns)
    package static let exposure = offset(\fl_frame.exposure)
    package static let historyTrust = offset(\fl_frame.history_trust)
    package static let jitterX = offset(\fl_frame.jitter_x)
    package static let jitterY = offset(\fl_frame.jitter_y)
    package static let camera = offset(\fl_frame.camera)
}

/// After `WireFrame` in a frame that lies in a slot.
package enum WireSlot {
    package static let byteCount = MemoryLayout<fl_slot>.size
    package static let slot = offset(\fl_slot.slot)
    package static let reserved = offset(\fl_slot.reserved)
}

package enum WireShare {
    package static let byteCount = MemoryLayout<fl_share>.size
    package static let slotBytes = offset(\fl_share.slot_bytes)
    package static let pictureOffset = offset(\fl_share.picture_offset)
    package static let slotCount = offset(\fl_share.slot_count)
    package static let reserved = offset(\fl_share.reserved)
}

package enum WireOpened {
    package static let byteCount = MemoryLayout<fl_opened>.size
    package static let sessionID = offset(\fl_opened.session_id)
    package static let features = offset(\fl_opened.features)
    package static let plannedBytes = offset(\fl_opened.planned_bytes)
    package static let payloadBytes = offset(\fl_opened.payload_bytes)
    package static let pictureBytes = offset(\fl_opened.picture_bytes)
    package static let maxFramesInFlight = offset(\fl_opened.max_frames_in_flight)
    package static let history = offset(\fl_opened.history)
    package static let model = offset(\fl_opened.model)
    package static let modelByteCount = MemoryLayout.size(ofValue: fl_opened().model)
    package static let modelVersion = offset(\fl_opened.model_version)
    package static let modelVersionByteCount = MemoryLayout.size(ofValue: fl_opened().model_version)
    package static let precision = offset(\fl_opened.precision)
    package static let precisionByteCount = MemoryLayout.size(ofValue: fl_opened().precision)
    package static let kernelPath = offset(\fl_opened.kernel_path)
    package static let kernelPathByteCount = MemoryLayout.size(ofValue: fl_opened().kernel_path)
    package static let precisionReason = offset(\fl_opened.precision_reason)
    package static let precisionReasonByteCount = MemoryLayout.size(
        ofValue: fl_opened().precision_reason)
}

package enum WirePicture {
    package static let byteCount = MemoryLayout<fl_picture>.size
    package static let clientTime = offset(\fl_picture.client_time_ns)
    package static let historyFrame = offset(\fl_picture.history_frame)
    package static let read = offset(\fl_picture.read_ns)
    package static let queue = offset(\fl_picture.queue_ns)
    package static let convert = offset(\fl_picture.convert_ns)
    package static let render = offset(\fl_picture.render_ns)
    package static let encode = offset(\fl_picture.encode_ns)
    package static let age = offset(\fl_picture.age_ns)
    package static let nextSend = offset(\fl_picture.next_send_ns)
    package static let load = offset(\fl_picture.load)
    package static let computedShare = offset(\fl_picture.computed_share)
    package static let width = offset(\fl_picture.width)
    package static let height = offset(\fl_picture.height)
    package static let rowStride = offset(\fl_picture.row_stride)
    package static let format = offset(\fl_picture.format)
    package static let historyPercent = offset(\fl_picture.history_percent)
    package static let skyPercent = offset(\fl_picture.sky_percent)
    package static let awayPercent = offset(\fl_picture.away_percent)
    package static let colorError = offset(\fl_picture.color_error)
    package static let droppedCount = offset(\fl_picture.dropped_count)
    package static let droppedIDs = offset(\fl_picture.dropped_ids)
}

package enum WireError {
    package static let byteCount = MemoryLayout<fl_error>.size
    package static let code = offset(\fl_error.code)
    package static let severity = offset(\fl_error.severity)
    package static let value = offset(\fl_error.value)
    package static let limit = offset(\fl_error.limit)
    package static let field = offset(\fl_error.field)
    package static let fieldByteCount = MemoryLayout.size(ofValue: fl_error().field)
    package static let text = offset(\fl_error.text)
    package static let textByteCount = MemoryLayout.size(ofValue: fl_error().text)
}
