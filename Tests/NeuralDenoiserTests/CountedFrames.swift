// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralDenoiser

extension FrameWorkspace {
    /// One whole frame on the calling thread, for tests that count allocations. Counted loops: an
    /// unoptimised iterator allocates.
    func render(_ request: FrameRequest, _ memory: WorkerMemory) throws {
        try begin(request)
        var step = 0
        while step < steps.count {
            var tile = 0
            while steps[step].isIdle?() != true, tile < steps[step].tileCount {
                steps[step].runTile(tile, memory)
                tile += 1
            }
            step += 1
        }
        finish()
    }
}
