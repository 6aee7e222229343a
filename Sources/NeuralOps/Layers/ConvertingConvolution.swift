// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// A 1x1 convolution of an input in plain floats: a part of a row at a time becomes the numbers that
/// the convolution reads, and is read while it is in the cache.
final class ConvertingConvolution: Sendable {
    private let conversion: BoundConversion
    private let convolution: BoundConvolution
    private let name: String
    private let rowCount: Int
    private let pixelBytes: Int

    private static let tileRows = 4
    private static let tilesPerStep = 16
    private static let bandPixels = 128

    init(_ layer: LayerGraph.Layer, plan: LayerPlan, arena: Arena, region: RenderRegion?) {
        let node = plan.graph.nodes[layer.input.index]
        name = layer.convolution.name
        rowCount = node.shape.height
        pixelBytes = node.shape.paddedChannels * layer.inputForm.byteCount
        precondition(
            node.shape.width * pixelBytes <= WorkerMemory.byteCount,
            "\(name): a row of its input is larger than a render thread's memory")
        conversion = BoundConversion(
            layer.input, to: layer.inputForm, plan: plan, arena: arena, region: region)
        convolution = BoundConvolution(layer, plan: plan, arena: arena, region: region)
    }

    func steps() -> [OpStep] {
        OpStep.rows(
            name, count: rowCount, perTile: Self.tileRows, tilesPerStep: Self.tilesPerStep
        ) { rows, memory in
            self.conversion.forEachPart(of: rows) { rows, columns in
                for row in rows { self.run(row: row, columns: columns, memory) }
            }
        }
    }

    private func run(row: Int, columns: Range<Int>, _ memory: WorkerMemory) {
        let band = UnsafeMutableRawPointer(memory.floats).assumingMemoryBound(to: UInt8.self)
        for start in stride(from: columns.lowerBound, to: columns.upperBound, by: Self.bandPixels) {
            let part = start..<min(start + Self.bandPixels, columns.upperBound)
            conversion.run(toBand: band, row: row, columns: part)
            convolution.run(
                fromBand: band + part.lowerBound * pixelBytes, row: row, columns: part)
        }
    }
}
