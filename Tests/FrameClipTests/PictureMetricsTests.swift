// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameTypes
import Testing

@Suite struct PictureMetricsTests {
    /// A checkerboard with texture, and the same with errors of up to 11 steps.
    private func pictures(_ size: FrameSize) -> (PNGImage, PNGImage) {
        var left: [UInt8] = []
        var right: [UInt8] = []
        for y in 0..<size.height {
            for x in 0..<size.width {
                for c in 0..<3 {
                    let board = (x / 9 + y / 7).isMultiple(of: 2) ? -90 : 90
                    let value = 128 + board + (x * 7 + y * 13 + c * 50) % 31 - 15
                    let error = (x * 3 + y * 5 + c * 11) % 23 - 11
                    left.append(UInt8(clamping: value))
                    right.append(UInt8(clamping: value + error))
                }
            }
        }
        return (
            PNGImage(size: size, channels: 3, bytes: left),
            PNGImage(size: size, channels: 3, bytes: right)
        )
    }

    /// From scikit-image 0.26 on exactly these pictures, in 64 bits. SSIM runs in 32 bits here and
    /// came within 5e-8.
    @Test(arguments: [
        (64, 48, 31.69592342844339, 0.9942636889097821),
        (11, 11, 31.690298942227784, 0.9950815682872216),
        (40, 13, 31.697162732932924, 0.9967916053973122),
    ])
    func agreesWithScikitImage(width: Int, height: Int, psnr: Double, ssim: Double) {
        let (left, right) = pictures(FrameSize(width: width, height: height))
        #expect(abs(PictureMetrics.psnr(left, right) - psnr) < 1e-9)
        #expect(abs(PictureMetrics.ssim(left, right) - ssim) < 1e-6)
    }

    @Test func equalPicturesAreInfinitelyClose() {
        let (left, _) = pictures(FrameSize(width: 32, height: 32))
        #expect(PictureMetrics.psnr(left, left) == .infinity)
        #expect(abs(PictureMetrics.ssim(left, left) - 1) < 1e-9)
    }

    @Test func oneStepEverywhereIs48Decibels() {
        let size = FrameSize(width: 16, height: 16)
        let left = PNGImage(size: size, channels: 3, bytes: [UInt8](repeating: 7, count: 768))
        let right = PNGImage(size: size, channels: 3, bytes: [UInt8](repeating: 8, count: 768))
        #expect(abs(PictureMetrics.psnr(left, right) - 20 * log10(255)) < 1e-9)
    }

    @Test func alphaIsLeftOut() {
        let (left, right) = pictures(FrameSize(width: 24, height: 24))
        var bytes: [UInt8] = []
        for pixel in 0..<left.size.pixelCount {
            bytes += left.bytes[pixel * 3..<pixel * 3 + 3]
            bytes.append(UInt8(pixel % 256))
        }
        let rgba = PNGImage(size: left.size, channels: 4, bytes: bytes)
        #expect(PictureMetrics.psnr(rgba, right) == PictureMetrics.psnr(left, right))
        #expect(PictureMetrics.ssim(rgba, right) == PictureMetrics.ssim(left, right))
    }
}
