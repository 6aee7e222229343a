// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameTypes
import TestSupport

/// A random frame, and how a client may send it.
struct Scene {
    struct Encoding {
        var origin = RowOrigin.topLeft
        var base = PixelFormat.rgba8sRGB
        var normals = PixelFormat.rgb10a2
        var normalSpace = NormalSpace.world
        var depth = PixelFormat.r32Float
        var depthEncoding = DepthEncoding.linear(metresPerUnit: 1, far: .infinity)
        var sendsMetallic = true
        var sendsKnown = false
        /// nil: no emissive plane.
        var emissive: PixelFormat?
        var sendsMotion = false
        var motion = MotionEncoding(scaleX: 1, scaleY: 1, isJittered: false)
        /// Bytes between the end of a row and the next.
        var slack = 0
    }

    let size: FrameSize
    var base: [UInt8]
    /// Unit vectors, world space.
    var normals: [SIMD3<Float>]
    /// Metres, 0: sky.
    var depth: [Float]
    var roughness: [UInt8]
    var metallic: [UInt8]
    var known: [UInt8]
    /// Linear light.
    var emissive: [SIMD3<Float>]
    /// Pixels to the right and down.
    var motion: [SIMD2<Float>]
    var camera: Camera?
    var jitter = SIMD2<Float>()

    init(_ size: FrameSize, _ random: inout SeededGenerator) {
        self.size = size
        let count = size.pixelCount
        base = random.bytes(count * 3)
        normals = (0..<count).map { _ in
            let n = SIMD3<Float>.random(in: -1...1, using: &random) + SIMD3(0, 0, 0.01)
            return n / (n * n).sum().squareRoot()
        }
        // A slope of a metre or two, so that neighbours agree, and a corner of sky.
        depth = (0..<count).map { index in
            let (x, y) = (index % size.width, index / size.width)
            if x < size.width / 3 && y < size.height / 3 { return 0 }
            return 2 + Float(x) / Float(size.width) + Float(y) / Float(size.height)
        }
        roughness = random.bytes(count)
        metallic = random.bytes(count)
        known = random.bytes(count * 4)
        emissive = Array(repeating: SIMD3(), count: count)
        motion = (0..<count).map { _ in SIMD2.random(in: -3...3, using: &random) }
        camera = Self.camera(size, &random)
    }

    /// Somewhere near the origin, looking about down -Z.
    static func camera(_ size: FrameSize, _ random: inout SeededGenerator) -> Camera {
        let angle = Double.random(in: -0.03...0.03, using: &random)
        let t = SIMD3<Double>.random(in: -0.05...0.05, using: &random)
        return Camera(
            fx: Double(size.width) * 0.7, fy: Double(size.width) * 0.72,
            cx: Double(size.width) / 2 + 0.3, cy: Double(size.height) / 2 - 0.2, near: 0, far: 0,
            cameraToWorld: Camera.Rows(
                x: SIMD4(cos(angle), 0, sin(angle), t.x), y: SIMD4(0, 1, 0, t.y),
                z: SIMD4(-sin(angle), 0, cos(angle), t.z), w: SIMD4(0, 0, 0, 1)))
    }

    func request(_ encoding: Encoding = Encoding(), history: FrameHistory? = nil) -> FrameRequest {
        var layouts: [PlaneLayout] = []
        var payload: [UInt8] = []
        for (kind, format, pixels) in planes(encoding) {
            let rowBytes = size.width * format.bytesPerPixel
            layouts.append(
                PlaneLayout(
                    kind: kind, format: format, rowStride: rowBytes + encoding.slack,
                    offset: payload.count))
            for row in 0..<size.height {
                let y = encoding.origin == .bottomLeft ? size.height - 1 - row : row
                payload += pixels[y * rowBytes..<(y + 1) * rowBytes]
                payload += [UInt8](repeating: 0xA5, count: encoding.slack)
            }
        }
        let storage = PixelStorage(byteCount: payload.count)
        storage.copy(payload)
        return FrameRequest(
            gbuffer: GBuffer(
                layout: GBufferLayout(
                    size: size, origin: encoding.origin, normalSpace: encoding.normalSpace,
                    depth: encoding.depthEncoding,
                    motion: encoding.sendsMotion ? encoding.motion : nil, planes: layouts,
                    byteCount: payload.count),
                storage: storage, frameID: 8, camera: camera, jitter: jitter, motionFrom: nil),
            history: history, seed: 0, picture: PixelStorage(byteCount: size.pixelCount * 4),
            nextHistory: PixelStorage(byteCount: FrameHistory.byteCount(of: size)))
    }

