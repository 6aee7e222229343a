// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// How well a frame is found again in an earlier one, under a hypothesis.
struct Comparison {
    /// A difference in base color from which on it is just wrong, of 255.
    static let limit: Float = 25.5
    /// Relative, as for the history.
    static let sameSurface = 0.03
    /// Share of the surfaces that must have been in the earlier picture.
    static let leastInside = 0.3

    /// Mean difference of base color as a share of the limit, 1 where another surface is found; of the
    /// pixels that were in the earlier picture. 1 where hardly any were.
    var cost: Double
    /// Share of the surfaces that are found on the same surface.
    var history: Double
    /// Mean difference of base color there, of 255.
    var error: Double
    /// Median, pixels of the client's picture.
    var movement: Double

    /// - Returns: nil without cameras or surfaces.
    init?(_ frame: DoctorFrame, _ earlier: DoctorFrame, under hypothesis: Hypothesis) {
        guard let camera = hypothesis.camera(of: frame),
            let before = hypothesis.camera(of: earlier), frame.size == earlier.size
        else { return nil }
        var (jitter, jitterBefore) = (frame.jitter, earlier.jitter)
        if case .jitter(let factors, _) = hypothesis {
            jitter *= factors
            jitterBefore *= factors
        }
        let (width, height) = (frame.size.width, frame.size.height)
        var depths: [Double] = []
        depths.reserveCapacity(frame.samples.count)
        for sample in frame.samples {
            let z = Double(frame.depth[sample.y * width + sample.x])
            depths.append(
                hypothesis.depth(z, Double(sample.x) + 0.5, Double(sample.y) + 0.5, camera, frame))
        }
        let surfaces = depths.filter { $0 > 0 }.sorted()
        guard !surfaces.isEmpty else { return nil }
        let slack = 0.005 * surfaces[surfaces.count / 2]
        let offset = before.turnedBack(camera.position - before.position)

        var sum = 0.0
        var (found, difference) = (0, 0.0)
        var movements: [Double] = []
        movements.reserveCapacity(surfaces.count)
        for (sample, z) in zip(frame.samples, depths) where z > 0 {
            let center = SIMD2(Double(sample.x) + 0.5, Double(sample.y) + 0.5)
            let ray = camera.ray(center.x + jitter.x, center.y + jitter.y)
            let q = before.turnedBack(camera.turned(ray * z)) + offset
            let again = -q.z
            guard again > 0.2 * slack else { continue }
            let u = before.cx + before.fx * q.x / again - jitterBefore.x
            let v = before.cy - before.fy * q.y / again - jitterBefore.y
            guard u > 0.5, v > 0.5, u < Double(width) - 0.5, v < Double(height) - 0.5 else {
                continue
            }
            sum += 1
            let apart = SIMD2(u, v) - center
            movements.append((apart * apart).sum().squareRoot())
            let column = min(width - 1, Int((u - 0.5).rounded()))
            let row = min(height - 1, Int((v - 0.5).rounded()))
            let there = hypothesis.depth(
                Double(earlier.depth[row * width + column]), Double(column) + 0.5,
                Double(row) + 0.5, before, earlier)
            guard there > 0, abs(there - again) < Self.sameSurface * again + slack else { continue }
            let error = earlier.difference(
                at: SIMD2(Float(u), Float(v)), from: frame.baseColor[sample.y * width + sample.x])
            found += 1
            difference += Double(error)
            sum -= 1 - Double(min(error, Self.limit) / Self.limit)
        }
        let isEnough = Double(movements.count) >= Self.leastInside * Double(surfaces.count)
        cost = isEnough ? sum / Double(movements.count) : 1
        history = Double(found) / Double(surfaces.count)
        error = found > 0 ? difference / Double(found) : 255
        movements.sort()
        movement = movements.isEmpty ? 0 : movements[movements.count / 2] * Double(frame.step)
    }
}

