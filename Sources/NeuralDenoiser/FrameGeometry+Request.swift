// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralOps

extension FrameGeometry {
    /// Where the pixels of a frame are, and where they were in its history.
    /// - Parameter farthest: metres; what lies at or beyond is sky, whatever the client states: a
    ///   background of 1e10 would spoil its surroundings, as no network has seen such numbers.
    init(_ request: FrameRequest, farthest: Float) throws(DenoiserError) {
        let gbuffer = request.gbuffer
        try gbuffer.camera?.check(prefix: "camera.")
        try request.history?.camera?.check(prefix: "history.camera.")
        guard gbuffer.jitter.x.isFinite, gbuffer.jitter.y.isFinite else {
            throw .camera(field: "jitter_x", value: Double(gbuffer.jitter.sum()))
        }
        if gbuffer.layout.normalSpace == .view, gbuffer.camera == nil { throw .cameraRequired }
        let depth = gbuffer.layout.depth.overruled(by: gbuffer.camera)
        guard depth.isUsable else { throw DenoiserError(unusable: depth) }
        self.init(
            view: gbuffer.camera.map { View($0, jitter: gbuffer.jitter) },
            motion: Motion(gbuffer, history: request.history),
            depth: DepthConversion(depth, farthest: farthest))
    }
}

extension FrameGeometry.View {
    init(_ camera: Camera, jitter: SIMD2<Float>) {
        let place = CameraPlace(camera.cameraToWorld)
        self.init(
            rayOffset: SIMD2(
                Float(0.5 + Double(jitter.x) - camera.cx),
                Float(0.5 + Double(jitter.y) - camera.cy)),
            rayScale: SIMD2(Float(1 / camera.fx), Float(-1 / camera.fy)),
            rotation: place.rotation, position: SIMD3<Float>(place.position))
    }
}

extension FrameGeometry.Motion {
    /// The client's motion plane where it points to the history's frame, else camera and depth.
    init(_ gbuffer: GBuffer, history: FrameHistory?) {
        guard let history else {
            self = .none
            return
        }
        var reprojection: FrameGeometry.Reprojection?
        if let camera = gbuffer.camera, let previous = history.camera {
            reprojection = CameraPlace(camera.cameraToWorld).reprojection(
                into: previous, jitter: history.jitter)
        }
        let pointsToHistory = gbuffer.motionFrom.map { $0 == history.frameID } ?? true
        if let motion = gbuffer.layout.motion, gbuffer.layout.hasMotionPlane, pointsToHistory {
            self = .plane(
                FrameGeometry.PlaneMotion(motion, gbuffer: gbuffer, history: history), reprojection)
        } else if gbuffer.camera != nil, gbuffer.camera == history.camera,
            gbuffer.jitter == history.jitter, gbuffer.layout.size == history.size
        {
            self = .still
        } else if let reprojection {
            self = .camera(reprojection)
        } else {
            self = .none
        }
    }
}

extension FrameGeometry.PlaneMotion {
    init(_ motion: MotionEncoding, gbuffer: GBuffer, history: FrameHistory) {
        let size = gbuffer.layout.size
        // Without the jitters in its values the plane moves where the sample was drawn, and the
        // previous picture's pixel i shows i + 0.5 + previous jitter.
        let offset = motion.isJittered ? SIMD2<Float>() : gbuffer.jitter
        self.init(
            offset: offset + 0.5,
            scale: SIMD2(
                motion.scaleX,
                gbuffer.layout.origin == .bottomLeft ? -motion.scaleY : motion.scaleY),
            ratio: SIMD2(
                Float(history.size.width) / Float(size.width),
                Float(history.size.height) / Float(size.height)),
            shift: motion.isJittered ? SIMD2<Float>() : history.jitter)
    }
}
