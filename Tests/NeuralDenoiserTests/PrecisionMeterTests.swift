// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// A folder that is removed in the end.
private final class CacheFolder {
    let path = NSTemporaryDirectory() + "frameloom-cache-\(UInt64.random(in: 0 ... .max))"

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
}

@Suite struct PrecisionMemoryTests {
    private let folder = CacheFolder()
    private let key = PrecisionKey(
        model: "0123", processor: "Some \"processor\" \\ 2", kernels: "a-fp32 b-int8", threads: 2,
        version: "1")
    private let times = [
        PrecisionTime(.int8, milliseconds: 7.25), PrecisionTime(.fp32, milliseconds: 9),
    ]
    private let now = 1_800_000_000

    private var memory: PrecisionMemory { PrecisionMemory(folder: folder.path + "/deep/er") }

    private func found(_ key: PrecisionKey, now: Int? = nil) throws -> [PrecisionTime] {
        try memory.times(of: key, precisions: [.int8, .fp32], now: now ?? self.now)
    }

    @Test func whatWasMeasuredIsReadAgain() throws {
        #expect(throws: PrecisionMemory.Miss.self) { try found(key) }
        try memory.remember(times, of: key, now: now)
        #expect(try found(key) == times)
        #expect(try found(key, now: now + 29 * 86_400) == times)
        let other = [
            PrecisionTime(.int8, milliseconds: 12), PrecisionTime(.fp32, milliseconds: 3.5),
        ]
        try memory.remember(other, of: key, now: now)
        #expect(try found(key) == other)
        let files = try FileManager.default.contentsOfDirectory(atPath: memory.folder)
        #expect(files.count == 1, "nothing half-written is left")
    }

    @Test func anotherModelProcessorPathThreadCountOrVersionIsMeasuredAnew() throws {
        try memory.remember(times, of: key, now: now)
        for change: (inout PrecisionKey) -> Void in [
            { $0.model = "0124" }, { $0.processor = "Another" }, { $0.kernels = "a-fp32" },
            { $0.threads = 3 }, { $0.version = "2" },
        ] {
            var other = key
            change(&other)
            #expect(throws: PrecisionMemory.Miss.self) { try found(other) }
            // Even in the place of its own file.
            let from = try #require(memory.path(of: key)), to = try #require(memory.path(of: other))
            try FileManager.default.copyItem(atPath: from, toPath: to)
            #expect(throws: PrecisionMemory.Miss.self) { try found(other) }
        }
    }

    @Test func whatIsOldOrOfTheFutureIsMeasuredAnew() throws {
        try memory.remember(times, of: key, now: now)
        for time in [now + 31 * 86_400, now - 2 * 86_400] {
            #expect(throws: PrecisionMemory.Miss.self) { try found(key, now: time) }
        }
    }

    @Test func damagedFilesAreNeverTrusted() throws {
        try memory.remember(times, of: key, now: now)
        let path = try #require(memory.path(of: key))
        let sound = try String(contentsOfFile: path, encoding: .utf8)
        for text in [
            "", "{", "null", "[]", String(sound.dropLast(40)), sound + "}",
            sound.replacing("7.25", with: "-1"), sound.replacing("7.25", with: "1e999"),
            sound.replacing("7.25", with: "\"7.25\""),
            sound.replacing("\"int8\"", with: "\"int9\""),
            sound.replacing("7.25", with: "0"),
            sound.replacing(PrecisionMemory.format, with: "frameloom-precision-0"),
            sound.replacing("\(now)", with: "\"yesterday\""),
            String(repeating: " ", count: 70_000) + sound,
        ] {
            try Data(text.utf8).write(to: URL(filePath: path))
            #expect(throws: PrecisionMemory.Miss.self, "\(text.prefix(200))") { try found(key) }
        }
        try Data(sound.utf8).write(to: URL(filePath: path))
        #expect(try found(key) == times)
    }

    @Test func filesOfOthersAreNeverTrusted() throws {
        try memory.remember(times, of: key, now: now)
        let path = try #require(memory.path(of: key))
        #expect(chmod(path, 0o666) == 0)
        #expect(throws: PrecisionMemory.Miss.self) { try found(key) }
        #expect(chmod(path, 0o600) == 0)
        #expect(try found(key) == times)
        let moved = path + ".moved"
        try FileManager.default.moveItem(atPath: path, toPath: moved)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: moved)
        #expect(throws: PrecisionMemory.Miss.self) { try found(key) }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(throws: PrecisionMemory.Miss.self) { try found(key) }
        // Nor can it be replaced then, which is told and no more.
        #expect(throws: PrecisionMemory.Miss.self) {
            try memory.remember(times, of: key, now: now)
        }
    }
}

@Suite struct PrecisionMeterTests {
    private let folder = CacheFolder()

