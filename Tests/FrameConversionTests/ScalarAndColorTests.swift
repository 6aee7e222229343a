// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameConversion
import FrameTypes
import Foundation
import TestSupport
import Testing

/// Each format against a computation of the test's own.
@Suite struct ScalarAndColorTests {
    private let count = SentPlaneBytes.size.pixelCount

    private func sRGB(_ linear: Double) -> Double {
        let value = linear.isNaN ? 0 : min(max(linear, 0), 1)
        return value <= 0.0031308 ? value * 12.92 : 1.055 * pow(value, 1 / 2.4) - 0.055
    }

    @Test func blueFirst() {
        let bytes = SentPlaneBytes.random(4)
        let (plane, out) = SentPlaneBytes(kind: .baseColor, format: .bgra8sRGB, bytes: bytes)
            .converted()
        #expect(plane.format == .rgba8sRGB)
        #expect(
            out
                == bytes.chunked(4).flatMap {
                    let p = Array($0); return [p[2], p[1], p[0], p[3]]
                })
    }

    @Test func linearBytes() {
        let bytes = SentPlaneBytes.random(4)
        let out = SentPlaneBytes(kind: .baseColor, format: .rgba8Linear, bytes: bytes)
            .converted().bytes
        for (index, byte) in bytes.enumerated() where index % 4 < 3 {
            #expect(out[index] == UInt8((sRGB(Double(byte) / 255) * 255).rounded()))
        }
    }

    @Test func linearHalves() {
        // Normal and denormal ones, both signs, infinities and NaN.
        let halves = (0..<count * 4).map { UInt16(truncatingIfNeeded: $0 * 37) }
        let out = SentPlaneBytes(
            kind: .baseColor, format: .rgba16Float, bytes: halves.flatMap(\.bytes)
        ).converted().bytes
        for (index, half) in halves.enumerated() {
            let expected =
                index % 4 == 3
                ? 255 : UInt8((sRGB(Double(Float16(bitPattern: half))) * 255).rounded())
            #expect(out[index] == expected, "half \(half)")
        }
    }

    @Test(arguments: [
        (SentFormat.r8, 0), (.rgb8UNorm, 1), (.rgba8UNorm, 2), (.rgba8UNorm, 3), (.rgba8SNorm, 3),
    ])
    func roughnessInAChannel(format: SentFormat, channel: Int) {
        let step = format.bytesPerPixel
        let bytes = SentPlaneBytes.random(step)
        for kind in [RoughnessKind.direct, .smoothness, .godot] {
            if kind == .direct, format == .r8 { continue }
            let out = SentPlaneBytes(
                kind: .roughness, format: format, bytes: bytes, channel: channel,
                change: { $0.roughness = kind }
            ).converted().bytes
            for pixel in 0..<count {
                let byte = bytes[pixel * step + channel]
                var value =
                    format == .rgba8SNorm
                    ? max(0, Double(Int8(bitPattern: byte)) / 127) : Double(byte) / 255
                switch kind {
                case .direct: break
                case .smoothness: value = 1 - value
                case .godot:
                    if value > 0.5 { value = 1 - value }
                    value = min(1, value / (127.0 / 255.0))
                }
                // A byte of signed values is rounded once before it is turned.
                let slack = format == .rgba8SNorm && kind != .direct ? 2.01 : 0.501
                #expect((Double(out[pixel]) - value * 255).magnitude <= slack)
            }
        }
    }

    @Test func occlusionRoughnessMetallicIsOnePlane() {
        let bytes = SentPlaneBytes.random(3)
        let sent = SentPlaneBytes(
            kind: .roughness, format: .rgb8UNorm, bytes: bytes, channel: 1,
            change: { layout in
                var metallic = layout.planes[0]
                metallic.kind = .metallic
                metallic.channel = 2
                layout.planes.append(metallic)
            })
        for (kind, channel) in [(PlaneKind.roughness, 1), (.metallic, 2)] {
            #expect(sent.converted(kind).bytes == (0..<count).map { bytes[$0 * 3 + channel] })
        }
    }

    @Test func constantRoughness() {
        let out = SentPlaneBytes(kind: .roughness, format: .constant, bytes: [], channel: 77)
            .converted().bytes
        #expect(out == [UInt8](repeating: 77, count: count))
    }

    @Test func motionIsScaledToPixelsAndRoundedToTheNearestHalf() {
        var generator = SeededGenerator(seed: 5)
        let special: [Float] = [
            0, -0.0, .nan, .infinity, -.infinity, 1e-9, 65504 / 256, 65519.9 / 256, 65520 / 256,
            1 / 256 / 16384, 1.5 / 256 / 16_777_216,
        ]
        let values = (0..<count * 2).map {
            $0 < special.count
                ? special[$0] : Float.random(in: -1...1, using: &generator) / Float(1 + $0 % 9999)
        }
        let bytes = values.flatMap { $0.bitPattern.bytes }
        let sent = SentPlaneBytes(
            kind: .motion, format: .rg32Float, bytes: bytes,
            change: { $0.motion = MotionEncoding(scaleX: 256, scaleY: -128, isJittered: true) })
        #expect(
            PlaneConversion(sent.layout).layout.motion
                == MotionEncoding(scaleX: 1, scaleY: 1, isJittered: true))
        let out = sent.converted().bytes.chunked(2)
        for (index, value) in values.enumerated() {
            let bits: UInt16 = out[index].littleEndian()
            let expected = Float16(value * (index % 2 == 0 ? 256 : -128))
            let half = Float16(bitPattern: bits)
            #expect(half == expected || half.isNaN && expected.isNaN, "\(value)")
        }
    }
}
