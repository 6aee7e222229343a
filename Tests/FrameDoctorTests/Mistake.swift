// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameDoctor
import FrameTypes
import Glibc

/// What people do wrong, done to a clip; and what is right although it looks unusual.
struct Mistake: CustomStringConvertible, Sendable {
    var description: String
    /// nil: nothing may be said.
    var verdict: Finding.Name?
    var spoil: @Sendable (inout [StatedFrame]) -> Void

    private init(
        _ description: String, _ verdict: Finding.Name?,
        each spoil: @escaping @Sendable (inout StatedFrame) -> Void
    ) {
        self.description = description
        self.verdict = verdict
        self.spoil = { frames in
            for index in frames.indices { spoil(&frames[index]) }
        }
    }

    /// One that concerns the frames together.
    private static func all(
        _ description: String, _ verdict: Finding.Name?,
        _ spoil: @escaping @Sendable (inout [StatedFrame]) -> Void
    ) -> Mistake {
        var mistake = Mistake(description, verdict) { _ in }
        mistake.spoil = spoil
        return mistake
    }

    static let wrong: [Mistake] = [
        .init("planes upside down", .upsideDown) { $0.flipRows() },
        .init("bottom-left stated, rows from the top", .upsideDown) { $0.origin = .bottomLeft },
        .init("camera position in centimetres", .cameraUnit) { frame in
            frame.changeCamera { $0[3] *= 100 }
        },
        .init("world_to_camera sent", .cameraInverted) { $0.changeCamera(invert) },
        .init("rotation transposed", .cameraTransposed) { frame in
            frame.changeCamera { columns in
                let position = columns[3]
                invert(&columns)
                columns[3] = position
            }
        },
        .init("camera looks along +Z, +Y down", .cameraAxes) { frame in
            frame.changeCamera { columns in
                columns[1] = -columns[1]
                columns[2] = -columns[2]
            }
        },
        .init("principal point 0", .principalPoint) { frame in
            frame.camera.cx = 0
            frame.camera.cy = 0
        },
        .init("focal length 1.3 times as long", .fieldOfView) { scaleFocal(&$0, 1.3) },
        .init("focal length 1.3 times as short", .fieldOfView) { scaleFocal(&$0, 1 / 1.3) },
        .init("depth along the ray", .rayDepth) { frame in
            let camera = frame.camera
            frame.changeDepth { z, x, y in
                let u = (Float(x) + 0.5 - Float(camera.cx)) / Float(camera.fx)
                let v = (Float(y) + 0.5 - Float(camera.cy)) / Float(camera.fy)
                return z * (1 + u * u + v * v).squareRoot()
            }
        },
        .init("near and far in centimetres", .nearPlane) {
            $0.useDeviceDepth(near: 0.05, far: 300, stated: SIMD2(5, 30_000))
        },
        .init("near in centimetres", .nearPlane) {
            $0.useDeviceDepth(near: 0.05, far: 300, stated: SIMD2(5, 300))
        },
        .init("far a hundredth", .farPlane) {
            $0.useDeviceDepth(near: 0.05, far: 300, stated: SIMD2(0.05, 3))
        },
        .init("far a hundredth, linear depth", .depthBeyondFar) {
            $0.encoding = .linear(metresPerUnit: 1, far: 3)
        },
        .init("depth all zero", .depthEmpty) { frame in
            frame.depth = frame.depth.map { _ in 0 }
        },
        .init("depth all the same", .depthConstant) { frame in
            frame.depth = frame.depth.map { _ in 5 }
        },
        .init("depth 100 times too large", .depthUnit) {
            $0.encoding = .linear(metresPerUnit: 100, far: .infinity)
        },
        .init("depth 100 times too small", .depthUnit) {
            $0.encoding = .linear(metresPerUnit: 0.01, far: .infinity)
        },
        .init("linear base color stored as sRGB", .baseColorLinear) { frame in
            frame.changeColors { value in
                value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
            }
        },
        .init("red and blue swapped", .redBlueSwapped) { frame in
            for pixel in 0..<frame.size.pixelCount { frame.base.swapAt(pixel * 3, pixel * 3 + 2) }
        },
        .init("smoothness sent as roughness", .smoothness) { frame in
            frame.roughness = frame.roughness.map { 255 - $0 }
        },
        .init("normals with Z up (Blender)", .normalsAxes) { frame in
            frame.changeNormals { SIMD3($0.x, -$0.z, $0.y) }
        },
        .init("normals left-handed with Z up (Unreal)", .normalsAxes) { frame in
            frame.changeNormals { SIMD3(-$0.z, $0.x, $0.y) }
        },
        .init("normals left-handed (Unity)", .normalsAxes) { frame in
            frame.changeNormals { SIMD3($0.x, $0.y, -$0.z) }
        },
        .init("green channel flipped", .normalsGreen) { frame in
            frame.changeNormals { SIMD3($0.x, -$0.y, $0.z) }
        },
        .init("view normals sent as world", .normalsView, each: turnNormalsToView),
        .init("world normals sent as view", .normalsWorld) { $0.normalSpace = .view },
        .init("normals all black", .normalsConstant) { frame in
            frame.changeNormals { _ in SIMD3(-1, -1, -1) }
        },
        .init("normals not encoded", .normalsNotEncoded) { frame in
            frame.changeNormals { n in
                n.clamped(
                    lowerBound: SIMD3(repeating: 0), upperBound: SIMD3(repeating: 1)) * 2 - 1
            }
        },
        .init("normals encoded twice", .normalsEncodedTwice) { frame in
            frame.changeNormals { ($0 + 1) / 2 }
        },
        .all("camera one frame late", .cameraLate) { frames in
            let cameras = frames.map(\.camera)
            for index in frames.indices.dropFirst() { frames[index].camera = cameras[index - 1] }
            frames.removeFirst()
        },
        .all("camera one frame early", .cameraEarly) { frames in
            let cameras = frames.map(\.camera)
            for index in frames.indices.dropLast() { frames[index].camera = cameras[index + 1] }
            frames.removeLast()
        },
        .all("jitter of the wrong sign", .jitterSign) { frames in
            jitter(&frames) { -$0 }
        },
        .all("jitter with y up", .jitterFlipped) { frames in
            jitter(&frames) { SIMD2($0.x, -$0.y) }
        },
        .all("jitter in clip coordinates", .jitterUnit) { frames in
            let half = SIMD2(Float(frames[0].size.width), -Float(frames[0].size.height)) / 2
            jitter(&frames) { $0 / half }
        },
        .all("motion from the frame before, not to it", .motionSign) { frames in
            motion(&frames) { -$0 }
        },
        .all("motion with y up", .motionFlipped) { frames in
            motion(&frames) { SIMD2($0.x, -$0.y) }
        },
        .all("x and y of motion swapped", .motionSwapped) { frames in
            motion(&frames) { SIMD2($0.y, $0.x) }
        },
        .all("motion in clip coordinates, pixels stated", .motionUnit) { frames in
            let size = frames[0].size
            motion(&frames) { $0 / SIMD2(Float(size.width), -Float(size.height)) * 2 }
        },
        .all("motion in pixels, clip coordinates stated", .motionUnit) { frames in
            let size = frames[0].size
            let stated = SIMD2(Float(size.width), -Float(size.height)) / 2
            motion(&frames, stated: stated) { $0 }
        },
        .all("motion in shares of the picture, clip coordinates stated", .motionUnit) { frames in
            let size = SIMD2(Float(frames[0].size.width), Float(frames[0].size.height))
            motion(&frames, stated: size / SIMD2(2, -2)) { $0 / size }
        },
        .init("a world with Z up (Blender), axes not stated", .outsideModel) { frame in
            turnWorld(&frame) { SIMD3($0.x, -$0.z, $0.y) }
        },
        .init("a world with Z up (Unreal), axes not stated", .outsideModel) { frame in
            turnWorld(&frame) { SIMD3(-$0.z, $0.x, $0.y) }
        },
        .init("a world in centimetres, unit not stated", .outsideModel) { frame in
            frame.changeCamera { $0[3] *= 100 }
            frame.depth = frame.depth.map { $0 * 100 }
        },
    ]

