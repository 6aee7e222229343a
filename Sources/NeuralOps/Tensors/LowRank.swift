// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// Sums of a low-rank adapter and the weights that it belongs to.
package enum LowRank {
    /// weight[o, i] += scale * sum(r) up[o, r] * down[r, i].
    package static func add(
        to weight: inout [Float], up: [Float], down: [Float], rank: Int, scale: Float
    ) {
        guard rank > 0, !weight.isEmpty else { return }
        let outputs = up.count / rank
        let inputs = down.count / rank
        precondition(
            up.count == outputs * rank && down.count == inputs * rank
                && weight.count == outputs * inputs, "an adapter of another shape")
        k_add_low_rank(&weight, up, down, outputs, inputs, rank, scale)
    }
}
