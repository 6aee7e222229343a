// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes
import NeuralModel
import TestSupport

@testable import NeuralDenoiser
@testable import NeuralOps

/// Runs the pixel kernels of a bound workspace chunk by chunk and keeps what they find.
struct ChunkReader {
    /// `[planes, height, width]` of pixels, `[planes, cells]` of cells.
    var pixels: [String: [Float]] = [:]
    var cells: [String: [Float]] = [:]
    private let frame: UnsafeMutablePointer<k_frame>

    init(_ workspace: Workspace, kernelPath: KernelPath) {
        frame = workspace.kernels.frame
        let table = kernelPath.kernels.table.pointee
        let chunk = UnsafeMutablePointer<k_chunk>.allocate(capacity: 1)
        defer { chunk.deallocate() }
        RenderThread.prepare()
        table.expand_history(
            frame, 0, Int(frame.pointee.previous_height), 0, Int(frame.pointee.previous_width))
        let (width, height) = (Int(frame.pointee.cells_x), Int(frame.pointee.cells_y))
        for y in 0..<height {
            for x in stride(from: 0, to: width, by: Int(K_CHUNK_CELLS)) {
                chunk.initialize(to: k_chunk())
                chunk.pointee.cell_y = Int32(y)
                chunk.pointee.cell_x = Int32(x)
                chunk.pointee.count = Int32(min(Int(K_CHUNK_CELLS), width - x))
                table.load(frame, chunk)
                table.reproject(frame, chunk)
                table.average(frame, chunk)
                table.warp(frame, chunk)
                table.place(frame, chunk)
                if frame.pointee.has_camera != 0 {
                    table.read_places(frame.pointee.model, chunk)
                }
                read(chunk)
            }
        }
    }

