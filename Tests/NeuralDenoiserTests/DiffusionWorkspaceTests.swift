// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAllocationCount
import FrameTypes
import NeuralModel
import NeuralOps
import TestSupport
import Testing

@testable import NeuralDenoiser

@Suite struct DiffusionWorkspaceTests {
    private static let model = Result {
        try FrameDiffuserModel(ModelSource(DiffusionFrames.model), kernelPath: .best)
    }

    private func model() throws -> FrameDiffuserModel { try Self.model.get() }

    private func render(
        _ request: FrameRequest, in workspace: DiffusionWorkspace,
        by runner: StepRunner = .forwards
    ) throws {
        try workspace.begin(request)
        runner.run(workspace.steps)
        workspace.finish()
    }

    @Test(arguments: ["64x64", "128x64"])
    func fourFramesEqualTheReference(name: String) throws {
        let frames = try DiffusionFrames(name)
        let workspace = try DiffusionWorkspace(size: frames.size, model: try model())
        var history = try frames.engineHistory()
        for frame in 0..<DiffusionFrames.count {
            let request = try frames.request(frame, history: history)
            workspace.givenNoise = try frames.floats("noise", frame)
            try render(request, in: workspace, by: .twoThreads)
            let latent = Difference(
                workspace.latent.sample.values, interleaved(try frames.floats("latents", frame)))
            // Fed back pictures that round the other way now and then move the latents of later
            // frames; the first has nothing but rounding.
            #expect(latent.relative < (frame == 0 ? 1e-3 : 2e-2), "frame \(frame): \(latent)")
            let picture = request.picture.copiedBytes()
            let expected = try frames.plane("pictures", frame)
            var apart = [Int](repeating: 0, count: 256)
            for (index, byte) in expected.enumerated() {
                apart[abs(Int(byte) - Int(picture[index / 3 * 4 + index % 3]))] += 1
            }
            #expect(apart[2...].reduce(0, +) * 1000 <= expected.count, "frame \(frame): \(apart)")
            #expect(apart[3...].reduce(0, +) == 0, "frame \(frame): \(apart)")
            history = request.left
        }
    }

    /// `[channels, rows]` to `[rows, channels]`.
    private func interleaved(_ planes: [Float], channels: Int = 4) -> [Float] {
        let count = planes.count / channels
        return (0..<planes.count).map { planes[$0 % channels * count + $0 / channels] }
    }

