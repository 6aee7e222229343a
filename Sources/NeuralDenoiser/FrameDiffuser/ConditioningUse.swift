// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel

/// What a framediffuser model says about the scales of its conditioning.
struct ConditioningUse: Sendable {
    private enum Adapter {
        case absent
        /// Added to the weights once, at the model's own scale.
        case merged
        /// Factors beside the weights, multiplied at every frame.
        case apart
    }

    /// The model's own, for sessions that ask for none.
    let controlScale, adapterScale: Float
    private let adapter: Adapter

    init(_ model: FrameDiffuserModel) {
        controlScale = model.manifest.controlScale
        adapterScale = model.manifest.adapterScale
        adapter =
            model.hasAdapterScale ? .apart : model.manifest.adapter == nil ? .absent : .merged
    }

    /// Refuses an adapter scale that nothing would be multiplied with. Allocates nothing.
    func check(_ scales: ConditioningScales) throws(DenoiserError) {
        let found = scales.adapterThousandths
        guard found != 0 else { return }
        switch adapter {
        case .absent: throw .noAdapter(found: found)
        case .merged: throw .mergedAdapter(found: found)
        case .apart: return
        }
    }
}

extension ConditioningScales {
    /// Of models without such scales.
    func checkAbsent(family: String) throws(DenoiserError) {
        guard controlThousandths == 0 else {
            throw .noScale(field: "control_scale", found: controlThousandths, family: family)
        }
        guard adapterThousandths == 0 else {
            throw .noScale(field: "adapter_scale", found: adapterThousandths, family: family)
        }
    }
}
