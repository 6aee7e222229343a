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
    var mostFrames = 12

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
        var notes: [Note] = []
        if let key, let memory {
            do throws(PrecisionMemory.Miss) {
                let times = Self.sorted(
                    try memory.times(of: key, precisions: allowed, now: Self.secondsNow))
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

    /// One after the other, so that at most two models and one frame's memory are there at a time; of
    /// each the shortest frame counts, which other programs held up least.
    private func measured(
        _ ruled: CompactModel, _ allowed: [Precision], _ source: ModelSource,
        _ makeTimer: @Sendable () throws -> FrameTimer
    ) throws(Refusal) -> (CompactModel, [PrecisionTime]) {
        let end = monotonicNow() + limit
        let timer: FrameTimer
        do { timer = try makeTimer() } catch { throw Refusal(reason: "\(error)") }
        defer { timer.end() }
        var times: [PrecisionTime] = []
        var best = ruled
        let order = [ruled.precision] + allowed.filter { $0 != ruled.precision }
        for (index, precision) in order.enumerated() {
            let model: CompactModel
            if precision == ruled.precision {
                model = ruled
            } else {
                guard
                    let loaded = try? CompactModel(
                        source, kernelPath: ruled.kernelPath, choosing: .exactly(precision))
                else { throw Refusal(reason: "\(precision.rawValue) could not be loaded") }
                model = loaded
            }
            let now = monotonicNow()
            guard now < end else { throw Refusal(reason: "the time for timing was over") }
            let share = (end - now) / UInt64(order.count - index)
            let time = try shortest(model, until: now + share, end: end, timer)
            times.append(PrecisionTime(precision, milliseconds: time))
            if times.allSatisfy({ $0.milliseconds >= time }) { best = model }
        }
        return (best, Self.sorted(times))
    }

    /// Milliseconds of a frame with history.
    private func shortest(
        _ model: CompactModel, until: UInt64, end: UInt64, _ timer: FrameTimer
    ) throws(Refusal) -> Double {
        do {
            let workspace = try model.makeWorkspace(for: size, at: .full)
            var frames = try MeteredFrames(model, size: size)
            // The first frame has no history, and brings weights and memory into the caches.
            _ = try timer.time(workspace, frames.next())
            var shortest = UInt64.max
            for count in 0..<mostFrames {
                let now = monotonicNow()
                if now >= (count == 0 ? end : until) { break }
                shortest = min(shortest, try timer.time(workspace, frames.next()))
            }
            guard shortest < .max else {
                throw Refusal(reason: "the time for timing was over")
            }
            return Double(shortest / 1000) / 1000
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(reason: "\(error)")
        }
    }

    private static func sorted(_ times: [PrecisionTime]) -> [PrecisionTime] {
        times.sorted { $0.milliseconds < $1.milliseconds }
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
