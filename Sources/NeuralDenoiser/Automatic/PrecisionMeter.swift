// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FrameTypes
import NeuralModel
import NeuralOps

/// Threads as those that will render, for timing frames on them.
package struct FrameTimer: Sendable {
    /// Nanoseconds that one frame's steps took.
    package var time: @Sendable (any FrameWorkspace, FrameRequest) throws -> UInt64
    /// Ends the threads.
    package var end: @Sendable () -> Void

    package init(
        time: @escaping @Sendable (any FrameWorkspace, FrameRequest) throws -> UInt64,
        end: @escaping @Sendable () -> Void
    ) {
        self.time = time
        self.end = end
    }
}

/// Finds the fastest of the precisions that a model's figures allow, by rendering frames at each of
/// them, and remembers what it found. Blocks: never on the event loop.
package struct PrecisionMeter: Sendable {
    /// What is to be said at debug level: why nothing was remembered, or could not be.
    package typealias Note = String

    let threads: Int
    let version: String
    /// nil: nothing is remembered.
    let memory: PrecisionMemory?
    /// nil: nothing is timed; what is remembered holds.
    let makeTimer: (@Sendable () throws -> FrameTimer)?
    /// Nanoseconds for everything beyond loading one model.
    let limit: UInt64
    /// As engines usually ask for. Smaller frames would favour other precisions: what the coarse levels
    /// cost a pixel depends on the size.
    var size = FrameSize(width: 512, height: 512)
    var mostRounds = 6

    package init(
        threads: Int, version: String, memory: PrecisionMemory?, limit: UInt64 = 1_000_000_000,
        makeTimer: (@Sendable () throws -> FrameTimer)?
    ) {
        self.threads = threads
        self.version = version
        self.memory = memory
        self.limit = limit
        self.makeTimer = makeTimer
    }

    /// A compact model at the precision that is the fastest here.
    func load(
        _ source: ModelSource, kernelPath: KernelPath
    ) throws(ModelError) -> (CompactModel, PrecisionReason, [Note]) {
        let manifest = try CompactModel.manifest(in: source.path)
        let allowed = manifest.precisions.goodEnough.filter {
            $0 != .int8 || manifest.hasCalibration
        }
        guard allowed.count > 1, kernelPath.isSupported else {
            return (
                try CompactModel(source, kernelPath: kernelPath, choosing: .automatic), .only, []
            )
        }
        let key = key(source, kernelPath, allowed)
        let usual = manifest.precisions.automatic(fastestFirst: kernelPath.precisionsBySpeed)
        var notes: [Note] = []
        if let key, let memory {
            do throws(PrecisionMemory.Miss) {
                let times = Self.takenFirst(
                    try memory.times(of: key, precisions: allowed, now: Self.secondsNow),
                    usual: usual)
                let model = try? CompactModel(
                    source, kernelPath: kernelPath, choosing: .exactly(times[0].precision))
                if let model { return (model, .remembered(times), []) }
            } catch {
                notes.append("precision is not remembered: \(error.reason)")
            }
        }
        let ruled = try CompactModel(source, kernelPath: kernelPath, choosing: .automatic)
        guard let makeTimer else { return (ruled, .assumed("nothing is timed"), notes) }
        do throws(Refusal) {
            let (model, times) = try measured(ruled, allowed, source, makeTimer)
            if let key, let memory {
                do throws(PrecisionMemory.Miss) {
                    try memory.remember(times, of: key, now: Self.secondsNow)
                } catch {
                    notes.append("precision is not remembered: \(error.reason)")
                }
            }
            return (model, .measured(times), notes)
        } catch {
            return (ruled, .assumed(error.reason), notes)
        }
    }

    // MARK: Timing

    private struct Refusal: Error {
        var reason: String
    }

    /// One of the precisions, ready to render.
    private struct Candidate {
        let model: CompactModel
        let workspace: any FrameWorkspace
        var frames: MeteredFrames
        /// Nanoseconds.
        var shortest = UInt64.max

        init(_ model: CompactModel, size: FrameSize) throws {
            self.model = model
            workspace = try model.makeWorkspace(for: size, at: .full)
            frames = try MeteredFrames(model, size: size)
        }

        /// The first frame of a turn brings the model into the caches, where a session's would be.
        mutating func takeTurn(counting count: Int, _ timer: FrameTimer) throws {
            _ = try timer.time(workspace, frames.next())
            for _ in 0..<count {
                shortest = min(shortest, try timer.time(workspace, frames.next()))
            }
        }

        var time: PrecisionTime {
            PrecisionTime(model.precision, milliseconds: Double(shortest / 1000) / 1000)
        }
    }

    /// In turns, so that whatever else the machine does meanwhile holds up all of them; of each the
    /// shortest frame counts.
    private func measured(
        _ ruled: CompactModel, _ allowed: [Precision], _ source: ModelSource,
        _ makeTimer: @Sendable () throws -> FrameTimer
    ) throws(Refusal) -> (CompactModel, [PrecisionTime]) {
        let end = monotonicNow() + limit
        do {
            let timer = try makeTimer()
            defer { timer.end() }
            var candidates = [try Candidate(ruled, size: size)]
            for precision in allowed where precision != ruled.precision {
                try Self.check(end)
                let model = try CompactModel(
                    source, kernelPath: ruled.kernelPath, choosing: .exactly(precision))
                candidates.append(try Candidate(model, size: size))
            }
            var longestRound: UInt64 = 0
            for round in 0..<mostRounds {
                let start = monotonicNow()
                if round > 0, start + longestRound > end { break }
                for index in candidates.indices {
                    if round == 0 { try Self.check(end) }
                    try candidates[index].takeTurn(counting: round == 0 ? 1 : 2, timer)
                }
                // The first round has a frame less of each.
                longestRound = max(
                    longestRound, (monotonicNow() - start) * (round == 0 ? 3 : 2) / 2)
            }
            let times = Self.takenFirst(candidates.map(\.time), usual: ruled.precision)
            let taken = candidates.first { $0.model.precision == times[0].precision }
            return (taken?.model ?? ruled, times)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(reason: "\(error)")
        }
    }

    private static func check(_ end: UInt64) throws(Refusal) {
        guard monotonicNow() < end else { throw Refusal(reason: "the time for timing was over") }
    }

    /// What another precision takes at most of the usual one's time to be taken in its place: of two
    /// that are as fast as each other the same is taken each time, and sessions that go on with another
    /// daemon keep their pictures.
    static let leastGain = 0.92

    /// The one that is taken, then the others, the fastest first.
    static func takenFirst(_ times: [PrecisionTime], usual: Precision) -> [PrecisionTime] {
        var sorted = times.sorted { $0.milliseconds < $1.milliseconds }
        if let place = sorted.firstIndex(where: { $0.precision == usual }),
            sorted[0].milliseconds > Self.leastGain * sorted[place].milliseconds
        {
            sorted.insert(sorted.remove(at: place), at: 0)
        }
        return sorted
    }

    // MARK: What it holds for

    private func key(
        _ source: ModelSource, _ kernelPath: KernelPath, _ precisions: [Precision]
    ) -> PrecisionKey? {
        guard let manifest = try? FileBytes.read("\(source.path)/model.json", limit: 1 << 20),
            let digest = FileDigest.sha256(manifest)
        else { return nil }
        return PrecisionKey(
            model: digest, processor: Processor.name,
            kernels: precisions.map(kernelPath.name(at:)).joined(separator: " "),
            threads: threads, version: version)
    }

    private static var secondsNow: Int { wallClockSeconds() }
}
