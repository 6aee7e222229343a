// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// How the planes of a watched session lie in memory and what their numbers mean; names and codes are
/// those of the frame protocol.
package struct WatchedLayout: Sendable, Equatable, Codable {
    package struct Plane: Sendable, Equatable, Codable {
        package var kind: UInt8
        package var format: UInt8
        package var rowStride: Int
        package var offset: Int
    }

    package var planes: [Plane]
    package var bytes: Int
    package var normalsInView: Bool
    package var depthIsDevice: Bool
    package var metresPerUnit: Float
    package var near: Double
    /// 0: none.
    package var far: Double

    package init(_ layout: GBufferLayout) {
        planes = layout.planes.map {
            Plane(
                kind: $0.kind.rawValue, format: $0.format.rawValue, rowStride: $0.rowStride,
                offset: $0.offset)
        }
        bytes = layout.byteCount
        normalsInView = layout.normalSpace == .view
        switch layout.depth {
        case .linear(let metresPerUnit, let far):
            (depthIsDevice, self.metresPerUnit, near) = (false, metresPerUnit, 0)
            self.far = far.isFinite ? far : 0
        case .deviceReversed(let near, let far):
            (depthIsDevice, metresPerUnit, self.near) = (true, 0, near)
            self.far = far.isFinite ? far : 0
        }
    }

    /// - Returns: nil if it is not what this version knows, or does not fit the size.
    package func layout(size: FrameSize, origin: RowOrigin) -> GBufferLayout? {
        var known: [PlaneLayout] = []
        for plane in planes {
            guard let kind = PlaneKind(rawValue: plane.kind),
                let format = PixelFormat(rawValue: plane.format), kind.canBe(format),
                plane.offset >= 0, plane.rowStride >= size.width * format.bytesPerPixel,
                plane.rowStride <= bytes, plane.offset <= bytes - plane.rowStride * size.height
            else { return nil }
            known.append(
                PlaneLayout(
                    kind: kind, format: format, rowStride: plane.rowStride, offset: plane.offset))
        }
        let endless = far == 0 ? Double.infinity : far
        return GBufferLayout(
            size: size, origin: origin, normalSpace: normalsInView ? .view : .world,
            depth: depthIsDevice
                ? .deviceReversed(near: near, far: endless)
                : .linear(metresPerUnit: metresPerUnit, far: endless),
            motion: nil, planes: known, byteCount: bytes)
    }
}

/// One frame of a watched session; its planes follow, then its picture.
package struct WatchedFrame: Sendable, Equatable, Codable {
    package struct View: Sendable, Equatable, Codable {
        package var fx, fy, cx, cy: Double
        package var near, far: Double
        /// Row-major.
        package var cameraToWorld: [Double]
    }

    package var frame: UInt64
    package var camera: View?
    package var jitter: [Float]

    package init(frame: UInt64, camera: Camera?, jitter: SIMD2<Float>) {
        self.frame = frame
        self.jitter = [jitter.x, jitter.y]
        self.camera = camera.map { camera in
            let rows = camera.cameraToWorld
            return View(
                fx: camera.fx, fy: camera.fy, cx: camera.cx, cy: camera.cy, near: camera.near,
                far: camera.far,
                cameraToWorld: [rows.x, rows.y, rows.z, rows.w].flatMap { row in
                    (0..<4).map { row[$0] }
                })
        }
    }

    /// The camera that the planes were drawn with: the jitter is in its principal point.
    package var drawnWith: Camera? {
        guard let camera, camera.cameraToWorld.count == 16, jitter.count == 2 else { return nil }
        let rows = (0..<4).map { row in
            SIMD4((0..<4).map { camera.cameraToWorld[row * 4 + $0] })
        }
        return Camera(
            fx: camera.fx, fy: camera.fy, cx: camera.cx - Double(jitter[0]),
            cy: camera.cy - Double(jitter[1]), near: camera.near, far: camera.far,
            cameraToWorld: .init(x: rows[0], y: rows[1], z: rows[2], w: rows[3]))
    }
}