    static let right: [Mistake] = [
        .init("as recorded", nil) { _ in },
        .init("view normals, stated", nil) { frame in
            turnNormalsToView(&frame)
            frame.normalSpace = .view
        },
        .init("bottom-left, stated", nil) { frame in
            frame.flipRows()
            frame.origin = .bottomLeft
        },
        .init("device depth, stated", nil) {
            $0.useDeviceDepth(near: 0.05, far: 300, stated: SIMD2(0.05, 300))
        },
        .all("jittered", nil) { frames in jitter(&frames) { $0 } },
        .all("motion", nil) { frames in motion(&frames) { $0 } },
        .all("motion in clip coordinates, stated", nil) { frames in
            let half = SIMD2(Float(frames[0].size.width), -Float(frames[0].size.height)) / 2
            motion(&frames, stated: half) { $0 / half }
        },
        .all("motion while the camera stands", nil) { frames in
            frames = frames.map { _ in frames[0] }
            motion(&frames) { $0 }
        },
        .all("a standing camera", nil) { frames in
            frames = frames.map { _ in frames[0] }
        },
        .all("cuts", nil) { frames in
            // Every third frame jumps across the clip.
            frames = frames.indices.map {
                frames[$0 % 3 == 0 ? $0 : frames.count - 1 - $0]
            }
        },
        .init("a dark room", nil) { frame in frame.changeColors { $0 * 0.04 } },
        .init("no texture", nil) { frame in frame.base = frame.base.map { _ in 128 } },
        .all("a wall seen straight on, walking along it", nil) { frames in
            let camera = frames[0].camera
            for index in frames.indices {
                frames[index].paintWall(distance: 3)
                frames[index].camera = camera
                frames[index].changeCamera { columns in
                    columns[0] = SIMD3(1, 0, 0)
                    columns[1] = SIMD3(0, 1, 0)
                    columns[2] = SIMD3(0, 0, 1)
                    columns[3] = SIMD3(Double(index) * 0.05, 1.6, 0)
                }
            }
        },
        .init("only sky", nil) { frame in
            frame.depth = frame.depth.map { _ in 0 }
            frame.normals = frame.normals.map { _ in 0 }
        },
    ]