    @Test func planesAreTheReferencesToTheLastBit() throws {
        let frames = try DiffusionFrames("64x64")
        let workspace = try DiffusionWorkspace(size: frames.size, model: try model())
        let request = try frames.request(0, history: frames.engineHistory())
        try workspace.begin(request)
        StepRunner.forwards.run(workspace.steps.filter { $0.stage == .convert })
        workspace.finish()
        func input(_ byte: UInt8) -> Float { (Float(byte) / 255 - 0.5) / 0.5 }
        let planes = workspace.tensors.planes.values
        let irradiance = try frames.plane("irradiance", 0)
        let roughness = try frames.plane("planes.roughness", 0)
        let normals = try frames.plane("planes.normals", 0)
        let depth = try frames.plane("planes.depth", 0)
        let picture = try frames.plane("planes.picture", 0)
        let previous = workspace.tensors.previousPicture.values
        for pixel in 0..<frames.size.pixelCount {
            let found = planes[pixel * 10..<pixel * 10 + 10]
            let expected =
                normals[pixel * 3..<pixel * 3 + 3].map(input)
                + [input(depth[pixel]), input(roughness[pixel])]
            #expect(Array(found.dropFirst(3).prefix(5)) == expected)
            #expect(found.last == input(irradiance[pixel]), "pixel \(pixel)")
            #expect(
                Array(previous[pixel * 3..<pixel * 3 + 3])
                    == picture[pixel * 3..<pixel * 3 + 3].map(input))
        }
        #expect(Set(irradiance).count > 50)
    }

    @Test func sameBytesHoweverTilesRun() throws {
        let frames = try DiffusionFrames("64x64")
        let workspace = try DiffusionWorkspace(size: frames.size, model: try model())
        var pictures: Set<[UInt8]> = []
        for runner in StepRunner.allCases {
            let request = try frames.request(1, history: frames.engineHistory())
            try render(request, in: workspace, by: runner)
            pictures.insert(request.picture.copiedBytes())
        }
        #expect(pictures.count == 1)
    }

    @Test func renderingAllocatesNothing() throws {
        let frames = try DiffusionFrames("64x64")
        let workspace = try DiffusionWorkspace(size: frames.size, model: try model())
        let request = try frames.request(0, history: frames.engineHistory())
        let memory = WorkerMemory()
        RenderThread.prepare()
        try workspace.render(request, memory)
        let before = allocation_count()
        try workspace.render(request, memory)
        #expect(allocation_count() - before == 0)
    }

    @Test func theFirstFrameNeedsNoPictureAndSaysSo() throws {
        let frames = try DiffusionFrames("64x64")
        let workspace = try DiffusionWorkspace(size: frames.size, model: try model())
        let alone = try frames.request(0, history: nil)
        try workspace.begin(alone)
        #expect(workspace.usedHistoryFrame == nil)
        StepRunner.forwards.run(workspace.steps)
        workspace.finish()
        // The base color, with the sky drawn in, stood for the previous picture.
        let base = try frames.plane("planes.base_color", 0)
        let middle = frames.size.pixelCount * 3 / 4
        #expect(
            workspace.tensors.previousPicture.values[middle * 3]
                == (Float(base[middle * 3]) / 255 - 0.5) / 0.5)

        let resumed = try frames.request(0, history: frames.engineHistory())
        try workspace.begin(resumed)
        #expect(workspace.usedHistoryFrame == 0)
        StepRunner.forwards.run(workspace.steps)
        workspace.finish()
        #expect(alone.picture.copiedBytes() != resumed.picture.copiedBytes())

        // A history of another size has its pixels elsewhere.
        var other = try DiffusionFrames("128x64").engineHistory()
        other.frameID = 7
        let resized = try frames.request(0, history: other)
        try workspace.begin(resized)
        #expect(workspace.usedHistoryFrame == nil)
        StepRunner.forwards.run(workspace.steps)
        workspace.finish()
        #expect(resized.picture.copiedBytes() == alone.picture.copiedBytes())
    }

    @Test func historySentBackGivesTheSameBytes() throws {
        let frames = try DiffusionFrames("64x64")
        let workspace = try DiffusionWorkspace(size: frames.size, model: try model())
        let first = try frames.request(0, history: nil)
        try render(first, in: workspace)
        let second = try frames.request(1, history: first.left)
        try render(second, in: workspace)

        // Another workspace, and a history made of what a client holds.
        let resumed = FrameHistory(
            size: frames.size, frameID: 1, seed: 0, camera: nil, jitter: SIMD2(),
            storage: PixelStorage(byteCount: FrameHistory.byteCount(of: frames.size)))
        resumed.storage.copy(first.picture.copiedBytes(), at: FrameHistory.pictureOffset)
        let kept = first.nextHistory.copiedBytes()
        let rest = FrameHistory.baseColorOffset(of: frames.size)
        resumed.storage.copy(Array(kept[rest...]), at: rest)
        let again = try frames.request(1, history: resumed)
        try render(again, in: try DiffusionWorkspace(size: frames.size, model: try model()))
        #expect(again.picture.copiedBytes() == second.picture.copiedBytes())
    }

    @Test func sizesThatDoNotHalveArePadded() throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 70, height: 45)
        let scene = Scene(size, &random)
        let workspace = try DiffusionWorkspace(size: size, model: try model())
        let request = scene.request()
        try render(request, in: workspace)
        #expect(
            workspace.tensors.planes.shape == ActivationShape(height: 64, width: 96, channels: 10))
        let planes = workspace.tensors.planes.values
        let edge = Array(planes[(44 * 96 + 69) * 10..<(44 * 96 + 70) * 10])
        #expect(Array(planes[(63 * 96 + 95) * 10..<(63 * 96 + 96) * 10]) == edge)
        let picture = request.picture.copiedBytes()
        #expect(Set(picture).count > 20)
        #expect(request.left.storage.copiedBytes().prefix(picture.count) == picture[...])
    }

    @Test func memoryIsPlannedBeforeItIsTaken() throws {
        let denoiser = try Denoiser(modelFolder: DiffusionFrames.model)
        let size = FrameSize(width: 64, height: 64)
        let workspace = try #require(denoiser.makeWorkspace(for: size) as? DiffusionWorkspace)
        #expect(denoiser.workspaceByteCount(for: size) == workspace.byteCount)
        #expect(denoiser.description.family == "framediffuser")
        #expect(denoiser.description.kernelPath.hasSuffix("-fp32"))
    }
}
