// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What one layer of the compact network costs by the plain algorithm, however it is computed.
package struct LayerWork: Sendable, Hashable {
    /// As in the weights file.
    package var name: String
    package var multiplyAdds: Int
    /// Numbers that it reads and writes once each: input, residual and output.
    package var valueCount: Int
    package var weightCount: Int

    package init(name: String, multiplyAdds: Int, valueCount: Int, weightCount: Int) {
        self.name = name
        self.multiplyAdds = multiplyAdds
        self.valueCount = valueCount
        self.weightCount = weightCount
    }
}

extension ModelManifest {
    /// The layers in the order of computing, for frames of this size in pixels.
    package func layerWork(width: Int, height: Int) -> [LayerWork] {
        let multiple = sizeMultiple
        let cellsX = (width + multiple - 1) / multiple * multiple / 4
        let cellsY = (height + multiple - 1) / multiple * multiple / 4
        let last = channels.count - 1
        func layer(
            _ name: String, _ input: Int, _ output: Int, side: Int, level: Int,
            inputLevel: Int? = nil, residualLevel: Int? = nil
        ) -> LayerWork {
            func cells(_ level: Int) -> Int { (cellsX >> level) * (cellsY >> level) }
            let weights = input * output * side * side
            return LayerWork(
                name: name, multiplyAdds: cells(level) * weights,
                valueCount: cells(inputLevel ?? level) * input + cells(level) * output
                    + (residualLevel.map { cells($0) * output } ?? 0),
                weightCount: weights)
        }
        func blocks(_ part: String, _ level: Int) -> [LayerWork] {
            (0..<self.blocks[level]).flatMap { index in
                let (name, width) = ("\(part).\(level).\(index)", channels[level])
                return [
                    layer("\(name).conv1", width, width, side: 3, level: level),
                    layer(
                        "\(name).conv2", width, width, side: 3, level: level, residualLevel: level),
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
