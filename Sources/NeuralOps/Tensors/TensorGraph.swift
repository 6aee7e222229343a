// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels

/// A diffusion network written down op by op, before there is memory for it. Values are
/// `[height, width, channels]`; the graph knows who reads what when, so that values whose times do
/// not meet share memory.
package struct TensorGraph: Sendable {
    package struct Value: Sendable, Hashable {
        let index: Int
        package let shape: ActivationShape
    }

    struct Node: Sendable {
        /// Memory of its own; nil: in the arena.
        var buffer: TensorBuffer?
        var time: ClosedRange<Int>
    }

    struct Op: Sendable {
        /// The work, once everybody has memory.
        var bind: @Sendable (TensorMemory) -> [OpStep]
        var part: String
    }

    package let kernelPath: KernelPath
    let kernels: TensorKernels
    /// Of the network that is being written: begins the names of its steps.
    package var part = ""
    private(set) var nodes: [Node] = []
    private(set) var shapes: [ActivationShape] = []
    private(set) var ops: [Op] = []

    package init(kernelPath: KernelPath) {
        self.init(kernelPath: kernelPath, kernels: kernelPath.tensorKernels)
    }

    /// With another of the path's tables than the fastest.
    init(kernelPath: KernelPath, kernels: TensorKernels) {
        self.kernelPath = kernelPath
        self.kernels = kernels
    }

    /// A value that somebody else writes before the graph runs, or reads afterwards.
    package mutating func external(_ buffer: TensorBuffer) -> Value {
        append(Node(buffer: buffer, time: ops.count...ops.count), buffer.shape)
    }

    /// The last op's way out of the arena.
    package mutating func copy(_ value: Value, to buffer: TensorBuffer) {
        precondition(value.shape.count == buffer.shape.count, "a copy into another shape")
        let count = value.shape.count
        append(reading: [value]) { memory in
            [
                OpStep(name: "copy", tileCount: 1) { _, _ in
                    buffer.base.update(from: memory.pointer(to: value), count: count)
                }
            ]
        }
    }

    /// Memory that one op writes: the next that is appended.
    mutating func result(_ shape: ActivationShape) -> Value {
        append(Node(buffer: nil, time: ops.count...ops.count), shape)
    }

    /// Memory that only the next op uses.
    mutating func scratch(_ floatCount: Int) -> Value {
        result(ActivationShape(height: 1, width: 1, channels: floatCount))
    }

    mutating func append(
        reading values: [Value], bind: @escaping @Sendable (TensorMemory) -> [OpStep]
    ) {
        for value in values {
            nodes[value.index].time = nodes[value.index].time.lowerBound...ops.count
        }
        ops.append(Op(bind: bind, part: part))
    }

    private mutating func append(_ node: Node, _ shape: ActivationShape) -> Value {
        nodes.append(node)
        shapes.append(shape)
        return Value(index: nodes.count - 1, shape: shape)
    }
}

/// Places in memory for all values of a graph; nothing is allocated yet.
package struct TensorPlan: Sendable {
    private let graph: TensorGraph
    package let byteCount: Int
    /// In floats; nil: the value has a buffer of its own.
    private let offsets: [Int?]

    package init(_ graph: TensorGraph) {
        self.graph = graph
        var regions: [ArenaPlan.Region] = []
        let slots: [Int?] = graph.nodes.indices.map { index in
            guard graph.nodes[index].buffer == nil else { return nil }
            regions.append(
                ArenaPlan.Region(
                    floatCount: graph.shapes[index].count, time: graph.nodes[index].time))
            return regions.count - 1
        }
        let plan = ArenaPlan(regions)
        byteCount = plan.byteCount
        offsets = slots.map { $0.map { plan.offsets[$0] } }
    }

    /// The ops as steps on `arena`, which is kept alive by them.
    package func steps(in arena: Arena) -> [OpStep] {
        precondition(arena.byteCount >= byteCount, "the arena is too small for its plan")
        let addresses = graph.nodes.indices.map { index in
            if let buffer = graph.nodes[index].buffer { return UInt(bitPattern: buffer.base) }
            return UInt(bitPattern: arena.base + (offsets[index] ?? 0))
        }
        let memory = TensorMemory(
            arena: arena, buffers: graph.nodes.compactMap(\.buffer), addresses: addresses)
        return graph.ops.flatMap { op in
            op.bind(memory).map { step in
                var named = step
                if !op.part.isEmpty { named.name = "\(op.part) \(step.name)" }
                return named
            }
        }
    }
}

/// Where each value lies; keeps that memory alive.
///
/// Addresses are kept as numbers so that steps may carry them to other threads; who writes what when
/// is fixed by the order of steps.
final class TensorMemory: Sendable {
    private let arena: Arena
    private let buffers: [TensorBuffer]
    private let addresses: [UInt]

    init(arena: Arena, buffers: [TensorBuffer], addresses: [UInt]) {
        self.arena = arena
        self.buffers = buffers
        self.addresses = addresses
    }

    func pointer(to value: TensorGraph.Value) -> UnsafeMutablePointer<Float> {
        guard let pointer = UnsafeMutablePointer<Float>(bitPattern: addresses[value.index]) else {
            preconditionFailure("a value without memory")
        }
        return pointer
    }

    func source(_ value: TensorGraph.Value) -> k_source {
        k_source(data: UnsafePointer(pointer(to: value)), channels: value.shape.channels)
    }
}

/// What a C kernel is told about one op, and whatever its pointers lead into.
///
/// `@unchecked Sendable`: written before the first step runs, read only afterwards.
final class OpDescription<Kernel>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Kernel>
    private let memory: TensorMemory
    private let weights: [any Sendable]

    init(_ kernel: Kernel, memory: TensorMemory, weights: [any Sendable] = []) {
        // Freed in `deinit`.
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: kernel)
        self.memory = memory
        self.weights = weights
    }

    deinit { pointer.deallocate() }
}
