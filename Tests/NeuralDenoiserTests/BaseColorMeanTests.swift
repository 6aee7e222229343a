// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// Base color where a camera stands: its mean, pixel by pixel, in plain whole numbers.
@Suite struct BaseColorMeanTests {
    private struct Mean {
        var color: [Int]
        var frames = 1

        mutating func take(_ new: [Int]) {
            let changes = zip(new, color).map { $0 - $1 }
            guard changes.allSatisfy({ abs($0) <= 12 }) else {
                self = Mean(color: new)
                return
            }
            frames = min(frames + 1, 8)
            for c in 0..<3 {
                // Half up of the size: (2 s + n) / 2 n.
                let part = (2 * abs(changes[c]) + frames) / (2 * frames)
                color[c] += changes[c] < 0 ? -part : part
            }
        }
    }

    /// The base color of the next history, `[h, w, 4]`.
    private func stored(_ lane: IncrementalLane, _ size: FrameSize) throws -> [UInt8] {
        let bytes = try #require(lane.history).storage.copiedBytes()
        let offset = FrameHistory.baseColorOffset(of: size)
        return Array(bytes[offset..<offset + size.pixelCount * 4])
    }

    private func noisy(_ scene: Scene, _ random: inout SeededGenerator) -> Scene {
        var scene = scene
        scene.base = scene.base.map {
            UInt8(clamping: Int($0) + Int.random(in: -8...8, using: &random))
        }
        return scene
    }

    @Test(arguments: supportedPaths, [false, true])
    func isTheMeanOfTheFramesSinceAPixelCameToRest(path: KernelPath, sendsMotion: Bool) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 61, height: 43)
        var scene = Scene(size, &random)
        // Some pixels move, where the client says so.
        scene.motion = scene.motion.indices.map { SIMD2($0 % 5 == 0 ? 1 : 0, 0) }
        let encoding = Scene.Encoding(sendsMotion: sendsMotion)
        let lane = try IncrementalLane(scene, encoding, settings: nil, path: path)
        var means: [Mean] = []
        for number in 0..<10 {
            let frame = noisy(scene, &random)
            try lane.render(frame, encoding)
            let found = try stored(lane, size)
            for index in 0..<size.pixelCount {
                let new = (0..<3).map { Int(frame.base[index * 3 + $0]) }
                if number == 0 { means.append(Mean(color: new)) }
                let moves = sendsMotion && index % 5 == 0
                if number > 0, moves { means[index] = Mean(color: new) }
                if number > 0, !moves { means[index].take(new) }
                let expected = means[index].color + [256 - means[index].frames]
                let comment: Comment = "seed \(random.seed): frame \(number), pixel \(index)"
                #expect((0..<4).map { Int(found[index * 4 + $0]) } == expected, comment)
            }
        }
        #expect(means.contains { $0.frames == 8 } && means.contains { $0.frames < 8 })
    }

    @Test func beginsAnewWhereSomethingElseIsSeen() throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 64, height: 32)
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(scene, settings: nil)
        for _ in 0..<3 { try lane.render(scene) }
        var other = scene
        other.base[0] &+= 13  // another color
        other.base[3] &+= 12  // still the same
        other.depth[2] = 40  // another surface
        try lane.render(other)
        let found = try stored(lane, size)
        #expect(Array(found[0..<4]) == Array(other.base[0..<3]) + [255])
        let unmoved: UInt8 = scene.base[3] + 3
        #expect(found[4] == unmoved)
        #expect(found[7] == 252)
        #expect(found[11] == 255)
        // A camera that moved sees base color as it is.
        var moved = noisy(scene, &random)
        moved.camera?.cx += 0.5
        try lane.render(moved)
        let fresh = try stored(lane, size)
        for index in 0..<size.pixelCount {
            let color = Array(moved.base[index * 3..<index * 3 + 3]) + [255]
            #expect(Array(fresh[index * 4..<index * 4 + 4]) == color)
        }
    }

    @Test func steadiesThePicture() throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 96, height: 64)
        let scene = Scene.calm(size, &random)
        let lane = try IncrementalLane(scene, settings: nil)
        var pictures: [[UInt8]] = []
        var bare: [[UInt8]] = []
        for _ in 0..<8 {
            var frame = scene
            frame.base = frame.base.map {
                UInt8(clamping: Int($0) + Int.random(in: -4...4, using: &random))
            }
            pictures.append(try lane.render(frame))
            bare.append(try IncrementalLane(frame, settings: nil).render(frame))
        }
        func change(_ pictures: [[UInt8]]) -> Double {
            let pairs = zip(pictures[6], pictures[7])
            return Double(pairs.reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) })
        }
        #expect(change(bare) > 0)
        #expect(change(pictures) < change(bare) / 2, "seed \(random.seed)")
    }

    /// The same planes as before, but a mean that moves on, by less than the picture shows: an answer
    /// without rendering would stay behind.
    @Test func anExactAnswerWaitsForTheMean() throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 64, height: 64)
        var calm = Scene.calm(size, &random)
        var lane = try IncrementalLane(calm, settings: IncrementalSettings())
        var plain = try IncrementalLane(calm, settings: nil)
        func bothRender(_ scene: Scene) throws -> Bool {
            let picture = try lane.render(scene, allows: false)
            #expect(try plain.render(scene) == picture, "seed \(random.seed)")
            return lane.workspace.work.kind == .unchanged
        }
        // Some pictures go round in a circle of a few levels for good.
        var comesToRest = false
        for _ in 0..<100 where !comesToRest {
            calm = Scene.calm(size, &random)
            lane = try IncrementalLane(calm, settings: IncrementalSettings())
            plain = try IncrementalLane(calm, settings: nil)
            for _ in 0..<30 where !comesToRest { comesToRest = try bothRender(calm) }
        }
        try #require(comesToRest, "seed \(random.seed)")
        var exactAnswers = 0
        for channel in 0..<9 {
            // Up to the ninth frame the mean moves by a number of 255 each.
            var changed = calm
            changed.base[(20 * 64 + 20) * 3 + channel % 3] &+= 10 + UInt8(channel / 3)
            for scene in [changed, calm] {
                for _ in 0..<14 where try bothRender(scene) { exactAnswers += 1 }
            }
        }
        #expect(exactAnswers > 0, "seed \(random.seed)")
    }
}