    private mutating func read(_ chunk: UnsafeMutablePointer<k_chunk>) {
        withUnsafeBytes(of: &chunk.pointee.previous) { add("previous", 2, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.previous_z) { add("previous_z", 1, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.source) { add("source", 3, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.sigma) { add("sigma", 1, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.light) { add("light", 3, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.base) { add("base", 3, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.normal) { add("normal", 3, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.depth) { add("depth", 1, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.roughness) { add("roughness", 1, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.metallic) { add("metallic", 1, $0, chunk) }
        let valid = withUnsafeBytes(of: &chunk.pointee.valid) {
            $0.bindMemory(to: Int32.self).map(Float.init)
        }
        valid.withUnsafeBytes { add("valid", 1, $0, chunk) }
        if frame.pointee.kept != nil { readKept(chunk) }
        withUnsafeBytes(of: &chunk.pointee.cell_position) { addCells("position", 3, $0, chunk) }
        withUnsafeBytes(of: &chunk.pointee.view) { addCells("view", 3, $0, chunk) }
        let surface = withUnsafeBytes(of: &chunk.pointee.cell_has_surface) {
            $0.bindMemory(to: Int32.self).map(Float.init)
        }
        surface.withUnsafeBytes { addCells("surface", 1, $0, chunk) }
        guard frame.pointee.model.pointee.place.levels > 0 else { return }
        withUnsafeBytes(of: &chunk.pointee.block_position) { addBlocks("blocks", 3, $0, chunk) }
        let blocks = withUnsafeBytes(of: &chunk.pointee.block_has_surface) {
            $0.bindMemory(to: Int32.self).map(Float.init)
        }
        blocks.withUnsafeBytes { addBlocks("block surfaces", 1, $0, chunk) }
    }

    private mutating func readKept(_ chunk: UnsafeMutablePointer<k_chunk>) {
        let words = withUnsafeBytes(of: &chunk.pointee.kept) {
            Array($0.bindMemory(to: UInt32.self))
        }
        let planes = (0..<4).map { plane in words.map { Float($0 >> (plane * 8) & 255) } }
        planes[0..<3].flatMap(\.self).withUnsafeBytes { add("kept", 3, $0, chunk) }
        planes[3].withUnsafeBytes { add("kept share", 1, $0, chunk) }
    }

    private mutating func add(
        _ name: String, _ planes: Int, _ bytes: UnsafeRawBufferPointer,
        _ chunk: UnsafeMutablePointer<k_chunk>
    ) {
        let values = bytes.bindMemory(to: Float.self)
        let (width, height) = (Int(frame.pointee.width), Int(frame.pointee.height))
        for plane in 0..<planes {
            for index in 0..<Int(chunk.pointee.count) * 16 {
                let x = (Int(chunk.pointee.cell_x) + index / 16) * 4 + index % 4
                let y = Int(chunk.pointee.cell_y) * 4 + index % 16 / 4
                guard x < width, y < height else { continue }
                let at = (plane * height + y) * width + x
                let value = values[plane * Int(K_CHUNK_CELLS) * 16 + index]
                pixels[name, default: Array(repeating: 0, count: planes * width * height)][at] =
                    value
            }
        }
    }

    private mutating func addCells(
        _ name: String, _ planes: Int, _ bytes: UnsafeRawBufferPointer,
        _ chunk: UnsafeMutablePointer<k_chunk>
    ) {
        let values = bytes.bindMemory(to: Float.self)
        let (width, height) = (Int(frame.pointee.cells_x), Int(frame.pointee.cells_y))
        for plane in 0..<planes {
            for index in 0..<Int(chunk.pointee.count) {
                let cell = Int(chunk.pointee.cell_y) * width + Int(chunk.pointee.cell_x) + index
                let at = plane * width * height + cell
                let value = values[plane * Int(K_CHUNK_CELLS) + index]
                cells[name, default: Array(repeating: 0, count: planes * width * height)][at] =
                    value
            }
        }
    }

    private mutating func addBlocks(
        _ name: String, _ planes: Int, _ bytes: UnsafeRawBufferPointer,
        _ chunk: UnsafeMutablePointer<k_chunk>
    ) {
        let values = bytes.bindMemory(to: Float.self)
        let (width, height) = (Int(frame.pointee.cells_x) * 2, Int(frame.pointee.cells_y) * 2)
        for plane in 0..<planes {
            for index in 0..<Int(chunk.pointee.count) * 4 {
                let x = (Int(chunk.pointee.cell_x) + index / 4) * 2 + index % 2
                let y = Int(chunk.pointee.cell_y) * 2 + index % 4 / 2
                let at = (plane * height + y) * width + x
                let value = values[plane * Int(K_CHUNK_BLOCKS) + index]
                cells[name, default: Array(repeating: 0, count: planes * width * height)][at] =
                    value
            }
        }
    }
}

extension Workspace {
    /// The picture before it is rounded, `[3, height, width]`, from what a rendered frame left.
    /// - Parameter emissive: bytes `[3, height, width]` of the plane, nil: none was sent.
    func unroundedPicture(
        _ request: FrameRequest, kernelPath: KernelPath, emissive: [UInt8]? = nil
    ) -> [Float] {
        let frame = kernels.frame.pointee
        let table = kernelPath.kernels.table.pointee
        let (width, height) = (size.width, size.height)
        let base = request.nextHistory.copiedBytes()
        let lin = withUnsafeBytes(of: k_srgb_to_linear) {
            Array($0.bindMemory(to: Float.self))
        }
        var picture = [Float](repeating: 0, count: width * height * 3)
        var linear = [Float](repeating: 0, count: 48)
        var values = [Float](repeating: 0, count: 48)
        let memory = WorkerMemory()
        RenderThread.prepare()
        for cellY in 0..<Int(frame.cells_y) {
            for cellX in 0..<Int(frame.cells_x) {
                let cell = cellY * Int(frame.cells_x) + cellX
                var linearBase = [Float](repeating: 0, count: 48)
                var given = linearBase
                for index in 0..<48 {
                    let x = min(cellX * 4 + index % 4, width - 1)
                    let y = min(cellY * 4 + index % 16 / 4, height - 1)
                    let at = FrameHistory.baseColorOffset(of: size) + (y * width + x) * 4
                    linearBase[index] = lin[Int(base[at + index / 16])]
                    if let emissive {
                        given[index] = lin[Int(emissive[(index / 16 * height + y) * width + x])]
                    }
                }
                table.compose(
                    &linear, &values, frame.model,
                    kernels.head.row(cellY, columns: cellX..<cellX + 1, memory)
                        + cellX * frame.head_stride,
                    frame.head_stride, frame.trusted_light + cell * 48, linearBase, given, 1)
                for index in 0..<48 {
                    let (x, y) = (cellX * 4 + index % 4, cellY * 4 + index % 16 / 4)
                    guard x < width, y < height else { continue }
                    picture[(index / 16 * height + y) * width + x] = values[index]
                }
            }
        }
        return picture
    }
}