    /// - Parameter times: whether it finds threads to time on.
    private func meter(limit: UInt64 = 120_000_000_000, times: Bool = true) -> PrecisionMeter {
        var meter = PrecisionMeter(
            threads: 1, version: "test", memory: PrecisionMemory(folder: folder.path),
            limit: limit,
            makeTimer: {
                guard times else { throw MemoryRefusal(byteCount: 1) }
                let memory = WorkerMemory()
                return FrameTimer(
                    time: { workspace, request in
                        RenderThread.prepare()
                        let start = monotonicNow()
                        try workspace.begin(request)
                        for step in workspace.steps where step.isIdle?() != true {
                            for tile in 0..<step.tileCount { step.runTile(tile, memory) }
                        }
                        workspace.finish()
                        return monotonicNow() - start
                    }, end: {})
            })
        meter.size = FrameSize(width: 96, height: 64)
        meter.mostRounds = 2
        return meter
    }

    private func load(_ path: KernelPath, _ meter: PrecisionMeter) throws -> Denoiser {
        try Denoiser(
            modelFolder: PackageFolder.defaultModel, kernelPath: path, choosing: .automatic,
            measuring: meter)
    }

    @Test(arguments: supportedPaths)
    func theFastestOfThosePreciseEnoughIsTakenAndRemembered(path: KernelPath) throws {
        let allowed = try CompactModel.manifest(in: PackageFolder.defaultModel).precisions
            .goodEnough
        let first = try load(path, meter())
        guard case .measured(let times) = first.description.precisionReason else {
            Issue.record("\(first.description.precisionReason)")
            return
        }
        #expect(Set(times.map(\.precision)) == Set(allowed) && times.count == allowed.count)
        let usual = try Denoiser(
            modelFolder: PackageFolder.defaultModel, kernelPath: path, choosing: .automatic)
        let least = times.map(\.milliseconds).min() ?? 0
        #expect(
            times[0].milliseconds == least
                || times[0].precision.rawValue == usual.description.precision
                    && PrecisionMeter.leastGain * times[0].milliseconds < least
        )
        #expect(first.description.precision == times[0].precision.rawValue)
        #expect(first.description.kernelPath == path.name(at: times[0].precision))
        #expect(first.notes.count == 1, "said at debug level: \(first.notes)")

        // Nothing is timed again.
        let second = try load(path, meter(times: false))
        #expect(second.description.precisionReason == .remembered(times))
        #expect(second.description.precision == first.description.precision)
        #expect(second.notes.isEmpty)
    }

    @Test func ofTwoThatAreAsFastTheUsualOneIsTaken() {
        func taken(_ bf16: Double, _ int8: Double) -> [NeuralOps.Precision] {
            PrecisionMeter.takenFirst(
                [
                    PrecisionTime(.fp32, milliseconds: 20),
                    PrecisionTime(.int8, milliseconds: int8),
                    PrecisionTime(.bf16, milliseconds: bf16),
                ], usual: .bf16
            ).map(\.precision)
        }
        #expect(taken(13, 14) == [.bf16, .int8, .fp32])
        #expect(taken(14, 13.5) == [.bf16, .int8, .fp32])
        #expect(taken(14, 12.5) == [.int8, .bf16, .fp32])
        #expect(taken(30, 25) == [.fp32, .int8, .bf16])
    }

    @Test func whenTheTimeIsOverTheInstructionsDecide() throws {
        let ruled = try Denoiser(
            modelFolder: PackageFolder.defaultModel, kernelPath: nil, choosing: .automatic)
        for meter in [meter(limit: 0), meter(times: false)] {
            let found = try load(.best, meter)
            guard case .assumed = found.description.precisionReason else {
                Issue.record("\(found.description.precisionReason)")
                continue
            }
            #expect(found.description.precision == ruled.description.precision)
        }
        #expect(folder.files.isEmpty, "what was not measured is not remembered")
    }

    @Test func anExplicitPrecisionIsNotMeasured() throws {
        for precision in NeuralOps.Precision.allCases {
            let found = try Denoiser(
                modelFolder: PackageFolder.defaultModel, kernelPath: nil,
                choosing: .exactly(precision), measuring: meter())
            #expect(found.description.precision == precision.rawValue)
            #expect(found.description.precisionReason == .stated)
        }
        #expect(folder.files.isEmpty)
    }

    @Test func aModelWithoutFiguresIsServedInFP32() throws {
        let folder = ModelFolder()
        try folder.write()
        defer { folder.remove() }
        let found = try Denoiser(
            modelFolder: folder.path, kernelPath: nil, choosing: .automatic, measuring: meter())
        #expect(found.description.precision == "fp32")
        #expect(found.description.precisionReason == .only)
    }

    @Test func reasonsFitIntoTheReplyAndAreASCII() {
        let times = NeuralOps.Precision.allCases.map {
            PrecisionTime($0, milliseconds: 123_456.78)
        }
        for reason in [
            PrecisionReason.stated, .only, .measured(times), .remembered(times),
            .assumed("the time for timing was over"), .assumed(String(repeating: "x", count: 999)),
        ] {
            #expect(
                reason.description.utf8.count <= 95
                    && reason.description.utf8.allSatisfy { $0 < 127 })
        }
        #expect(
            PrecisionReason.measured([PrecisionTime(.bf16, milliseconds: 17.94)]).description
                == "measured: bf16 17.9 ms a frame")
    }
}
