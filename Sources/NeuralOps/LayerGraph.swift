// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// A network written down layer by layer, before there is memory for it.
///
/// Each value may be kept as it is, as its ReLU, or as both: what its readers ask for. The graph
/// knows who reads what when, so that values whose times do not meet share memory.
package struct LayerGraph: Sendable {
    /// What a layer hands on.
    package struct Value: Sendable, Hashable {
        let index: Int
    }

    /// Plain floats that other ops use beside the layers.
    package struct Scratch: Sendable, Hashable {
        let index: Int
    }

    enum Form: Int, Sendable {
        case plain, relu
    }

    struct Node: Sendable {
        var name: String
        var shape: ActivationShape
        /// Zeros around it: a 3x3 convolution reads it.
        var border = 0
        var writtenAt: Int
        /// Last reader of each form; nil: nobody.
        var lastRead: [Int?] = [nil, nil]
    }

    struct Layer: Sendable {
        var convolution: Convolution
        var input: Value
        var inputForm: Form
        var residual: Value?
        var output: Value
    }

    struct ScratchNode: Sendable {
        var floatCount: Int
        var time: ClosedRange<Int>
    }

    private(set) var nodes: [Node] = []
    private(set) var layers: [Layer] = []
    private(set) var scratches: [ScratchNode] = []
    private var now = 0

    package init() {}

    /// A value that another op writes now.
    package mutating func input(_ name: String, _ shape: ActivationShape) -> Value {
        nodes.append(Node(name: name, shape: shape, writtenAt: now, lastRead: [now, nil]))
        return Value(index: nodes.count - 1)
    }

    /// Memory for another op, in use from now on.
    package mutating func scratch(floatCount: Int) -> Scratch {
        scratches.append(ScratchNode(floatCount: floatCount, time: now...now))
        return Scratch(index: scratches.count - 1)
    }

    /// The scratch memory is in use until now.
    package mutating func use(_ scratch: Scratch) {
        let start = scratches[scratch.index].time.lowerBound
        scratches[scratch.index].time = start...now
    }

    /// Another op reads the value, as it is, now.
    package mutating func read(_ value: Value) {
        nodes[value.index].lastRead[Form.plain.rawValue] = now
    }

    /// Ends one step of time; layers do this by themselves.
    package mutating func advance() { now += 1 }

    /// `convolution(relu ? max(input, 0) : input) + residual`. A residual of half the size is
    /// repeated 2x2.
    package mutating func convolve(
        _ convolution: Convolution, _ input: Value, relu: Bool = false,
        adding residual: Value? = nil
    ) -> Value {
        let shape = nodes[input.index].shape
        precondition(
            shape.channels == convolution.inputChannels, "\(convolution.name): other channels")
        let stride = convolution.kernel.stride
        precondition(shape.height % stride == 0 && shape.width % stride == 0)
        let result = ActivationShape(
            height: shape.height / stride, width: shape.width / stride,
            channels: convolution.outputChannels)
        let form: Form = relu ? .relu : .plain
        nodes[input.index].lastRead[form.rawValue] = now
        if convolution.kernel == .three { nodes[input.index].border = 1 }
        if let residual {
            let added = nodes[residual.index].shape
            let isSame = added == result
            let isHalf =
                added.channels == result.channels && added.height * 2 == result.height
                && added.width * 2 == result.width
            precondition(isSame || isHalf, "\(convolution.name): a residual of another shape")
            nodes[residual.index].lastRead[Form.plain.rawValue] = now
        }
        nodes.append(Node(name: convolution.name, shape: result, writtenAt: now))
        let output = Value(index: nodes.count - 1)
        layers.append(
            Layer(
                convolution: convolution, input: input, inputForm: form, residual: residual,
                output: output))
        advance()
        return output
    }

    package func shape(of value: Value) -> ActivationShape { nodes[value.index].shape }
}