    private static func invert(_ columns: inout [SIMD3<Double>]) {
        let (a, b, c, p) = (columns[0], columns[1], columns[2], columns[3])
        columns = [
            SIMD3(a.x, b.x, c.x), SIMD3(a.y, b.y, c.y), SIMD3(a.z, b.z, c.z),
            -SIMD3((a * p).sum(), (b * p).sum(), (c * p).sum()),
        ]
    }

    /// Planes of motion, stated with these pixels per unit.
    private static func motion(
        _ frames: inout [StatedFrame], stated: SIMD2<Float> = SIMD2(1, 1),
        _ written: (SIMD2<Float>) -> SIMD2<Float>
    ) {
        let recorded = frames
        for index in frames.indices {
            frames[index].writeMotion(from: recorded[max(0, index - 1)], written)
            frames[index].motionScale = stated
        }
    }

    /// Camera, positions and normals alike.
    private static func turnWorld(
        _ frame: inout StatedFrame, _ turn: (SIMD3<Double>) -> SIMD3<Double>
    ) {
        frame.changeCamera { columns in columns = columns.map(turn) }
        frame.changeNormals { SIMD3<Float>(turn(SIMD3<Double>($0))) }
    }

    private static func scaleFocal(_ frame: inout StatedFrame, _ factor: Double) {
        frame.camera.fx *= factor
        frame.camera.fy *= factor
    }

    @Sendable private static func turnNormalsToView(_ frame: inout StatedFrame) {
        let rows = frame.camera.cameraToWorld
        frame.changeNormals { n in
            func along(_ a: Double, _ b: Double, _ c: Double) -> Float {
                Float(a) * n.x + Float(b) * n.y + Float(c) * n.z
            }
            return SIMD3(
                along(rows.x.x, rows.y.x, rows.z.x), along(rows.x.y, rows.y.y, rows.z.y),
                along(rows.x.z, rows.y.z, rows.z.z))
        }
    }

    /// Drawn with a jitter of the Halton sequence, stated as `stated` says.
    private static func jitter(
        _ frames: inout [StatedFrame], _ stated: (SIMD2<Float>) -> SIMD2<Float>
    ) {
        func halton(_ index: Int, _ base: Int) -> Float {
            var (rest, share, sum) = (index, Float(1), Float(0))
            while rest > 0 {
                share /= Float(base)
                sum += share * Float(rest % base)
                rest /= base
            }
            return sum - 0.5
        }
        for index in frames.indices {
            frames[index].draw(at: SIMD2(halton(index + 1, 2), halton(index + 1, 3)))
            frames[index].jitter = stated(frames[index].jitter)
        }
    }
}

extension StatedFrame {
    fileprivate mutating func paintWall(distance: Float) {
        for pixel in 0..<size.pixelCount {
            depth[pixel] = distance
            normals[pixel * 3] = 0
            normals[pixel * 3 + 1] = 0
            normals[pixel * 3 + 2] = 1
            for channel in 0..<3 { base[pixel * 3 + channel] = 140 }
        }
    }
}
