// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Foundation
import Testing

/// One frame of a clip as the buffers of an engine hold it.
struct EngineFrame {
    enum Engine: CaseIterable {
        /// URP's deferred G-buffer with accurate normals.
        case unity
        /// GBufferA to C and the scene's depth.
        case unreal
        /// normal_roughness and depth of the Forward+ renderer.
        case godot
        /// Float targets, packed occlusion-roughness-metallic, GL_UNSIGNED_INT_24_8, rows from below.
        case openGL
    }

    private let size: FrameSize
    /// RGB of 0 to 255, world-space unit normals, metres (0: sky), 0 to 255.
    private let color: [UInt8]
    private let normals: [SIMD3<Double>]
    private let metres: [Double]
    private let roughness, metallic: [UInt8]
    private let seenFrom: Camera

    init(_ clip: Clip, _ index: Int) throws {
        let frame = clip.frames[index]
        func plane(_ kind: PlaneKind, _ format: PixelFormat) throws -> ArraySlice<UInt8> {
            let plane = try #require(clip.layout.plane(kind))
            try #require(plane.format == format)
            return frame.payload[plane.offset..<plane.offset + plane.rowStride * clip.size.height]
        }
        guard case .linear(let scale, _) = clip.layout.depth else { throw Unusable() }
        size = clip.size
        color = Array(try plane(.baseColor, .rgb8sRGB))
        let n = Array(try plane(.normals, .rgb8UNorm)).map { Double($0) / 127.5 - 1 }
        normals = (0..<size.pixelCount).map { SIMD3(n[$0 * 3], n[$0 * 3 + 1], n[$0 * 3 + 2]) }
        let d = Array(try plane(.depth, .r16))
        metres = (0..<size.pixelCount).map {
            Double(Float(UInt16(d[$0 * 2]) | UInt16(d[$0 * 2 + 1]) << 8) * scale)
        }
        roughness = Array(try plane(.roughness, .r8))
        metallic = Array(try plane(.metallic, .r8))
        seenFrom = try #require(frame.camera)
    }

    struct Unusable: Error {}

    // MARK: What is stated

    static func layout(_ engine: Engine, _ size: FrameSize) -> SentLayout {
        typealias Entry = (PlaneKind, SentFormat, channel: Int, sharesBytes: Bool)
        let entries: [Entry]
        switch engine {
        case .unity:
            entries = [
                (.baseColor, .rgba8sRGB, 0, false), (.normals, .rgba8Octahedral, 0, false),
                (.roughness, .rgba8UNorm, 3, true), (.metallic, .rgba8UNorm, 0, false),
                (.depth, .r32Float, 0, false),
            ]
        case .unreal:
            entries = [
                (.normals, .rgb10a2, 0, false), (.metallic, .rgba8UNorm, 0, false),
                (.roughness, .rgba8UNorm, 2, true), (.baseColor, .bgra8sRGB, 0, false),
                (.depth, .r32Float, 0, false),
            ]
        case .godot:
            entries = [
                (.baseColor, .rgba8sRGB, 0, false), (.normals, .rgba8UNorm, 0, false),
                (.roughness, .rgba8UNorm, 3, true), (.metallic, .r8, 0, false),
                (.depth, .r32Float, 0, false),
            ]
        case .openGL:
            entries = [
                (.baseColor, .rgba16Float, 0, false), (.normals, .rgba16Float, 0, false),
                (.roughness, .rgb8UNorm, 1, false), (.metallic, .rgb8UNorm, 2, true),
                (.depth, .depth24High, 0, false),
            ]
        }
        var (planes, end) = ([SentPlane](), 0)
        for (kind, format, channel, sharesBytes) in entries {
            let rowStride = size.width * format.bytesPerPixel
            let offset = sharesBytes ? planes.last?.offset ?? 0 : end
            planes.append(
                SentPlane(
                    kind: kind, format: format, channel: channel, rowStride: rowStride,
                    offset: offset))
            if !sharesBytes { end += rowStride * size.height }
        }
        var layout = SentLayout(
            size: size, origin: engine == .openGL ? .bottomLeft : .topLeft, planes: planes,
            byteCount: end, depthKind: engine == .openGL ? .device : .deviceReversed,
            depth: .deviceReversed(near: 0.1, far: engine == .unreal ? .infinity : 500))
        switch engine {
        case .unity:
            layout.roughness = .smoothness
            layout.axes = WorldAxes(.unity, isColumnMajor: true)
        case .unreal: layout.axes = WorldAxes(.unreal, isColumnMajor: true)
        case .godot:
            layout.roughness = .godot
            layout.normalSpace = .view
        case .openGL: break
        }
        return layout
    }

    // MARK: What is sent

