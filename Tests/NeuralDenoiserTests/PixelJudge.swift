// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameTypes
import NeuralOps

/// The geometry of one frame in Float64, pixel by pixel, as the design writes it down.
struct PixelJudge {
    let request: FrameRequest
    let depth: [Float]
    private let history: FrameHistory
    private let picture: [UInt8]
    private let previousDepth: [Float]
    private let settings: PixelSettings

    init?(_ request: FrameRequest, depth: [Float], settings: PixelSettings) {
        guard let history = request.history else { return nil }
        self.request = request
        self.depth = depth
        self.history = history
        self.settings = settings
        picture = history.storage.copiedBytes()
        let at = FrameHistory.depthOffset(of: history.size)
        previousDepth = picture[at..<at + history.size.pixelCount * 4].withUnsafeBytes {
            Array($0.bindMemory(to: Float.self))
        }
    }

    struct Found {
        var previous: SIMD2<Double>
        var isValid: Bool
        /// The closest decision, in what it decides on: pixels or metres.
        var margin: Double
        /// Picture 3, carried light 3.
        var history: [Double]
    }

    private func cameraPoint(_ x: Int, _ y: Int, _ camera: Camera) -> SIMD3<Double> {
        let jitter = SIMD2<Double>(request.gbuffer.jitter)
        let ray = SIMD3(
            (Double(x) + 0.5 + jitter.x - camera.cx) / camera.fx,
            -(Double(y) + 0.5 + jitter.y - camera.cy) / camera.fy, -1)
        let rows = camera.cameraToWorld
        let world = SIMD3(
            rows.x.x * ray.x + rows.x.y * ray.y + rows.x.z * ray.z,
            rows.y.x * ray.x + rows.y.y * ray.y + rows.y.z * ray.z,
            rows.z.x * ray.x + rows.z.y * ray.y + rows.z.z * ray.z)
        let metres = Double(depth[y * request.gbuffer.layout.size.width + x])
        let distance = metres > 0 ? metres : 500 / (world * world).sum().squareRoot()
        return world * distance + SIMD3(rows.x.w, rows.y.w, rows.z.w)
    }

    /// Previous pixel and -q.z of a world point; the cameras' 3x3 parts are rotations.
    private func project(_ point: SIMD3<Double>, _ camera: Camera) -> (SIMD2<Double>, Double) {
        let rows = camera.cameraToWorld
        let moved = point - SIMD3(rows.x.w, rows.y.w, rows.z.w)
        let q = (0..<3).map { rows.x[$0] * moved.x + rows.y[$0] * moved.y + rows.z[$0] * moved.z }
        let jitter = SIMD2<Double>(history.jitter)
        return (
            SIMD2(
                camera.fx * q[0] / -q[2] + camera.cx - jitter.x,
                camera.cy - camera.fy * q[1] / -q[2] - jitter.y), -q[2]
        )
    }

