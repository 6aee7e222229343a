// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport

@testable import NeuralOps

extension LayerGraph {
    /// Runs it on memory full of NaN: a border that is not cleared or a float that is not written shows
    /// in every sum.
    func run(
        _ inputs: [(Value, [Float])], _ results: [Value], by runner: StepRunner = .forwards
    ) -> [[Float]] {
        var graph = self
        for (input, _) in inputs { graph.read(input) }
        for result in results { graph.read(result) }
        let plan = LayerPlan(graph)
        let arena = Arena(byteCount: plan.byteCount)
        arena.base.update(repeating: .nan, count: plan.byteCount / 4)
        for (input, values) in inputs { plan.fill(input, with: values, in: arena) }
        runner.run(plan.steps(in: arena))
        return results.map { plan.copy(of: $0, in: arena) ?? [] }
    }
}
