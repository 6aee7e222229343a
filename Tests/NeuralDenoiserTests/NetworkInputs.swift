// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import Foundation
import FrameTypes
import TestSupport

@testable import NeuralDenoiser
@testable import NeuralOps

/// The network's inputs as floats, fed past the conversion of planes.
struct NetworkInputs {
    let size: FrameSize
    private let base, normal, depth, rough, metal, x, sigma, light, pos, view, surface: [Float]
    /// `[height / 2, width / 2, 3]` metres, of a model with a place grid.
    private let blocks: (position: [Float], surface: [Float])?

    init(_ golden: Golden, size: FrameSize) throws {
        self.size = size
        base = try golden.floats("in.base")
        normal = try golden.floats("in.normal")
        depth = try golden.floats("in.depth_m")
        rough = try golden.floats("in.rough")
        metal = try golden.floats("in.metal")
        x = try golden.floats("in.x")
        sigma = try golden.floats("in.sigma")
        light = try golden.floats("in.light")
        pos = try golden.floats("in.pos")
        view = try golden.floats("in.view")
        surface = try golden.floats("in.cell_has_surface")
        blocks =
            golden.container.tensor(named: "in.block_pos") == nil
            ? nil
            : (
                try golden.floats("in.block_pos"), try golden.floats("in.block_has_surface")
            )
    }

    /// `[planes, height, width]` of one cell in the order of a chunk.
    private func cell(_ values: [Float], _ planes: Int, _ cellX: Int, _ cellY: Int) -> [Float] {
        (0..<planes * 16).map { index in
            let y = cellY * 4 + index % 16 / 4
            return values[(index / 16 * size.height + y) * size.width + cellX * 4 + index % 4]
        }
    }

    /// The unrounded picture, `[3, height, width]`.
    func render(in workspace: Workspace, path: KernelPath, hasCamera: Bool) -> [Float] {
        let table = path.kernels.table.pointee
        let frame = workspace.kernels.frame
        let (width, height) = (size.width / 4, size.height / 4)
        let chunk = UnsafeMutablePointer<k_chunk>.allocate(capacity: 1)
        defer { chunk.deallocate() }
        let memory = WorkerMemory()
        RenderThread.prepare()
        for cellY in 0..<height {
            for cellX in 0..<width {
                fill(chunk, cellX, cellY)
                fillBlocks(chunk, cellX, cellY, frame.pointee.model.pointee.place)
                table.read_places(frame.pointee.model, chunk)
                workspace.kernels.features.run(
                    row: cellY, columns: cellX..<cellX + 1, memory
                ) { features, _ in
                    table.pack(features, frame.pointee.model, chunk, hasCamera ? 1 : 0)
                }
            }
        }
        StepRunner.forwards.run(workspace.plan.layers.steps(in: workspace.arena))
        var picture = [Float](repeating: 0, count: size.pixelCount * 3)
        var linear = [Float](repeating: 0, count: 48)
        var values = [Float](repeating: 0, count: 48)
        for cellY in 0..<height {
            for cellX in 0..<width {
                let trust = cell(sigma, 1, cellX, cellY).map { 1 - $0 }
                let trusted = cell(light, 3, cellX, cellY).enumerated().map {
                    $0.element * trust[$0.offset % 16]
                }
                let linearBase = cell(base, 3, cellX, cellY).map { value in
                    let s = Double(value)
                    return Float(s <= 0.04045 ? s / 12.92 : pow((s + 0.055) / 1.055, 2.4))
                }
                table.compose(
                    &linear, &values, frame.pointee.model,
                    workspace.kernels.head.row(cellY, columns: cellX..<cellX + 1, memory)
                        + cellX * frame.pointee.head_stride,
                    frame.pointee.head_stride, trusted, linearBase, nil, 1)
                for index in 0..<48 {
                    let y = cellY * 4 + index % 16 / 4
                    picture[(index / 16 * size.height + y) * size.width + cellX * 4 + index % 4] =
                        values[index]
                }
            }
        }
        return picture
    }

    private func fillBlocks(
        _ chunk: UnsafeMutablePointer<k_chunk>, _ cellX: Int, _ cellY: Int, _ grid: k_place
    ) {
        guard let blocks else { return }
        let bounds = [
            (grid.bounds_min.0, grid.bounds_max.0), (grid.bounds_min.1, grid.bounds_max.1),
            (grid.bounds_min.2, grid.bounds_max.2),
        ]
        for block in 0..<4 {
            let index = (cellY * 2 + block / 2) * (size.width / 2) + cellX * 2 + block % 2
            let point = (0..<3).map { axis in
                min(max(blocks.position[index * 3 + axis], bounds[axis].0), bounds[axis].1)
                    - bounds[axis].0
            }
            chunk.set(
                block: block,
                blocks.surface[index] > 0.5 ? SIMD3(point[0], point[1], point[2]) : nil)
        }
    }

    private func fill(_ chunk: UnsafeMutablePointer<k_chunk>, _ cellX: Int, _ cellY: Int) {
        chunk.initialize(to: k_chunk())
        chunk.pointee.count = 1
        func copy<T>(_ target: inout T, _ values: [Float], _ planes: Int) {
            withUnsafeMutableBytes(of: &target) { bytes in
                let floats = bytes.bindMemory(to: Float.self)
                let stride = floats.count / planes
                for (index, value) in values.enumerated() {
                    let each = values.count / planes
                    floats[index / each * stride + index % each] = value
                }
            }
        }
        copy(&chunk.pointee.base, cell(base, 3, cellX, cellY), 3)
        copy(&chunk.pointee.normal, cell(normal, 3, cellX, cellY), 3)
        copy(&chunk.pointee.depth, cell(depth, 1, cellX, cellY), 1)
        copy(&chunk.pointee.roughness, cell(rough, 1, cellX, cellY), 1)
        copy(&chunk.pointee.metallic, cell(metal, 1, cellX, cellY), 1)
        copy(&chunk.pointee.source, cell(x, 3, cellX, cellY), 3)
        copy(&chunk.pointee.sigma, cell(sigma, 1, cellX, cellY), 1)
        copy(&chunk.pointee.light, cell(light, 3, cellX, cellY), 3)
        let (index, count) = (cellY * size.width / 4 + cellX, size.pixelCount / 16)
        copy(&chunk.pointee.cell_position, Array(pos[index * 3..<index * 3 + 3]), 3)
        copy(&chunk.pointee.view, (0..<3).map { view[$0 * count + index] }, 3)
        chunk.pointee.cell_has_surface.0 = surface[index] > 0.5 ? 1 : 0
    }
}
