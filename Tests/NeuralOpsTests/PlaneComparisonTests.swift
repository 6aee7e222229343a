// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import TestSupport
import Testing

@testable import NeuralOps

@Suite struct PlaneComparisonTests {
    private let width = 37
    private let height = 5

    /// Compares all but the outermost pixels of two planes of packed pixels.
    private func compare(
        _ a: [UInt8], _ b: [UInt8], _ format: k_format, bytes: Int, _ tolerance: k_tolerance
    ) -> Int32 {
        var tolerance = tolerance
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                var now = k_plane(
                    top: a.baseAddress, row_stride: width * bytes, format: Int32(format.rawValue))
                var kept = k_plane(
                    top: b.baseAddress, row_stride: width * bytes, format: Int32(format.rawValue))
                return k_compare_planes(&now, &kept, 1, height - 1, 2, width - 3, &tolerance)
            }
        }
    }

    private func steps(_ count: Int32) -> k_tolerance {
        k_tolerance(kind: Int32(K_TOLERATE_STEPS.rawValue), steps: count, relative: 0)
    }

    private let depth = k_tolerance(
        kind: Int32(K_TOLERATE_DEPTH.rawValue), steps: 0, relative: 0.01)

    private func pixel(_ x: Int, _ y: Int, _ bytes: Int) -> Int { (y * width + x) * bytes }

    @Test func bytesWithinTheToleranceAreNear() {
        var random = SeededGenerator()
        for (format, bytes) in [(K_R8, 1), (K_RGB8, 3), (K_RGBA8, 4)] {
            let a = random.bytes(width * height * bytes).map { min(max($0, 10), 240) }
            #expect(compare(a, a, format, bytes: bytes, steps(2)) == K_SAME.rawValue)
            for (x, y) in [(2, 1), (width - 4, height - 2), (20, 2)] {
                for (step, expected) in [(2, K_NEAR), (-2, K_NEAR), (3, K_APART), (-3, K_APART)] {
                    var b = a
                    let at = pixel(x, y, bytes)
                    b[at] = UInt8(Int(b[at]) + step)
                    #expect(
                        compare(a, b, format, bytes: bytes, steps(2)) == Int32(expected.rawValue),
                        "seed \(random.seed): \(bytes) bytes, \(step) at \(x), \(y)")
                }
            }
            // Outside of the compared rectangle.
            for (x, y) in [(1, 1), (width - 3, 1), (5, 0), (5, height - 1)] {
                var b = a
                b[pixel(x, y, bytes)] ^= 0x7f
                #expect(compare(a, b, format, bytes: bytes, steps(2)) == K_SAME.rawValue)
            }
        }
    }

    @Test func alphaOfAColorMeansNothing() {
        var random = SeededGenerator()
        let a = random.bytes(width * height * 4)
        var b = a
        b[pixel(9, 2, 4) + 3] ^= 0xff
        #expect(compare(a, b, K_RGBA8, bytes: 4, steps(0)) == K_NEAR.rawValue)
        // Without a tolerance every byte counts: what the engine drew over the picture.
        #expect(compare(a, b, K_RGBA8, bytes: 4, k_tolerance()) == K_APART.rawValue)
    }

    @Test func tenBitNormalsHaveFourStepsToOne() {
        let word: UInt32 = 500 | 600 << 10 | 700 << 20
        func plane(_ word: UInt32) -> [UInt8] {
            (0..<width * height).flatMap { _ in
                withUnsafeBytes(of: word.littleEndian, Array.init)
            }
        }
        for at: UInt32 in [0, 10, 20] {
            for (step, expected) in [(UInt32(0), K_SAME), (8, K_NEAR), (9, K_APART)] {
                #expect(
                    compare(plane(word), plane(word + step << at), K_RGB10A2, bytes: 4, steps(2))
                        == Int32(expected.rawValue), "\(step) at bit \(at)")
            }
        }
    }

    @Test func depthsAreComparedByTheirRatioAndSkyWithSkyOnly() {
        func plane(_ value: Float) -> [UInt8] {
            (0..<width * height).flatMap { _ in
                withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
            }
        }
        for (a, b, expected) in [
            (Float(3), Float(3), K_SAME), (3, 3.02, K_NEAR), (3.02, 3, K_NEAR), (3, 3.04, K_APART),
            (0, 0.001, K_APART), (0.001, 0, K_APART), (3, .nan, K_APART), (.nan, .nan, K_SAME),
            (3, .infinity, K_APART), (-1, -1.001, K_APART),
        ] {
            #expect(
                compare(plane(a), plane(b), K_R32F, bytes: 4, depth) == Int32(expected.rawValue),
                "\(a) and \(b)")
        }
        func words(_ value: UInt16) -> [UInt8] {
            (0..<width * height).flatMap { _ in withUnsafeBytes(of: value.littleEndian, Array.init)
            }
        }
        for (a, b, expected) in [
            (UInt16(1000), UInt16(1000), K_SAME), (1000, 1010, K_NEAR), (1000, 1011, K_APART),
            (0, 1, K_APART), (1, 0, K_APART), (65535, 65000, K_NEAR),
        ] {
            #expect(
                compare(words(a), words(b), K_R16, bytes: 2, depth) == Int32(expected.rawValue),
                "\(a) and \(b)")
        }
    }

    /// Steps of bytes mean nothing to halves: any change of one is a change.
    @Test func halvesAreTheSameOrApart() {
        let a = [UInt8](repeating: 7, count: width * height * 8)
        #expect(compare(a, a, K_RGBA16F, bytes: 8, steps(2)) == K_SAME.rawValue)
        for offset in 0..<8 {
            var b = a
            b[pixel(7, 3, 8) + offset] = 8
            #expect(compare(a, b, K_RGBA16F, bytes: 8, steps(2)) == K_APART.rawValue)
        }
    }

    @Test func motionIsNearNoneUpToItsTolerance() {
        let most = Float16(0.25).bitPattern
        for (value, expected) in [
            (Float16(0), K_SAME), (-0.0, K_SAME), (0.25, K_NEAR), (-0.25, K_NEAR), (0.26, K_APART),
            (-3, K_APART), (.infinity, K_APART), (.nan, K_APART),
            (Float16(bitPattern: 100), K_NEAR),
        ] {
            var plane = [UInt8](repeating: 0, count: width * height * 4)
            let bytes = withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
            plane.replaceSubrange(pixel(7, 3, 4) + 2..<pixel(7, 3, 4) + 4, with: bytes)
            let found = plane.withUnsafeBufferPointer { bytes in
                var motion = k_plane(
                    top: bytes.baseAddress, row_stride: width * 4,
                    format: Int32(K_RG16F.rawValue))
                return k_motion_of(&motion, 1, height, 2, width, most)
            }
            #expect(found == Int32(expected.rawValue), "\(value)")
        }
    }

    @Test func pictureChangeIsTheLargestDifferenceAndTheSum() {
        var random = SeededGenerator()
        let (a, b) = (random.bytes(width * height * 4), random.bytes(width * height * 4))
        let change = k_picture_change(a, b, width, 1, height - 1, 2, width - 3)
        var (most, sum) = (0, 0)
        for y in 1..<height - 1 {
            for x in 2..<width - 3 {
                for index in pixel(x, y, 4)..<pixel(x, y, 4) + 4 {
                    let apart = abs(Int(a[index]) - Int(b[index]))
                    most = max(most, apart)
                    sum += apart
                }
            }
        }
        #expect(change.most == most && change.sum == sum, "seed \(random.seed)")
    }
}
