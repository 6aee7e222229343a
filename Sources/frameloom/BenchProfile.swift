// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralDenoiser

/// Puts names and amounts of work to a frame's step times.
struct BenchProfile {
    let steps: [RenderStep]
    let work: [LayerWork]
    /// Bytes of a number between layers and of a weight.
    let bytesPerValue: Int
    /// Operations a second; nil where it was not measured.
    let ceiling: Double?

    /// - Parameter times: each step's over `frames` frames.
    func table(times: [StepTime], frames: Int) -> [BenchStep] {
        var names: [String] = []
        var totals: [String: UInt64] = [:]
        var tiles: [String: Int] = [:]
        var counts: [String: Int] = [:]
        var longest: [String: UInt64] = [:]
        var longestAtBest: [String: UInt64] = [:]
        for (step, time) in zip(steps, times) where time.longest > 0 {
            if totals[step.name] == nil { names.append(step.name) }
            totals[step.name, default: 0] += time.sum
            tiles[step.name, default: 0] += step.tileCount
            counts[step.name, default: 0] += 1
            longest[step.name] = max(longest[step.name] ?? 0, time.longest)
            longestAtBest[step.name] = max(longestAtBest[step.name] ?? 0, time.shortest)
        }
        return names.map { name in
            let seconds = Double(totals[name] ?? 0) / (1e9 * Double(max(frames, 1)))
            var step = BenchStep(
                name: name, ms: seconds * 1e3, longestMs: Double(longest[name] ?? 0) / 1e6,
                longestAtBestMs: Double(longestAtBest[name] ?? 0) / 1e6)
            step.tiles = tiles[name] ?? 0
            step.steps = counts[name] ?? 0
            let layers = layers(in: name)
            guard !layers.isEmpty, seconds > 0 else { return step }
            let operations = layers.reduce(0) { $0 + 2 * Double($1.multiplyAddsDone) }
            let values = layers.reduce(0) { $0 + $1.valueCount + $1.weightCount }
            step.gflops = operations / seconds / 1e9
            step.gbPerSecond = Double(values * bytesPerValue) / seconds / 1e9
            step.ceilingShare = ceiling.map { operations / seconds / $0 }
            return step
        }
    }

    /// A fused step names the layers that it computes with "+" between them.
    private func layers(in name: String) -> [LayerWork] {
        let parts = name.split { $0 == "+" || $0 == " " }
        return work.filter { layer in parts.contains { $0 == layer.name } }
    }
}
