// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameScheduler
import FrameTypes
import NeuralDenoiser
import Testing

@testable import frameloom

/// A part of the demo clip held still, rendered whole and in part side by side.
@Suite(.timeLimit(.minutes(2))) struct StillRunTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../..").standardized.path()

    /// Pixels 160..<384 of each row and column: the camera's center moves with them.
    private func part(of clip: Clip) -> Clip {
        let (start, side) = (160, 224)
        var layout = clip.layout
        layout.size = FrameSize(width: side, height: side)
        var offset = 0
        for (index, plane) in clip.layout.planes.enumerated() {
            layout.planes[index].rowStride = side * plane.format.bytesPerPixel
            layout.planes[index].offset = offset
            offset += layout.planes[index].rowStride * side
        }
        layout.byteCount = offset
        let frames = clip.frames.map { frame in
            var payload: [UInt8] = []
            for plane in clip.layout.planes {
                let bytes = plane.format.bytesPerPixel
                for row in start..<start + side {
                    let first = plane.offset + row * plane.rowStride + start * bytes
                    payload += frame.payload[first..<first + side * bytes]
                }
            }
            var camera = frame.camera
            camera?.cx -= Double(start)
            camera?.cy -= Double(start)
            return Clip.Frame(number: frame.number, payload: payload, camera: camera)
        }
        return Clip(name: "part", layout: layout, frames: frames)
    }

    private func run(
        places: Int, frames: Int, precision: Precision = .fp32, isProfiled: Bool = false
    ) throws -> StillReport {
        var options = ClipOptions()
        options.frameLimit = 2
        let whole = try ClipReader(folder: Self.root + "/Clips/atrium-flight", options: options)
            .read { _ in }
        let clip = part(of: whole)
        let denoiser = try Denoiser(
            modelFolder: Self.root + "/Models/atrium", precision: precision)
        let pool = try RenderPool(
            .init(threadCount: 2, pinsThreads: false, threadSetup: Denoiser.prepareRenderThread))
        defer { pool.stop() }
        let run = try StillRun(
            scenario: StillScenario(
                clip: clip, settings: .init(frame: 0, share: 0.03, places: places)),
            layout: clip.layout, denoiser: denoiser, pool: pool, isProfiled: isProfiled)
        try run.settle(frames: 10)
        try run.measure(frames: frames)
        return StillReport(run, denoiser: denoiser, threads: 2)
    }

    /// What is promised: mean 0.5, 99.9 % within 4. Found on this clip at 512x512: 0.02 and 1.
    @Test(arguments: [Precision.fp32, .int8])
    func partsStayNearWholePictures(precision: Precision) throws {
        var report = try run(places: 1, frames: 12, precision: precision)
        #expect(report.partialFrames >= 10)
        #expect(report.tileShareMean < 0.6)
        #expect(report.errorMean <= 0.5 && report.errorP999 <= 4)
        #expect(report.pictureErrorMean <= 0.5 && report.pictureErrorP999 <= 4)
        // Two ways that never differ would mean that one of them was measured twice.
        #expect(report.pictureErrorMax > 0)
        #expect(report.json.contains("\"error_p999\""))
        // As where a whole frame took no time that the clock sees.
        report.costRatio = .infinity
        #expect(report.json.contains("\"cost_ratio\" : \"inf\""))
        #expect(report.json.contains("\"error_p999\""))
    }

    @Test func whereNothingChangesNothingIsRendered() throws {
        let report = try run(places: 0, frames: 8)
        #expect(report.unchangedFrames >= 4)
        #expect(report.unchangedFrames + report.partialFrames == 8)
        #expect(report.pictureErrorMax <= 4)
    }

    @Test func aProfileListsEveryStep() throws {
        let steps = try #require(try run(places: 1, frames: 2, isProfiled: true).steps)
        #expect(steps.map(\.name).contains("compare") && steps.map(\.name).contains("settle"))
        // The whole lane compares nothing; a convolution takes time in both.
        #expect(steps.first { $0.name == "compare" }?.wholeMs == 0)
        #expect(steps.contains { $0.wholeMs > 0 && $0.partlyMs > 0 })
    }
}
