// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc

/// How close a picture is to its reference, both 8-bit sRGB taken as 0 ... 1; alpha is left out.
package enum PictureMetrics {
    /// Peak signal-to-noise ratio of one picture, dB; infinite where the pictures are equal.
    package static func psnr(_ picture: PNGImage, _ reference: PNGImage) -> Double {
        checkShapes(picture, reference)
        var sum = 0
        for pixel in 0..<picture.size.pixelCount {
            let left = pixel * picture.channels
            let right = pixel * reference.channels
            for channel in 0..<3 {
                let difference =
                    Int(picture.bytes[left + channel]) - Int(reference.bytes[right + channel])
                sum += difference * difference
            }
        }
        guard sum > 0 else { return .infinity }
        let mean = Double(sum) / Double(picture.size.pixelCount * 3) / (255 * 255)
        return -10 * log10(mean)
    }

    /// Structural similarity, mean over channels and over the pixels whose window lies inside.
    ///
    /// As scikit-image 0.26 `structural_similarity(gaussian_weights=True, sigma=1.5,
    /// use_sample_covariance=False, data_range=1, channel_axis=-1)`. Sides of at least 11 pixels.
    package static func ssim(_ picture: PNGImage, _ reference: PNGImage) -> Double {
        checkShapes(picture, reference)
        let size = picture.size
        precondition(
            size.width >= GaussianWindow.side && size.height >= GaussianWindow.side,
            "SSIM needs pictures of at least \(GaussianWindow.side) pixels a side")
        let rows = (0..<size.height).map { y in
            GaussianWindow.filteredRow(colors(picture, row: y), colors(reference, row: y))
        }
        var sum = SIMD4<Double>.zero
        let insideRows = size.height - GaussianWindow.side + 1
        for top in 0..<insideRows {
            sum += similarity(rows[top..<top + GaussianWindow.side])
        }
        let insidePixels = insideRows * (size.width - GaussianWindow.side + 1)
        return (sum.x + sum.y + sum.z) / Double(3 * insidePixels)
    }

    /// Sum over one row of pixels, by channel.
    private static func similarity(
        _ rows: ArraySlice<[GaussianWindow.Moments]>
    ) -> SIMD4<Double> {
        let c1 = SIMD4<Float>(repeating: 0.01 * 0.01)
        let c2 = SIMD4<Float>(repeating: 0.03 * 0.03)
        let half = SIMD4<Float>(repeating: GaussianWindow.shift)
        var sum = SIMD4<Double>.zero
        let width = rows.first?.count ?? 0
        for x in 0..<width {
            var moments = GaussianWindow.Moments()
            for (row, weight) in zip(rows, GaussianWindow.weights) {
                moments.add(row[x], weight: weight)
            }
            let varianceA = moments.aa - moments.a * moments.a
            let varianceB = moments.bb - moments.b * moments.b
            let covariance = moments.ab - moments.a * moments.b
            let meanA = moments.a + half
            let meanB = moments.b + half
            let top = (2 * meanA * meanB + c1) * (2 * covariance + c2)
            let bottom = (meanA * meanA + meanB * meanB + c1) * (varianceA + varianceB + c2)
            sum += SIMD4<Double>(top / bottom)
        }
        return sum
    }

    /// One row as 0 ... 1 less the window's shift.
    private static func colors(_ image: PNGImage, row: Int) -> [SIMD4<Float>] {
        let start = row * image.size.width * image.channels
        return (0..<image.size.width).map { x in
            let at = start + x * image.channels
            let color = SIMD4<Float>(
                Float(image.bytes[at]), Float(image.bytes[at + 1]), Float(image.bytes[at + 2]), 0)
            return color / 255 - GaussianWindow.shift
        }
    }

    private static func checkShapes(_ picture: PNGImage, _ reference: PNGImage) {
        precondition(
            picture.size == reference.size && picture.channels >= 3 && reference.channels >= 3
                && picture.bitDepth == 8 && reference.bitDepth == 8,
            "metrics compare 8-bit color pictures of one size")
    }
}

/// Gaussian of sigma 1.5 cut at 3.5 sigma: 11 taps.
private enum GaussianWindow {
    static let side = 11

    static let weights: [Float] = {
        let raw = (0..<side).map { tap in
            let distance = Double(tap - side / 2)
            return exp(-distance * distance / (2 * 1.5 * 1.5))
        }
        let sum = raw.reduce(0, +)
        return raw.map { Float($0 / sum) }
    }()

    /// Taken from every color before squares are formed, so that variances of bright areas keep
    /// their digits in 32 bits; variances do not see it.
    static let shift: Float = 0.5

    /// Weighted sums of two pictures' colors and of their products, a lane a channel.
    struct Moments {
        var a = SIMD4<Float>.zero
        var b = SIMD4<Float>.zero
        var aa = SIMD4<Float>.zero
        var bb = SIMD4<Float>.zero
        var ab = SIMD4<Float>.zero

        mutating func add(_ other: Moments, weight: Float) {
            a += other.a * weight
            b += other.b * weight
            aa += other.aa * weight
            bb += other.bb * weight
            ab += other.ab * weight
        }
    }

    /// Filtered along one row; only where the window lies inside.
    static func filteredRow(_ left: [SIMD4<Float>], _ right: [SIMD4<Float>]) -> [Moments] {
        (0...left.count - side).map { start in
            var moments = Moments()
            for tap in 0..<side {
                let a = left[start + tap]
                let b = right[start + tap]
                let weightedA = a * weights[tap]
                let weightedB = b * weights[tap]
                moments.a += weightedA
                moments.b += weightedB
                moments.aa += weightedA * a
                moments.bb += weightedB * b
                moments.ab += weightedA * b
            }
            return moments
        }
    }
}
