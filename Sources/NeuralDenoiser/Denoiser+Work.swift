// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

package typealias Ceiling = NeuralOps.Ceiling
package typealias PrecisionChoice = NeuralModel.PrecisionChoice
package typealias LayerWork = NeuralModel.LayerWork

extension Denoiser {
    /// What each layer costs for frames of this size, by the plain algorithm, and how much of it is
    /// done; empty where the model is not compact.
    package func layerWork(for size: FrameSize) -> [LayerWork] {
        model.timedNetwork.map {
            $0.manifest.layerWork(
                for: size, hiddenCounts: $0.network.hiddenCounts)
        } ?? []
    }

    /// What this processor could do for this compact model if memory cost nothing; nil where it
    /// has no instruction for such products.
    package var ceiling: Ceiling? {
        model.timedNetwork.flatMap { Ceiling(path: $0.kernelPath, precision: $0.precision) }
    }
}