    /// Packed rows from the top.
    private func planes(_ encoding: Encoding) -> [(PlaneKind, PixelFormat, [UInt8])] {
        let alpha = encoding.base == .rgba8sRGB ? [UInt8(77)] : []
        let colors = (0..<size.pixelCount).flatMap { base[$0 * 3..<$0 * 3 + 3] + alpha }
        var planes: [(PlaneKind, PixelFormat, [UInt8])] = [
            (.baseColor, encoding.base, colors),
            (.normals, encoding.normals, normals.flatMap { normalBytes($0, encoding) }),
            (.roughness, .r8, roughness),
            (.depth, encoding.depth, depth.flatMap { depthBytes($0, encoding) }),
        ]
        if encoding.sendsMetallic { planes.append((.metallic, .r8, metallic)) }
        if encoding.sendsMotion {
            let flips: Float = encoding.origin == .bottomLeft ? -1 : 1
            let scale = SIMD2(encoding.motion.scaleX, encoding.motion.scaleY * flips)
            planes.append(
                (
                    .motion, .rg16Float,
                    motion.flatMap { motion in
                        let value = motion / scale
                        return [value.x, value.y].flatMap { bytes(Float16($0).bitPattern) }
                    }
                ))
        }
        if encoding.sendsKnown { planes.append((.known, .rgba8sRGB, known)) }
        if let format = encoding.emissive {
            planes.append((.emissive, format, emissive.flatMap { lightBytes($0, format) }))
        }
        return planes
    }

    /// Alpha is set: it means nothing.
    private func lightBytes(_ light: SIMD3<Float>, _ format: PixelFormat) -> [UInt8] {
        let channels = (0..<3).map { light[$0] }
        if format == .rgba16Float {
            return (channels + [0.25]).flatMap { bytes(Float16($0).bitPattern) }
        }
        let stored = channels.map { UInt8((srgb(Double($0)) * 255).rounded()) }
        return stored + (format == .rgba8sRGB ? [201] : [])
    }

    private func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian, Array.init)
    }

    private func normalBytes(_ world: SIMD3<Float>, _ encoding: Encoding) -> [UInt8] {
        var normal = world
        if encoding.normalSpace == .view, let camera {
            // The inverse of a rotation is its transpose.
            let rows = camera.cameraToWorld
            let columns = (0..<3).map {
                SIMD3<Float>(Float(rows.x[$0]), Float(rows.y[$0]), Float(rows.z[$0]))
            }
            normal = SIMD3(
                (columns[0] * world).sum(), (columns[1] * world).sum(), (columns[2] * world).sum())
        }
        if encoding.normals == .rgb8UNorm {
            return (0..<3).map { UInt8(((normal[$0] + 1) * 127.5).rounded()) }
        }
        let fields = (0..<3).map { UInt32(((normal[$0] + 1) * 511.5).rounded()) }
        return bytes(fields[0] | fields[1] << 10 | fields[2] << 20 | 1 << 30)
    }

    private func depthBytes(_ metres: Float, _ encoding: Encoding) -> [UInt8] {
        switch encoding.depthEncoding {
        case .linear(let unit, _):
            if encoding.depth == .r16 { return bytes(UInt16((metres / unit).rounded())) }
            return bytes((metres / unit).bitPattern)
        case .deviceReversed(let near, let far):
            guard metres > 0 else { return bytes(Float(0).bitPattern) }
            let z = Double(metres)
            let device = far.isFinite ? near * (far - z) / (z * (far - near)) : near / z
            return bytes(Float(device).bitPattern)
        }
    }
}

/// sRGB value of linear light, kept within 0 ... 1.
func srgb(_ linear: Double) -> Double {
    let light = min(max(linear, 0), 1)
    return light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055
}

/// Linear light of an sRGB value.
func light(_ srgb: Double) -> Double {
    srgb <= 0.04045 ? srgb / 12.92 : pow((srgb + 0.055) / 1.055, 2.4)
}

/// A previous frame with random pixels, whose depths are a scene's.
func randomHistory(
    of scene: Scene, camera: Camera?, jitter: SIMD2<Float> = SIMD2(), coverage: UInt8 = 0,
    _ random: inout SeededGenerator
) -> FrameHistory {
    let size = scene.size
    let history = FrameHistory(
        size: size, frameID: 7, seed: 0, camera: camera, jitter: jitter,
        storage: PixelStorage(byteCount: FrameHistory.byteCount(of: size)))
    history.storage.copy(random.bytes(size.pixelCount * 8))
    history.storage.copy(
        scene.depth.withUnsafeBytes(Array.init), at: FrameHistory.depthOffset(of: size))
    history.storage.copy(
        [UInt8](repeating: coverage, count: size.pixelCount),
        at: FrameHistory.coverageOffset(of: size))
    return history
}
