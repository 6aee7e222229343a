// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameTypes

extension fl_open {
    /// What a client says once about its frames.
    init(_ layout: GBufferLayout, model: String, clientName: String) throws {
        self.init()
        width = UInt32(layout.size.width)
        height = UInt32(layout.size.height)
        plane_count = UInt8(layout.planes.count)
        origin = layout.origin.rawValue
        picture_format = UInt8(FL_PICTURE_RGBA8_SRGB)
        normal_space = layout.normalSpace.rawValue
        switch layout.depth {
        case .linear(let metresPerUnit, let far):
            depth_kind = UInt8(FL_DEPTH_LINEAR)
            depth_scale = metresPerUnit
            depth_far = far.isFinite ? far : 0
        case .deviceReversed(let near, let far):
            depth_kind = UInt8(FL_DEPTH_DEVICE_REVERSED)
            depth_near = near
            depth_far = far.isFinite ? far : 0
        }
        try put(model, into: &self.model)
        try put(clientName, into: &client_name)
        let list = layout.planes.map {
            fl_plane(
                kind: $0.kind.rawValue, format: $0.format.rawValue, channel: 0, flags: 0,
                row_stride: UInt32($0.rowStride))
        }
        // The field has FL_MAX_PLANES entries, more than there are kinds of planes.
        unsafe withUnsafeMutableBytes(of: &planes) { field in
            unsafe list.withUnsafeBytes { unsafe field.copyBytes(from: $0.prefix(field.count)) }
        }
    }
}

extension fl_camera {
    init(_ camera: Camera) {
        self.init()
        fx = camera.fx
        fy = camera.fy
        cx = camera.cx
        cy = camera.cy
        near_plane = camera.near
        far_plane = camera.far
        let rows = camera.cameraToWorld
        let values = [rows.x, rows.y, rows.z, rows.w].flatMap { row in (0..<4).map { row[$0] } }
        // Sixteen numbers on both sides.
        unsafe withUnsafeMutableBytes(of: &camera_to_world) { field in
            unsafe values.withUnsafeBytes { unsafe field.copyBytes(from: $0) }
        }
    }
}

/// Fills a fixed text field of the wire; its last byte stays zero.
private func put<Field>(_ text: String, into field: inout Field) throws {
    let limit = MemoryLayout<Field>.size - 1
    guard text.utf8.count <= limit else { throw RunError.nameTooLong(name: text, limit: limit) }
    // The length was checked on the line above.
    unsafe withUnsafeMutableBytes(of: &field) { unsafe $0.copyBytes(from: Array(text.utf8)) }
}
