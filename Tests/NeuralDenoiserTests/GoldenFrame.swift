// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import FileFormats
import NeuralOps
import TestSupport

/// Two consecutive frames of a real clip, as a request, with what the reference makes of them.
struct GoldenFrame {
    let golden: Golden
    let size: FrameSize
    let camera: Camera
    let history: FrameHistory
    let request: FrameRequest

    init(_ name: String) throws {
        golden = try Golden(name)
        let description = try Golden.description(name)
        camera = try Self.camera(description["current"])
        let shape = try golden.tensor("in.depth_m").shape
        size = FrameSize(width: shape[1], height: shape[0])
        history = FrameHistory(
            size: size, frameID: 9, seed: 0, camera: try Self.camera(description["previous"]),
            jitter: SIMD2(), storage: PixelStorage(byteCount: FrameHistory.byteCount(of: size)))
        history.storage.copy(
            rgba(try golden.bytes("in.previous_picture")), at: FrameHistory.pictureOffset)
        history.storage.copy(
            rgba(try golden.bytes("in.previous_base")),
            at: FrameHistory.baseColorOffset(of: size))
        history.storage.copy(
            golden.container.bytes(try golden.tensor("in.previous_depth_m")),
            at: FrameHistory.depthOffset(of: size))

        var planes: [(PlaneKind, PixelFormat, [UInt8])] = []
        planes.append((.baseColor, .rgb8sRGB, interleaved(try golden.bytes("in.base"))))
        planes.append((.normals, .rgb8UNorm, interleaved(try golden.bytes("in.normal"))))
        planes.append(
            (.depth, .r32Float, golden.container.bytes(try golden.tensor("in.depth_m"))))
        planes.append((.roughness, .r8, try golden.bytes("in.roughness")))
        planes.append((.metallic, .r8, try golden.bytes("in.metallic")))
        if golden.container.tensor(named: "in.emissive") != nil {
            planes.append((.emissive, .rgb8sRGB, interleaved(try golden.bytes("in.emissive"))))
        }
        request = FrameRequest.of(
            size: size, planes: planes, camera: camera, history: history, frameID: 10)
    }

    struct NoCamera: Error {}

    private static func camera(_ json: JSON?) throws -> Camera {
        guard let json, let rows = json["camera_to_world"]?.array, rows.count == 4 else {
            throw NoCamera()
        }
        let numbers = rows.map { ($0.array ?? []).map { $0.double ?? .nan } }
        func number(_ name: String) -> Double { json[name]?.double ?? .nan }
        return Camera(
            fx: number("fx"), fy: number("fy"), cx: number("cx"), cy: number("cy"), near: 0,
            far: number("far"),
            cameraToWorld: Camera.Rows(
                x: SIMD4(numbers[0]), y: SIMD4(numbers[1]), z: SIMD4(numbers[2]),
                w: SIMD4(numbers[3])))
    }
}

/// `[3, h, w]` to `[h, w, 3]`.
func interleaved(_ planes: [UInt8]) -> [UInt8] {
    let count = planes.count / 3
    return (0..<planes.count).map { planes[$0 % 3 * count + $0 / 3] }
}

/// `[3, h, w]` to `[h, w, 4]`, alpha 255.
func rgba(_ planes: [UInt8]) -> [UInt8] {
    let count = planes.count / 3
    return (0..<count * 4).map { $0 % 4 == 3 ? 255 : planes[$0 % 4 * count + $0 / 4] }
}

extension FrameRequest {
    /// Packed planes from the top, depth in metres.
    static func of(
        size: FrameSize, planes: [(PlaneKind, PixelFormat, [UInt8])], camera: Camera?,
        history: FrameHistory?, frameID: UInt64
    ) -> FrameRequest {
        var layouts: [PlaneLayout] = []
        var payload: [UInt8] = []
        for (kind, format, bytes) in planes {
            layouts.append(
                PlaneLayout(
                    kind: kind, format: format, rowStride: size.width * format.bytesPerPixel,
                    offset: payload.count))
            payload += bytes
        }
        let layout = GBufferLayout(
            size: size, origin: .topLeft, normalSpace: .world,
            depth: .linear(metresPerUnit: 1, far: .infinity), motion: nil, planes: layouts,
            byteCount: payload.count)
        let storage = PixelStorage(byteCount: payload.count)
        storage.copy(payload)
        return FrameRequest(
            gbuffer: GBuffer(
                layout: layout, storage: storage, frameID: frameID, camera: camera,
                jitter: SIMD2(), motionFrom: nil),
            history: history, seed: 0, picture: PixelStorage(byteCount: size.pixelCount * 4),
            nextHistory: PixelStorage(byteCount: FrameHistory.byteCount(of: size)))
    }
}
