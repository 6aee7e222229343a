// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameConversion
import FrameTypes
import Foundation
import TestSupport
import Testing

@Suite struct DepthTests {
    private let near = 0.1
    private let far = 1000.0
    private let size = SentPlaneBytes.size

    /// From the near plane to 300 m and the sky, closer to each other where they are near.
    private var metres: [Double] {
        (0..<size.pixelCount).map { index in
            let share = Double(index) / Double(size.pixelCount)
            return index % 10 == 9 ? .infinity : 0.11 * pow(300 / 0.11, share)
        }
    }

    private func read(_ sent: SentPlaneBytes) -> [Double] {
        let depth = DepthConversion(PlaneConversion(sent.layout).layout.depth)
        return sent.floats().map { Double(depth.metres($0)) }
    }

    private func expect(_ read: [Double], within relative: Double, _ name: String) {
        for (z, value) in zip(metres, read) {
            let expected = z.isFinite ? z : 0
            // An error of device depth grows with distance.
            let allowed = relative * expected * max(1, expected)
            #expect((value - expected).magnitude <= allowed, "\(name): \(expected) became \(value)")
        }
    }

    /// As OpenGL's projection matrix gives it, -1 to 1.
    private func clip(_ z: Double) -> Double {
        z.isFinite
            ? (far + near) / (far - near) - 2 * far * near / ((far - near) * z) : 1
    }

    private func device(_ kind: SentDepthKind, _ format: SentFormat, _ bytes: [UInt8])
        -> SentPlaneBytes
    {
        SentPlaneBytes(
            kind: .depth, format: format, bytes: bytes,
            change: { layout in
                layout.depthKind = kind
                layout.depth = .deviceReversed(near: 0.1, far: 1000)
            })
    }

    @Test func forwardAndSigned() {
        let window = metres.flatMap { Float((clip($0) + 1) / 2).bitPattern.bytes }
        expect(read(device(.device, .r32Float, window)), within: 1.5e-6, "0 to 1")
        let signed = metres.flatMap { Float(clip($0)).bitPattern.bytes }
        expect(read(device(.deviceSigned, .r32Float, signed)), within: 1.5e-6, "-1 to 1")
    }

    @Test(arguments: [SentFormat.depth24Low, .depth24High])
    func twentyFourBits(format: SentFormat) {
        for kind in [SentDepthKind.device, .deviceReversed] {
            let bytes = metres.enumerated().flatMap { index, z -> [UInt8] in
                let forward = (clip(z) + 1) / 2
                let value = UInt32(
                    ((kind == .device ? forward : 1 - forward) * 16_777_215).rounded())
                // Something else in the other eight bits.
                let stencil = UInt32(index % 251)
                return (format == .depth24Low ? value | stencil << 24 : value << 8 | stencil).bytes
            }
            expect(read(device(kind, format, bytes)), within: 1e-6, "\(format), \(kind)")
        }
    }

    @Test func halves() {
        let linear = SentPlaneBytes(
            kind: .depth, format: .r16Float,
            bytes: metres.flatMap { Float16($0).bitPattern.bytes })
        expect(read(linear), within: 1.0 / 2048, "linear")
        let reversed = metres.map { Float16(1 - (clip($0) + 1) / 2) }
        let sent = device(.deviceReversed, .r16Float, reversed.flatMap { $0.bitPattern.bytes })
        // The halves themselves, exactly.
        #expect(sent.floats() == reversed.map { Float($0) })
    }

    @Test(arguments: [RowOrigin.topLeft, .bottomLeft], [SentFormat.r32Float, .r16Float, .r16])
    func alongTheRay(origin: RowOrigin, format: SentFormat) {
        let camera = Camera(
            fx: 250, fy: 260, cx: 140.25, cy: 20.5, near: 0, far: 0,
            cameraToWorld: .init(
                x: [1, 0, 0, 5], y: [0, 1, 0, 6], z: [0, 0, 1, 7], w: [0, 0, 0, 1]))
        let jitter = SIMD2<Float>(0.25, -0.375)
        let units = 0.01
        let distances = metres.enumerated().map { index, z -> Double in
            guard z.isFinite else { return 400 / units }  // the far plane, a sphere of 400 m
            let (x, row) = (index % size.width, index / size.width)
            let y = origin == .topLeft ? row : size.height - 1 - row
            let u = (Double(x) + 0.5 + 0.25 - camera.cx) / camera.fx
            let v = (Double(y) + 0.5 - 0.375 - camera.cy) / camera.fy
            return z * (u * u + v * v + 1).squareRoot() / units
        }
        let sent = SentPlaneBytes(
            kind: .depth, format: format,
            bytes: distances.flatMap { distance in
                switch format {
                case .r16: UInt16(distance.rounded()).bytes
                case .r16Float: Float16(distance).bitPattern.bytes
                default: Float(distance).bitPattern.bytes
                }
            },
            change: { layout in
                layout.origin = origin
                layout.depthKind = .ray
                layout.depth = .linear(metresPerUnit: 0.01, far: 400)
            }, camera: camera, jitter: jitter)
        #expect(sent.layout.needsCamera != nil)
        for (z, value) in zip(metres, read(sent)) {
            let expected = z.isFinite ? z : 0
            // What the format holds of the distance, and Float32's rounding.
            let held =
                switch format {
                case .r16: 0.5 * units
                case .r16Float: expected / 2048
                default: 0.0
                }
            #expect((value - expected).magnitude <= held + 4e-7 * expected)
        }
    }
}
