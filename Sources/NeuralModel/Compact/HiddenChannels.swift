// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// The channels of a residual block's hidden value, relu(conv1(relu(x))), that are computed.
///
/// Training leaves many of them below zero wherever the model looks: their ReLU gives zeros, which
/// conv2 multiplies for nothing. Where there is a calibration, a network of int8 or bf16 knows which
/// and leaves them out of both convolutions; fp32 stays whole, as the judge of both.
///
/// Only channels that were never seen above zero are left out, however little others do. A threshold
/// would have to weigh what conv2 makes of a small value, for each model anew, and leave out what
/// pictures do show; zeros need no such judgement and are most of what there is to be saved: more
/// than a third of the shipped model's products.
struct HiddenChannels: Sendable, Equatable {
    /// In rising order; never empty.
    let kept: [Int]
    /// Of the whole block.
    let count: Int

    /// All of them.
    init(count: Int) {
        kept = Array(0..<count)
        self.count = count
    }

    /// - Parameter largest: the largest number of each channel's ReLU that was seen. Where all are
    ///   0 the first channel stays: a convolution has at least one.
    init(largest: [Float]) {
        let active = largest.indices.filter { largest[$0] > 0 }
        kept = active.isEmpty ? [0] : active
        count = largest.count
    }

    /// conv1's weight `[count, inputs, k, k]` or bias `[count]` without the others' outputs.
    func outputs(of tensor: [Float]) -> [Float] {
        if kept.count == count { return tensor }
        let size = tensor.count / count
        return kept.flatMap { tensor[$0 * size..<($0 + 1) * size] }
    }

    /// conv2's weight `[outputs, count, k, k]` without the others' inputs.
    func inputs(of weight: [Float], taps: Int) -> [Float] {
        if kept.count == count { return weight }
        let outputCount = weight.count / (count * taps)
        return (0..<outputCount).flatMap { output in
            kept.flatMap { channel in
                let start = (output * count + channel) * taps
                return weight[start..<start + taps]
            }
        }
    }
}