    /// In the engine's own axes, unit and order of numbers.
    func camera(_ engine: Engine) -> Camera {
        var camera = seenFrom
        (camera.near, camera.far) = (0, 0)
        let rows = seenFrom.cameraToWorld
        let ours = [rows.x, rows.y, rows.z]
        func transposed(_ m: [SIMD4<Double>]) -> Camera.Rows {
            let c = (0..<4).map { SIMD4(m[0][$0], m[1][$0], m[2][$0], m[3][$0]) }
            return .init(x: c[0], y: c[1], z: c[2], w: c[3])
        }
        switch engine {
        case .unity:
            // cameraToWorldMatrix: a world mirrored in x; Matrix4x4 holds columns.
            camera.cameraToWorld = transposed([-ours[0], ours[1], ours[2], rows.w])
        case .unreal:
            // Columns forward, right, up and position in centimetres; FMatrix takes row vectors.
            let toTheirs = [ours[0], ours[2], ours[1]]
            camera.cameraToWorld = transposed(
                toTheirs.map { SIMD4(-$0.z, $0.x, $0.y, $0.w * 100) } + [rows.w])
        case .godot, .openGL: break
        }
        return camera
    }

    func payload(_ engine: Engine) -> [UInt8] {
        switch engine {
        case .unity:
            pixels { color[$0 * 3..<$0 * 3 + 3] + [17] }
                + pixels { unityNormal($0) + [255 - roughness[$0]] }
                + pixels { [metallic[$0], 1, 2, 3] } + pixels { float(reversed($0, far: 500)) }
        case .unreal:
            pixels { words10(SIMD3(normals[$0].x, normals[$0].z, normals[$0].y)) }
                + pixels { [metallic[$0], 128, roughness[$0], 5] }
                + pixels { [color[$0 * 3 + 2], color[$0 * 3 + 1], color[$0 * 3], 0] }
                + pixels { float(reversed($0, far: .infinity)) }
        case .godot:
            pixels { color[$0 * 3..<$0 * 3 + 3] + [255] }
                + pixels { viewNormal($0) + [godotRoughness($0)] } + metallic
                + pixels { float(reversed($0, far: 500)) }
        case .openGL:
            openGL()
        }
    }

    private func openGL() -> [UInt8] {
        let width = size.width
        let color = pixels { pixel in
            self.color[pixel * 3..<pixel * 3 + 3].flatMap { half(linear($0)) } + half(1)
        }
        let normals = pixels { pixel in
            let n = self.normals[pixel]
            return half(n.x) + half(n.y) + half(n.z) + half(0)
        }
        let packed = pixels { [255, roughness[$0], metallic[$0]] }
        let depth = pixels { pixel in
            let value = UInt32((1 - reversed(pixel, far: 500)) * 16_777_215 + 0.5)
            return word(value << 8 | 0x5A)
        }
        return color.flipped(rowBytes: width * 8) + normals.flipped(rowBytes: width * 8)
            + packed.flipped(rowBytes: width * 3) + depth.flipped(rowBytes: width * 4)
    }

    private func pixels(_ bytes: (Int) -> [UInt8]) -> [UInt8] {
        (0..<size.pixelCount).flatMap(bytes)
    }

    // MARK: Numbers

    private func reversed(_ pixel: Int, far: Double) -> Double {
        let (near, z) = (0.1, metres[pixel])
        guard z > 0 else { return 0 }
        return far.isFinite ? near * (far - z) / (z * (far - near)) : near / z
    }

    private func linear(_ byte: UInt8) -> Double {
        let s = Double(byte) / 255
        return s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4)
    }

    private func half(_ value: Double) -> [UInt8] {
        let bits = Float16(value).bitPattern
        return [UInt8(bits & 255), UInt8(bits >> 8)]
    }

    private func float(_ value: Double) -> [UInt8] { word(Float(value).bitPattern) }

    private func word(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32($0 * 8)) }
    }

    private func words10(_ n: SIMD3<Double>) -> [UInt8] {
        let v = (n * 511.5 + 511.5).rounded(.toNearestOrAwayFromZero)
        return word(UInt32(v.x) | UInt32(v.y) << 10 | UInt32(v.z) << 20)
    }

    /// PackNormalOctQuadEncode and PackFloat2To888 of Unity's core library.
    private func unityNormal(_ pixel: Int) -> [UInt8] {
        var n = SIMD3(-normals[pixel].x, normals[pixel].y, normals[pixel].z)
        n /= max(n.x.magnitude + n.y.magnitude + n.z.magnitude, 1e-6)
        let t = min(max(-n.z, 0), 1)
        let x = (n.x + (n.x >= 0 ? t : -t)) * 0.5 + 0.5
        let y = (n.y + (n.y >= 0 ? t : -t)) * 0.5 + 0.5
        let (i, j) = (Int(x * 4095.5), Int(y * 4095.5))
        return [UInt8(i & 255), UInt8(j & 255), UInt8(i >> 8 | (j >> 8) << 4)]
    }

    private func viewNormal(_ pixel: Int) -> [UInt8] {
        let rows = seenFrom.cameraToWorld
        let n = normals[pixel]
        let own = (0..<3).map { rows.x[$0] * n.x + rows.y[$0] * n.y + rows.z[$0] * n.z }
        return own.map { UInt8(min(max(($0 * 0.5 + 0.5) * 255, 0), 255).rounded()) }
    }

    private func godotRoughness(_ pixel: Int) -> UInt8 {
        let value = (Double(roughness[pixel]) / 255 * 127).rounded()
        return UInt8(pixel % 7 == 0 ? 255 - value : value)
    }
}
