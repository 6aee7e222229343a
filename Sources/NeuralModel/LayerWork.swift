// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// What one layer of the compact network costs by the plain algorithm, however it is computed.
package struct LayerWork: Sendable, Hashable {
    /// As in the weights file.
    package var name: String
    /// Of the model's layer, whole.
    package var multiplyAdds: Int
    /// Of the channels that are computed: see `HiddenChannels`.
    package var multiplyAddsDone: Int
    /// Numbers that it reads and writes once each: input, residual and output, as computed.
    package var valueCount: Int
    /// Those that are read.
    package var weightCount: Int

    /// - Parameter multiplyAddsDone: nil: all of them.
    package init(
        name: String, multiplyAdds: Int, multiplyAddsDone: Int? = nil, valueCount: Int,
        weightCount: Int
    ) {
        self.name = name
        self.multiplyAdds = multiplyAdds
        self.multiplyAddsDone = multiplyAddsDone ?? multiplyAdds
        self.valueCount = valueCount
        self.weightCount = weightCount
    }
}

extension ModelManifest {
    /// The layers in the order of computing, for frames of this size in pixels.
    /// - Parameter hiddenCounts: channels inside residual blocks, by the block's name; all of them
    ///   where a block is not named.
    package func layerWork(
        for size: FrameSize, hiddenCounts: [String: Int] = [:]
    ) -> [LayerWork] {
        let padded = size.padded(to: sizeMultiple)
        let (cellsX, cellsY) = (padded.width / 4, padded.height / 4)
        let last = channels.count - 1
        func layer(
            _ name: String, _ input: Int, _ output: Int, whole: Int? = nil, side: Int, level: Int,
            inputLevel: Int? = nil, residualLevel: Int? = nil
        ) -> LayerWork {
            func cells(_ level: Int) -> Int { (cellsX >> level) * (cellsY >> level) }
            let weights = input * output * side * side
            return LayerWork(
                name: name,
                multiplyAdds: cells(level) * (whole.map { $0 * $0 * side * side } ?? weights),
                multiplyAddsDone: cells(level) * weights,
                valueCount: cells(inputLevel ?? level) * input + cells(level) * output
                    + (residualLevel.map { cells($0) * output } ?? 0),
                weightCount: weights)
        }
        func blocks(_ part: String, _ level: Int) -> [LayerWork] {
            (0..<self.blocks[level]).flatMap { index in
                let (name, width) = ("\(part).\(level).\(index)", channels[level])
                let hidden = hiddenCounts[name] ?? width
                return [
                    layer("\(name).conv1", width, hidden, whole: width, side: 3, level: level),
                    layer(
                        "\(name).conv2", hidden, width, whole: width, side: 3, level: level,
                        residualLevel: level),
                ]
            }
        }
        var work = [layer("stem", pixels.inputChannels, channels[0], side: 1, level: 0)]
        for level in 0...last {
            if level > 0 {
                work.append(
                    layer(
                        "down.\(level - 1)", channels[level - 1], channels[level], side: 2,
                        level: level, inputLevel: level - 1))
            }
            work += blocks("encoder", level)
        }
        for level in (0..<last).reversed() {
            let width = channels[level]
            work.append(layer("up.\(level)", channels[level + 1], width, side: 1, level: level + 1))
            work.append(
                layer(
                    "skip.\(level)", width, width, side: 1, level: level, residualLevel: level + 1))
            work += blocks("decoder", level)
        }
        work.append(layer("head", channels[0], pixels.outputChannels, side: 3, level: 0))
        return work
    }
}