    /// - Parameter motion: pixels right and down without jitters, if the client sends it.
    func find(_ x: Int, _ y: Int, motion: SIMD2<Double>?) -> Found {
        let size = request.gbuffer.layout.size
        let metres = Double(depth[y * size.width + x])
        var previous = SIMD2(Double(x) + 0.5, Double(y) + 0.5)
        var z = metres
        if let camera = request.gbuffer.camera, let before = history.camera {
            (previous, z) = project(cameraPoint(x, y, camera), before)
        }
        if let motion {
            let ratio = SIMD2(
                Double(history.size.width) / Double(size.width),
                Double(history.size.height) / Double(size.height))
            let position =
                SIMD2(Double(x) + 0.5, Double(y) + 0.5) + SIMD2<Double>(request.gbuffer.jitter)
            previous = (position + motion) * ratio - SIMD2<Double>(history.jitter)
        }
        let (width, height) = (Double(history.size.width), Double(history.size.height))
        var margin = [previous.x, previous.y, width - previous.x, height - previous.y].map(abs)
            .min()
        // Without cameras the sky's z is unknown, and it is in front.
        let isInFront = z > 1e-3 || (metres == 0 && request.gbuffer.camera == nil)
        var isValid =
            isInFront && previous.x > 0 && previous.y > 0 && previous.x < width
            && previous.y < height
        if isValid {
            let column = min(max((previous.x - 0.5).rounded(.toNearestOrEven), 0), width - 1)
            let row = min(max((previous.y - 0.5).rounded(.toNearestOrEven), 0), height - 1)
            margin = min(
                margin ?? 0, abs(previous.x - previous.x.rounded()),
                abs(previous.y - previous.y.rounded()))
            // The taps that hold a sample within bounds change at a pixel's center: a step.
            let center = previous - 0.5
            margin = min(
                margin ?? 0, abs(center.x - center.x.rounded()),
                abs(center.y - center.y.rounded()))
            let index = Int(row) * history.size.width + Int(column)
            let before = Double(previousDepth[index])
            if metres == 0 {
                isValid = before == 0
            } else {
                let slack = 0.03 * z + 0.02 - abs(before - z)
                isValid = before > 0 && slack > 0
                if before > 0 { margin = min(margin ?? 0, abs(slack)) }
            }
            if picture[FrameHistory.coverageOffset(of: history.size) + index] > 0 {
                isValid = false
            }
        }
        return Found(
            previous: previous, isValid: isValid, margin: margin ?? 0,
            history: isValid ? (0..<6).map { sample(previous - 0.5, $0) } : [])
    }

    /// Metres that the eye moved beyond what a mirror there may keep its history for; sky is none.
    func mirrorMargin(_ x: Int, _ y: Int) -> Double {
        let metres = Double(depth[y * request.gbuffer.layout.size.width + x])
        guard metres > 0, let now = request.gbuffer.camera?.cameraToWorld,
            let before = history.camera?.cameraToWorld
        else { return -1 }
        let step = SIMD3(now.x.w - before.x.w, now.y.w - before.y.w, now.z.w - before.z.w)
        return (step * step).sum().squareRoot() - metres * Double(settings.mirrorParallax)
    }

    private func value(_ x: Int, _ y: Int, _ channel: Int) -> Double {
        let (x, y) = (
            min(max(x, 0), history.size.width - 1), min(max(y, 0), history.size.height - 1)
        )
        let at = (y * history.size.width + x) * 4 + channel % 3
        let shown = Double(picture[at]) / 255
        if channel < 3 { return shown }
        let base = Double(picture[FrameHistory.baseColorOffset(of: history.size) + at]) / 255
        let eps = Double(settings.eps)
        func lin(_ s: Double) -> Double {
            s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4)
        }
        return min(max(log((lin(shown) + eps) / (lin(base) + eps)), -6), 6)
    }

    private func sample(_ position: SIMD2<Double>, _ channel: Int) -> Double {
        let x = min(max(position.x, 0), Double(history.size.width - 1))
        let y = min(max(position.y, 0), Double(history.size.height - 1))
        func weights(_ t: Double) -> [Double] {
            [
                -0.5 * t * t * t + t * t - 0.5 * t, 1.5 * t * t * t - 2.5 * t * t + 1,
                -1.5 * t * t * t + 2 * t * t + 0.5 * t, 0.5 * t * t * t - 0.5 * t * t,
            ]
        }
        let (column, row) = (Int(x), Int(y))
        let (wx, wy) = (weights(x - Double(column)), weights(y - Double(row)))
        var sum = 0.0
        var inner: [Double] = []
        for j in 0..<4 {
            for i in 0..<4 {
                let tap = value(column - 1 + i, row - 1 + j, channel)
                sum += tap * wx[i] * wy[j]
                if (1...2).contains(i) && (1...2).contains(j) { inner.append(tap) }
            }
        }
        return min(max(sum, inner.min() ?? sum), inner.max() ?? sum)
    }
}
