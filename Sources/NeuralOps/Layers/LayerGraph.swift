// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// A network written down layer by layer, before there is memory for it.
///
/// Each value may be kept in several forms: as it is or as its ReLU, in floats or integers, as its
/// readers ask for. The graph knows who reads what when, so that values whose times do not meet
/// share memory.
package struct LayerGraph: Sendable {
    /// What a layer hands on.
    package struct Value: Sendable, Hashable {
        let index: Int
    }

    /// Plain floats that other ops use beside the layers.
    package struct Scratch: Sendable, Hashable {
        let index: Int
    }

    /// One form of a value: when it is in use.
    struct Use: Sendable {
        var time: ClosedRange<Int>
        /// Zeros around it: a 3x3 convolution reads it.
        var border = 0
    }

    struct Node: Sendable {
        var name: String
        var shape: ActivationShape
        /// What its integers mean.
        var scale: ValueScale?
        var writtenAt: Int
        /// Another op writes it, as plain floats; layers turn them into what they read.
        var isInput = false
        /// Never in memory as a whole: it goes from its writer to its reader band by band.
        var isBanded = false
        /// Per form; nil: nobody reads it.
        var uses: [Use?] = Array(repeating: nil, count: ValueForm.allCases.count)
    }

    struct Layer: Sendable {
        var convolution: Convolution
        var input: Value
        var inputForm: ValueForm
        /// What is read is plain, and its ReLU taken on the way.
        var readsReLU: Bool
        var residual: Value?
        var output: Value
    }

    enum Operation: Sendable {
        case convolution(Layer)
        /// From plain floats.
        case conversion(Value, to: ValueForm)
        /// Of an input in plain floats, which are turned into what the layer reads band by band.
        case converting(Layer)
        /// The op that writes its input or reads its output runs it, band by band.
        case banded(Layer)
    }

    struct ScratchNode: Sendable {
        var floatCount: Int
        var time: ClosedRange<Int>
    }

    /// How values are kept that are added later.
    let residualForm: ValueForm
    private(set) var nodes: [Node] = []
    private(set) var operations: [Operation] = []
    private(set) var scratches: [ScratchNode] = []
    private(set) var now = 0

    package init(precision: Precision = .fp32) {
        residualForm =
            switch precision {
            case .fp32: .plain
            case .bf16: .plainBF16
            case .int8: .plainS16
            }
    }

    /// A value that another op writes now.
    package mutating func input(
        _ name: String, _ shape: ActivationShape, scale: ValueScale? = nil
    ) -> Value {
        nodes.append(
            Node(name: name, shape: shape, scale: scale, writtenAt: now, isInput: true))
        let value = Value(index: nodes.count - 1)
        use(value, .plain)
        return value
    }

    /// A value that another op writes now, a part of a row at a time, and that is never in memory as a
    /// whole: its one reader, a 1x1 convolution, runs on each part while it is in the cache.
    package mutating func bandedInput(
        _ name: String, _ shape: ActivationShape, scale: ValueScale? = nil
    ) -> Value {
        nodes.append(
            Node(name: name, shape: shape, scale: scale, writtenAt: now, isBanded: true))
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

    /// Another op reads the value, as it is in floats, now.
    package mutating func read(_ value: Value) {
        precondition(!nodes[value.index].isBanded, "a band is in memory for one reader only")
        use(value, .plain)
    }

    /// Ends one step of time; layers do this by themselves.
    package mutating func advance() { now += 1 }

    /// `convolution(relu ? max(input, 0) : input) + residual`. A residual of half the size is
    /// repeated 2x2.
    /// - Parameter inBands: another op reads the result, a part of a row at a time, as plain floats; it
    ///   is never in memory as a whole. Not for convolutions that make several rows at once.
    package mutating func convolve(
        _ convolution: Convolution, _ input: Value, relu: Bool = false,
        adding residual: Value? = nil, inBands: Bool = false
    ) -> Value {
        let shape = nodes[input.index].shape
        precondition(
            shape.channels == convolution.inputChannels, "\(convolution.name): other channels")
        let stride = convolution.kernel.stride
        precondition(shape.height % stride == 0 && shape.width % stride == 0)
        let result = ActivationShape(
            height: shape.height / stride, width: shape.width / stride,
            channels: convolution.outputChannels)
        // Winograd's kernels take the ReLU as they read: one form less to write and to keep.
        let readsReLU = relu && convolution.isWinograd
        guard let form = convolution.arithmetic.form(relu: relu && !readsReLU) else {
            preconditionFailure("\(convolution.name): a form that its arithmetic cannot read")
        }
        precondition(
            !convolution.arithmetic.isInteger
                || convolution.inputScale === nodes[input.index].scale,
            "\(convolution.name): integers of another meaning")
        precondition(!inBands || !convolution.isWinograd, "\(convolution.name): makes whole blocks")
        let readsBand = nodes[input.index].isBanded
        let converts =
            nodes[input.index].isInput && form != .plain && convolution.kernel == .one
            && nodes[input.index].uses[form.rawValue] == nil && !inBands
            && shape.width * shape.paddedChannels * form.byteCount <= WorkerMemory.byteCount
        if converts {
            use(input, .plain)
        } else if readsBand {
            precondition(
                convolution.kernel == .one && residual == nil && !inBands
                    && bandedLayer(at: input) == nil,
                "\(convolution.name): reads more of a band than there is")
        } else {
            convert(input, to: form)
            use(input, form, border: convolution.kernel == .three ? 1 : 0)
        }
        if let residual {
            let added = nodes[residual.index].shape
            let isSame = added == result
            let isHalf =
                added.channels == result.channels && added.height * 2 == result.height
                && added.width * 2 == result.width
            precondition(isSame || isHalf, "\(convolution.name): a residual of another shape")
            use(residual, residualForm)
        }
        nodes.append(
            Node(
                name: convolution.name, shape: result, scale: convolution.outputScale,
                writtenAt: readsBand ? nodes[input.index].writtenAt : now, isBanded: inBands))
        let output = Value(index: nodes.count - 1)
        let layer = Layer(
            convolution: convolution, input: input, inputForm: form, readsReLU: readsReLU,
            residual: residual, output: output)
        operations.append(
            converts
                ? .converting(layer) : readsBand || inBands ? .banded(layer) : .convolution(layer))
        advance()
        return output
    }

    package func isBanded(_ value: Value) -> Bool { nodes[value.index].isBanded }

    /// The layer that reads or writes a value band by band.
    func bandedLayer(at value: Value) -> Layer? {
        for case .banded(let layer) in operations
        where layer.input == value || layer.output == value {
            return layer
        }
        return nil
    }

    /// Values in a row of the network's finest level.
    var finestWidth: Int { nodes.reduce(0) { max($0, $1.shape.width) } }

    package func shape(of value: Value) -> ActivationShape { nodes[value.index].shape }

    private mutating func use(_ value: Value, _ form: ValueForm, border: Int = 0) {
        let known = nodes[value.index].uses[form.rawValue]
        let start = known?.time.lowerBound ?? nodes[value.index].writtenAt
        nodes[value.index].uses[form.rawValue] = Use(
            time: start...now, border: max(border, known?.border ?? 0))
    }

    /// Inputs come as floats: what else is read of them is made now.
    private mutating func convert(_ value: Value, to form: ValueForm) {
        let node = nodes[value.index]
        guard node.isInput, node.uses[form.rawValue] == nil else { return }
        use(value, .plain)
        nodes[value.index].uses[form.rawValue] = Use(time: now...now)
        operations.append(.conversion(value, to: form))
        advance()
    }
}
