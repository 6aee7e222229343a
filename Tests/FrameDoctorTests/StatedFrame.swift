// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes

/// One frame of a real clip, decoded, to be spoilt and then encoded as a client would send it.
struct StatedFrame {
    var size: FrameSize
    /// RGB, sRGB.
    var base: [UInt8]
    /// As sent, in `normalSpace`, three numbers a pixel.
    var normals: [Float]
    /// Metres, 0: sky.
    var depth: [Float]
    /// 0 to 255.
    var roughness: [UInt8]
    var camera: Camera
    /// To where each pixel was in the frame before, as the client writes it; none: no plane.
    var motion: [SIMD2<Float>] = []
    /// Pixels per unit, as the client states it.
    var motionScale = SIMD2<Float>(1, 1)
    var jitter = SIMD2<Float>.zero
    var normalSpace = NormalSpace.world
    var origin = RowOrigin.topLeft
    /// What the client says of its depth; the plane holds metres or device depth accordingly.
    var encoding = DepthEncoding.linear(metresPerUnit: 1, far: .infinity)

    /// The frames of a clip that has cameras, 8-bit planes and linear depth.
    static func frames(of clip: Clip) throws -> [StatedFrame] {
        let layout = clip.layout
        guard case .linear(let scale, _) = layout.depth, let base = layout.plane(.baseColor),
            let normals = layout.plane(.normals), let depth = layout.plane(.depth),
            let roughness = layout.plane(.roughness)
        else { throw Unusable() }
        let count = clip.size.pixelCount
        return try clip.frames.map { frame in
            guard var camera = frame.camera else { throw Unusable() }
            camera.near = 0  // what is stated once holds
            camera.far = 0
            let bytes = frame.payload
            return StatedFrame(
                size: clip.size, base: Array(bytes[base.offset..<base.offset + count * 3]),
                normals: bytes[normals.offset..<normals.offset + count * 3]
                    .map { Float($0) / 127.5 - 1 },
                depth: (0..<count).map { pixel in
                    let at = depth.offset + pixel * 2
                    return Float(UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8) * scale
                },
                roughness: Array(bytes[roughness.offset..<roughness.offset + count]),
                camera: camera)
        }
    }

    struct Unusable: Error {}

    /// As it comes out of the socket.
    func gbuffer(_ id: Int) -> GBuffer {
        var bytes = base
        bytes += normals.map { UInt8(max(0, min(255, (($0 + 1) * 127.5).rounded()))) }
        for value in depth {
            let bits = value.bitPattern
            bytes += [
                UInt8(bits & 255), UInt8(bits >> 8 & 255), UInt8(bits >> 16 & 255),
                UInt8(bits >> 24),
            ]
        }
        bytes += roughness
        for value in motion {
            for number in [value.x, value.y] {
                let bits = Float16(number).bitPattern
                bytes += [UInt8(bits & 255), UInt8(bits >> 8)]
            }
        }
        let count = size.pixelCount
        var planes: [PlaneLayout] = [
            .init(kind: .baseColor, format: .rgb8sRGB, rowStride: size.width * 3, offset: 0),
            .init(
                kind: .normals, format: .rgb8UNorm, rowStride: size.width * 3, offset: count * 3),
            .init(kind: .depth, format: .r32Float, rowStride: size.width * 4, offset: count * 6),
            .init(kind: .roughness, format: .r8, rowStride: size.width, offset: count * 10),
        ]
        if !motion.isEmpty {
            planes.append(
                .init(
                    kind: .motion, format: .rg16Float, rowStride: size.width * 4,
                    offset: count * 11))
        }
        let layout = GBufferLayout(
            size: size, origin: origin, normalSpace: normalSpace, depth: encoding,
            motion: motion.isEmpty
                ? nil
                : MotionEncoding(
                    scaleX: motionScale.x, scaleY: motionScale.y, isJittered: false),
            planes: planes, byteCount: bytes.count)
        let storage = PixelStorage(byteCount: layout.byteCount)
        storage.copy(bytes)
        return GBuffer(
            layout: layout, storage: storage, frameID: UInt64(id), camera: camera, jitter: jitter,
            motionFrom: nil)
    }

    // MARK: Ways to spoil it

    /// Of every row of every plane.
    mutating func flipRows() {
        let (width, height) = (size.width, size.height)
        func flipped<T>(_ plane: [T], _ channels: Int) -> [T] {
            (0..<height).reversed().flatMap {
                plane[$0 * width * channels..<($0 + 1) * width * channels]
            }
        }
        base = flipped(base, 3)
        normals = flipped(normals, 3)
        depth = flipped(depth, 1)
        roughness = flipped(roughness, 1)
    }

    mutating func changeNormals(_ change: (SIMD3<Float>) -> SIMD3<Float>) {
        for pixel in 0..<size.pixelCount {
            let at = pixel * 3
            let n = change(SIMD3(normals[at], normals[at + 1], normals[at + 2]))
            normals[at] = n.x
            normals[at + 1] = n.y
            normals[at + 2] = n.z
        }
    }

