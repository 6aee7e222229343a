// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

/// A small made-up scene, enough to see whether a frame was rendered from the right bytes: a sloped
/// wall under some sky, seen from a camera that moves to the right.
package struct SyntheticFrame: Sendable {
    package var flags: UInt32
    package var body: fl_frame
    /// In the order of `SyntheticFrame.open`.
    package var planes: [[UInt8]]

    /// Base color RGBA8, normals RGB8, depth R16 in millimetres, roughness R8, metallic R8.
    package static func open(
        _ size: FrameSize, mailbox: UInt32 = FL_MAILBOX_EVERY, seed: UInt64 = 7
    ) -> fl_open {
        var open = fl_open()
        open.width = UInt32(size.width)
        open.height = UInt32(size.height)
        open.mailbox = UInt8(mailbox)
        open.picture_format = UInt8(FL_PICTURE_RGBA8_SRGB)
        open.depth_kind = UInt8(FL_DEPTH_LINEAR)
        open.depth_scale = 0.001
        open.seed = seed
        setText(&open.client_name, "tests")
        setPlanes(
            &open,
            [
                (FL_BASE_COLOR, FL_RGBA8_SRGB, 0), (FL_NORMALS, FL_RGB8_UNORM, 0),
                (FL_DEPTH, FL_R16, 0), (FL_ROUGHNESS, FL_R8, 0), (FL_METALLIC, FL_R8, 0),
            ])
        return open
    }

    package static func setPlanes(
        _ open: inout fl_open, _ planes: [(kind: UInt32, format: UInt32, rowStride: Int)]
    ) {
        open.plane_count = UInt8(planes.count)
        withUnsafeMutableBytes(of: &open.planes) { bytes in
            for index in bytes.indices { bytes[index] = 0 }
            let fields = bytes.bindMemory(to: fl_plane.self)
            for (index, plane) in planes.enumerated() {
                fields[index] = fl_plane(
                    kind: UInt8(plane.kind), format: UInt8(plane.format), channel: 0, flags: 0,
                    row_stride: UInt32(plane.rowStride))
            }
        }
    }

    /// - Parameter index: moment of the scene's time, from 0.
    package init(_ size: FrameSize, index: Int) {
        flags = FL_FRAME_HAS_CAMERA
        body = Self.body(size, index: index)
        var baseColor = [UInt8](), normals = [UInt8](), depth = [UInt8]()
        var roughness = [UInt8](), metallic = [UInt8]()
        for y in 0..<size.height {
            for x in 0..<size.width {
                let isSky = y < size.height / 5
                // The pattern moves as the camera does, so that history is of use.
                let checker = ((x + index * 2) / 8 + y / 8) % 2
                let tone: UInt8 = isSky ? 0 : UInt8(90 + 100 * checker)
                baseColor += [tone, UInt8(Int(tone) * 3 / 4), UInt8((y * 2) % 200), 255]
                normals += isSky ? [128, 128, 128] : [128, 140, 250]
                let millimetres = isSky ? 0 : 4000 + 10 * y
                depth += [UInt8(millimetres & 255), UInt8(millimetres >> 8)]
                roughness.append(isSky ? 0 : UInt8(120 + (x + y) % 60))
                metallic.append(checker == 1 && !isSky ? 30 : 0)
            }
        }
        planes = [baseColor, normals, depth, roughness, metallic]
    }

    private static func body(_ size: FrameSize, index: Int) -> fl_frame {
        var body = fl_frame()
        body.exposure = 1
        body.history_trust = 1
        body.client_time_ns = UInt64(1000 + index)
        body.camera.fx = Double(size.width)
        body.camera.fy = Double(size.width)
        body.camera.cx = Double(size.width) / 2
        body.camera.cy = Double(size.height) / 2
        withUnsafeMutableBytes(of: &body.camera.camera_to_world) { bytes in
            let matrix = bytes.bindMemory(to: Double.self)
            for diagonal in 0..<4 { matrix[diagonal * 5] = 1 }
            matrix[3] = 0.03 * Double(index)
            matrix[7] = 1.5
        }
        return body
    }
}
