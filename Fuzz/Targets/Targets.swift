// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Inputs from outside, each with what reads it. A target returns whatever it is given; only a trap, a
/// hang, an error of a sanitizer or a broken invariant (`precondition`) is a finding.
let targets: [String: @Sendable ([UInt8]) -> Void] = [
    "protocol": { ProtocolTarget.run($0) },
    "shared-memory": { SharedMemoryTarget.run($0) },
    "control": { ControlTarget.run($0) },
    "safetensors": { ModelTargets.safetensors($0) },
    "lora": { ModelTargets.adapter($0) },
    "model-json": { ModelTargets.manifest($0) },
    "pictures": { ClipTargets.picture($0) },
    "camera": { ClipTargets.camera($0) },
    "toml": { ConfigurationTarget.run($0) },
]