extension DoctorFrame {
    /// Mean difference of the three channels from the bilinear color at a pixel position, of 255.
    func difference(at position: SIMD2<Float>, from color: SIMD4<UInt8>) -> Float {
        let x = min(max(position.x - 0.5, 0), Float(size.width) - 1.001)
        let y = min(max(position.y - 0.5, 0), Float(size.height) - 1.001)
        let (column, row) = (Int(x), Int(y))
        let (a, b) = (x - Float(column), y - Float(row))
        let first = row * size.width + column
        let top = pixel(first) * (1 - a) + pixel(first + 1) * a
        let bottom = pixel(first + size.width) * (1 - a) + pixel(first + size.width + 1) * a
        let apart = top * (1 - b) + bottom * b - SIMD4<Float>(color)
        return (abs(apart.x) + abs(apart.y) + abs(apart.z)) / 3
    }

    private func pixel(_ index: Int) -> SIMD4<Float> { SIMD4<Float>(baseColor[index]) }
}

/// The normals of the surfaces that depth draws, beside those that were sent.
struct Surfaces {
    /// Camera space, facing the viewer; nil where depth draws no plane.
    private(set) var normals: [SIMD3<Double>?] = []

    /// On a plane 1/z is linear in the pixel: with its slopes (a, b) the normal is along
    /// (fx a, -fy b, a (x - cx) + b (y - cy) - 1/z), turned to face the viewer.
    init(_ frame: DoctorFrame, _ camera: DoctorCamera, under hypothesis: Hypothesis) {
        let width = frame.size.width
        func inverse(_ x: Int, _ y: Int) -> Double {
            let z = hypothesis.depth(
                Double(frame.depth[y * width + x]), Double(x) + 0.5, Double(y) + 0.5, camera, frame)
            return z > 0 ? 1 / z : 0
        }
        normals.reserveCapacity(frame.samples.count)
        for sample in frame.samples {
            let (x, y) = (sample.x, sample.y)
            let here = inverse(x, y)
            let (left, right) = (inverse(x - 2, y), inverse(x + 2, y))
            let (above, below) = (inverse(x, y - 2), inverse(x, y + 2))
            guard min(here, left, right, above, below) > 0,
                abs(left + right - 2 * here) < 0.01 * here,
                abs(above + below - 2 * here) < 0.01 * here
            else {
                normals.append(nil)
                continue
            }
            let (a, b) = ((right - left) / 4, (below - above) / 4)
            let along = SIMD3(
                camera.fx * a, -camera.fy * b,
                a * (Double(x) + 0.5 - camera.cx) + b * (Double(y) + 0.5 - camera.cy) - here)
            normals.append(-along / max(1e-12, (along * along).sum().squareRoot()))
        }
    }

    /// How much each axis of the sent normals goes along each axis of camera space: the mean product
    /// of the two. nil where too few normals can be compared.
    func likeness(to samples: [DoctorFrame.Sample]) -> Likeness? {
        var rows = (SIMD3<Double>.zero, SIMD3<Double>.zero, SIMD3<Double>.zero)
        var count = 0.0
        for (sample, drawn) in zip(samples, normals) {
            guard let drawn else { continue }
            let length = (sample.normal * sample.normal).sum().squareRoot()
            guard abs(length - 1) < 0.2 else { continue }
            let unit = SIMD3<Double>(sample.normal / length)
            rows.0 += drawn.x * unit
            rows.1 += drawn.y * unit
            rows.2 += drawn.z * unit
            count += 1
        }
        guard count >= 100 else { return nil }
        return Likeness(x: rows.0 / count, y: rows.1 / count, z: rows.2 / count)
    }
}

/// A 3x3 matrix; rows are axes of ours, columns those of the sent normals.
struct Likeness {
    var x, y, z: SIMD3<Double>

    /// Rows turned from camera space to the world.
    func turned(by camera: DoctorCamera) -> Likeness {
        func row(_ axis: Int) -> SIMD3<Double> {
            camera.right[axis] * x + camera.up[axis] * y + camera.back[axis] * z
        }
        return Likeness(x: row(0), y: row(1), z: row(2))
    }

    /// Mean cosine, had the sent normals these axes; 1: they agree everywhere.
    func along(_ axes: SignedAxes) -> Double {
        axes.signs.x * x[axes.axes.x] + axes.signs.y * y[axes.axes.y] + axes.signs.z
            * z[axes.axes.z]
    }
}