    mutating func changeColors(_ change: (Float) -> Float) {
        var table: [UInt8] = []
        for value in 0..<256 {
            let changed = change(Float(value) / 255)
            table.append(UInt8(max(0, min(255, (changed * 255).rounded()))))
        }
        base = base.map { table[Int($0)] }
    }

    mutating func changeDepth(_ change: (_ metres: Float, _ x: Int, _ y: Int) -> Float) {
        for pixel in 0..<size.pixelCount where depth[pixel] > 0 {
            depth[pixel] = change(depth[pixel], pixel % size.width, pixel / size.width)
        }
    }

    /// Drawn with these planes, stated with those.
    mutating func useDeviceDepth(near: Double, far: Double, stated: SIMD2<Double>) {
        changeDepth { z, _, _ in
            Float((1 / Double(z) - 1 / far) / (1 / near - 1 / far))
        }
        encoding = .deviceReversed(near: stated.x, far: stated.y)
    }

    /// The motion plane of what stands still: where its pixels were in the frame before, as
    /// `written` puts it, given pixels right and down.
    mutating func writeMotion(
        from before: StatedFrame, _ written: (SIMD2<Float>) -> SIMD2<Float>
    ) {
        let (rows, rowsBefore) = (camera.cameraToWorld, before.camera.cameraToWorld)
        motion = (0..<size.pixelCount).map { pixel in
            let (x, y) = (
                Double(pixel % size.width) + 0.5, Double(pixel / size.width) + 0.5
            )
            // Sky is far away.
            let z = depth[pixel] > 0 ? Double(depth[pixel]) : 1e4
            let seen = SIMD4(
                (x - camera.cx) / camera.fx * z, -(y - camera.cy) / camera.fy * z, -z, 1)
            let offset = SIMD3(
                (rows.x * seen).sum() - rowsBefore.x.w, (rows.y * seen).sum() - rowsBefore.y.w,
                (rows.z * seen).sum() - rowsBefore.z.w)
            func along(_ axis: Int) -> Double {
                rowsBefore.x[axis] * offset.x + rowsBefore.y[axis] * offset.y
                    + rowsBefore.z[axis] * offset.z
            }
            let again = max(1e-3, -along(2))
            let u = before.camera.cx + before.camera.fx * along(0) / again
            let v = before.camera.cy - before.camera.fy * along(1) / again
            return written(SIMD2(Float(u - x), Float(v - y)))
        }
    }

    /// Rotation's columns right, up, back, and the position.
    mutating func changeCamera(_ change: (inout [SIMD3<Double>]) -> Void) {
        let rows = camera.cameraToWorld
        var columns = [
            SIMD3(rows.x.x, rows.y.x, rows.z.x), SIMD3(rows.x.y, rows.y.y, rows.z.y),
            SIMD3(rows.x.z, rows.y.z, rows.z.z), SIMD3(rows.x.w, rows.y.w, rows.z.w),
        ]
        change(&columns)
        camera.cameraToWorld = .init(
            x: SIMD4(columns[0].x, columns[1].x, columns[2].x, columns[3].x),
            y: SIMD4(columns[0].y, columns[1].y, columns[2].y, columns[3].y),
            z: SIMD4(columns[0].z, columns[1].z, columns[2].z, columns[3].z),
            w: SIMD4(0, 0, 0, 1))
    }

    /// The planes as if drawn `offset` pixels right and down of the pixel centers.
    mutating func draw(at offset: SIMD2<Float>) {
        let old = self
        let (width, height) = (size.width, size.height)
        func nearest(_ x: Float, _ y: Float) -> Int {
            let column = min(width - 1, max(0, Int((x).rounded())))
            return min(height - 1, max(0, Int((y).rounded()))) * width + column
        }
        for y in 0..<height {
            for x in 0..<width {
                let (u, v) = (Float(x) + offset.x, Float(y) + offset.y)
                let pixel = y * width + x
                let from = nearest(u, v)
                depth[pixel] = old.depth[from]
                for channel in 0..<3 {
                    normals[pixel * 3 + channel] = old.normals[from * 3 + channel]
                    let mixed = old.bilinear(u, v, channel)
                    base[pixel * 3 + channel] = UInt8(max(0, min(255, mixed.rounded())))
                }
            }
        }
        jitter = offset
    }

    private func bilinear(_ u: Float, _ v: Float, _ channel: Int) -> Float {
        let x = min(max(u, 0), Float(size.width) - 1.001)
        let y = min(max(v, 0), Float(size.height) - 1.001)
        let (a, b) = (x - x.rounded(.down), y - y.rounded(.down))
        let first = (Int(y) * size.width + Int(x)) * 3 + channel
        let below = first + size.width * 3
        let top = Float(base[first]) * (1 - a) + Float(base[first + 3]) * a
        let bottom = Float(base[below]) * (1 - a) + Float(base[below + 3]) * a
        return top * (1 - b) + bottom * b
    }
}
