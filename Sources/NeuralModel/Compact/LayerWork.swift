// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralOps

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
    /// The layers in the order of computing, for frames of this size.
    /// - Parameter hiddenCounts: channels inside residual blocks, by the block's name; all of them
    ///   where a block is not named.
    package func layerWork(
        for size: FrameSize, hiddenCounts: [String: Int] = [:]
    ) -> [LayerWork] {
        /// A value between two layers.
        struct Value {
            var width, height: Int
            /// Those that are computed.
            var channels: Int
            var cells: Int { width * height }
        }
        let padded = size.padded(to: sizeMultiple)
        let features = Value(
            width: padded.width / 4, height: padded.height / 4, channels: pixels.inputChannels)
        var work: [LayerWork] = []
        _ = CompactTopology(self).walk(features) { layer, x, added in
            let stride = layer.kernel.stride
            var result = Value(
                width: x.width / stride, height: x.height / stride, channels: layer.outputs)
            if case .written(let block) = layer.hidden {
                result.channels = hiddenCounts[block] ?? layer.outputs
            }
            let taps = layer.kernel.rawValue * layer.kernel.rawValue
            let weights = x.channels * result.channels * taps
            work.append(
                LayerWork(
                    name: layer.name,
                    multiplyAdds: result.cells * layer.inputs * layer.outputs * taps,
                    multiplyAddsDone: result.cells * weights,
                    valueCount: x.cells * x.channels + result.cells * result.channels
                        + (added.map { $0.cells * $0.channels } ?? 0), weightCount: weights))
            return result
        }
        return work
    }
}
