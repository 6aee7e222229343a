// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import FrameTypes
import NeuralModel
import TestSupport
import Testing

@testable import NeuralDenoiser
@testable import NeuralOps

/// A small model of random weights with a place grid, around what the tests' scenes show; it reads
/// the emissive plane.
func placeModel(
    _ path: KernelPath, precision: NeuralOps.Precision = .fp32, levels: Int = 5, fineLevels: Int = 3
) throws -> CompactModel {
    var folder = ModelFolder(placeGrid: placeGrid(levels: levels, fineLevels: fineLevels))
    folder.readsEmissive = true
    folder.calibrate()
    return try folder.model(path, precision: precision)
}

/// Scenes lie between 2 and 4 m in front of the camera: a part of them is outside of the bounds.
func placeGrid(levels: Int = 5, fineLevels: Int = 3) -> PlaceGridSettings {
    PlaceGridSettings(
        rows: (0..<levels).map { 64 << $0 }, cellSides: (0..<levels).map { 0.64 / Float(1 << $0) },
        fineLevels: fineLevels,
        boundsMin: SIMD3(-1.9, -1.2, -3.7), boundsMax: SIMD3(2.1, 1.3, 0.4), normalOffset: 0.05)
}

/// The grid as the design writes it down, one read after the other, sums in Float64.
struct PlaceJudge {
    let grid: PlaceGridSettings
    /// `[rows, 2]` of each level.
    let tables: [[Float]]

    /// - Parameter folder: the default one of `placeModel` for these levels.
    init(_ grid: PlaceGridSettings) {
        self.grid = grid
        tables = ModelFolder(placeGrid: grid).tensors.filter { $0.name.hasPrefix("place.") }
            .map(\.values)
    }

    /// Both features of a level at a point, metres from the lower corner.
    func read(_ level: Int, _ point: SIMD3<Float>) -> SIMD2<Double> {
        let u = point / grid.cellSides[level]
        let low = SIMD3<Float>(u.x.rounded(.down), u.y.rounded(.down), u.z.rounded(.down))
        let t = SIMD3<Double>(u - low)
        var sum = SIMD2<Double>()
        for corner in 0..<8 {
            let step = SIMD3(corner >> 2, corner >> 1 & 1, corner & 1)
            let c = (0..<3).map { UInt32(low[$0]) &+ UInt32(step[$0]) }
            let hash = c[0] ^ (c[1] &* 2_654_435_761) ^ (c[2] &* 805_459_861)
            let row = Int(hash % UInt32(grid.rows[level]))
            let weights = (0..<3).map { step[$0] == 1 ? t[$0] : 1 - t[$0] }
            let values = SIMD2(Double(tables[level][row * 2]), Double(tables[level][row * 2 + 1]))
            sum += values * (weights[0] * weights[1] * weights[2])
        }
        return sum
    }

    /// - Parameter blocks: points of a cell's 2x2 blocks, nil: sky.
    func channels(_ blocks: [SIMD3<Float>?]) -> [Double] {
        var channels: [Double] = []
        for level in 0..<grid.coarseLevels {
            let read = blocks[0].map { self.read(level, $0) } ?? SIMD2()
            channels += [read.x, read.y]
        }
        for level in grid.coarseLevels..<grid.cellSides.count {
            let reads = blocks.map { $0.map { self.read(level, $0) } ?? SIMD2() }
            channels += reads.map(\.x) + reads.map(\.y)
        }
        return channels
    }
}

/// What kernels, frames and precisions make of the place grid.
@Suite struct PlaceGridTests {
    private func largest(_ found: [Float], _ expected: [Double]) -> Double {
        guard found.count == expected.count else { return .infinity }
        return zip(found, expected).map { abs(Double($0) - $1) }.reduce(0) { $1 <= $0 ? $0 : $1 }
    }

    @Test(arguments: supportedPaths)
    func randomPointsReadWhatThePlainLoopReads(path: KernelPath) throws {
        var random = SeededGenerator()
        for levels in 1...6 {
            for fineLevels in 0...levels {
                let grid = placeGrid(levels: levels, fineLevels: fineLevels)
                let model = try placeModel(path, levels: levels, fineLevels: fineLevels)
                let judge = PlaceJudge(grid)
                let extent = grid.boundsMax - grid.boundsMin
                let chunk = UnsafeMutablePointer<k_chunk>.allocate(capacity: 1)
                defer { chunk.deallocate() }
                for count in 1...8 {
                    // Nothing of what memory held before may be read.
                    UnsafeMutableRawPointer(chunk).initializeMemory(
                        as: UInt8.self, repeating: 0xFF, count: MemoryLayout<k_chunk>.size)
                    chunk.pointee.count = Int32(count)
                    let points: [SIMD3<Float>?] = (0..<count * 4).map { index in
                        if Int.random(in: 0..<4, using: &random) == 0 { return nil }
                        if index == 1 { return SIMD3() }
                        if index == 2 { return extent }
                        return SIMD3.random(in: 0...1, using: &random) * extent
                    }
                    for (index, point) in points.enumerated() {
                        chunk.set(block: index, point)
                    }
                    path.kernels.table.pointee.read_places(model.pixels.description, chunk)
                    for cell in 0..<count {
                        let found = chunk.placeReads(cell: cell, grid.channels)
                        let expected = judge.channels(Array(points[cell * 4..<cell * 4 + 4]))
                        #expect(largest(found, expected) <= 2e-5, "seed \(random.seed)")
                    }
                }
            }
        }
    }

    /// Features of frames whose sizes are no multiples of anything, with sky and points outside of the
    /// bounds, against positions in Float64.
    @Test(arguments: supportedPaths, [NormalSpace.world, .view])
    func framesReadTheirNearestSurfaces(path: KernelPath, space: NormalSpace) throws {
        var random = SeededGenerator()
        let model = try placeModel(path)
        let judge = PlaceJudge(placeGrid())
        for size in [FrameSize(width: 97, height: 70), FrameSize(width: 32, height: 33)] {
            var scene = Scene(size, &random)
            // Steps of 10 cm, so that some pixels of a block are as near as each other, and holes.
            for index in scene.depth.indices where scene.depth[index] > 0 {
                let step = Int.random(in: 20...38, using: &random)
                scene.depth[index] = step == 38 ? 0 : Float(step) / 10
            }
            let request = scene.request(Scene.Encoding(normalSpace: space))
            let workspace = try Workspace(
                FramePlan(size: size, model: model, keepsStages: true), model: model)
            try workspace.begin(request)
            StepRunner.twoThreads.run(workspace.steps)
            workspace.finish()
            let features = try #require(
                workspace.plan.layers.copy(
                    of: workspace.plan.places.features, in: workspace.arena))
            let cells = workspace.plan.layers.graph.shape(of: workspace.plan.places.features)
            let first = model.pixels.settings.inputChannels - placeGrid().channels
            let points = PlacePoints(scene, space)
            var (compared, skyBlocks) = (0, 0)
            for cell in 0..<cells.height * cells.width {
                let blocks = (0..<4).map { block in
                    points.nearest(
                        x: cell % cells.width * 4 + block % 2 * 2,
                        y: cell / cells.width * 4 + block / 2 * 2)
                }
                skyBlocks += blocks.count { $0 == nil }
                let expected = judge.channels(blocks)
                let found = (0..<expected.count).map {
                    features[(first + $0) * cells.height * cells.width + cell]
                }
                // Positions of Float32: some micrometres off where a camera stands far from the
                // world's origin, a few thousandths of the finest cell on each axis.
                #expect(largest(found, expected) <= 5e-3, "seed \(random.seed) cell \(cell)")
                compared += 1
            }
            #expect(compared == cells.height * cells.width && skyBlocks > 20)
        }
    }

    @Test(arguments: supportedPaths)
    func withoutACameraNothingIsRead(path: KernelPath) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 64, height: 64)
        var scene = Scene(size, &random)
        scene.camera = nil
        let model = try placeModel(path)
        let workspace = try Workspace(
            FramePlan(size: size, model: model, keepsStages: true), model: model)
        try workspace.begin(scene.request())
        StepRunner.forwards.run(workspace.steps)
        workspace.finish()
        let features = try #require(
            workspace.plan.layers.copy(of: workspace.plan.places.features, in: workspace.arena))
        let count = (placeGrid().channels + 3) * 16 * 16
        #expect(features.suffix(count).allSatisfy { $0 == 0 })
    }

    /// The same features in the numbers of each precision.
    @Test(arguments: supportedPaths)
    func narrowFeaturesAreTheRoundedOnes(path: KernelPath) throws {
        var random = SeededGenerator()
        let model = try placeModel(path, precision: .int8)
        let scale = try #require(model.network.featureScale)
        let channels = model.pixels.settings.inputChannels
        let padded = ActivationShape.padded(channels)
        let chunk = UnsafeMutablePointer<k_chunk>.allocate(capacity: 1)
        defer { chunk.deallocate() }
        chunk.initialize(to: k_chunk())
        chunk.pointee.count = 3
        let extent = placeGrid().boundsMax - placeGrid().boundsMin
        for block in 0..<12 {
            chunk.set(block: block, SIMD3.random(in: 0...1, using: &random) * extent)
        }
        let table = path.kernels.table.pointee
        RenderThread.prepare()
        table.read_places(model.pixels.description, chunk)
        func pack<T>(_ form: ValueForm, _ zero: T) -> [T] {
            var values = [T](repeating: zero, count: padded * 3)
            values.withUnsafeMutableBytes { bytes in
                var output = k_output(
                    at: bytes.bindMemory(to: UInt8.self).baseAddress, row: 0,
                    pixel: padded * MemoryLayout<T>.size, border: 0, levels: scale.levels(form),
                    form: Int32(form.rawValue))
                table.pack(&output, model.pixels.description, chunk, 1)
            }
            return values
        }
        let whole = pack(.plain, Float(0))
        let halves = pack(.plainBF16, UInt16(0))
        let integers = pack(.plainS16, Int16(0))
        let levels = try #require(scale.levels(.plainS16))
        var reads = 0
        for cell in 0..<3 {
            for channel in channels - placeGrid().channels..<channels {
                let at = cell * padded + channel
                let value = whole[at]
                if value != 0 { reads += 1 }
                #expect(
                    abs(Float(bitPattern: UInt32(halves[at]) << 16) - value) <= abs(value) / 256)
                let level = (value * levels[channel]).rounded(.toNearestOrEven)
                #expect(abs(level) <= 32767 && Int16(level) == integers[at])
            }
        }
        #expect(reads == 3 * placeGrid().channels)
    }

    /// Bands of features into the first layer, on every path and in every precision, by any threads.
    @Test(arguments: supportedPaths, NeuralOps.Precision.allCases)
    func picturesAreTheSameHoweverTheyAreRendered(
        path: KernelPath, precision: NeuralOps.Precision
    ) throws {
        var random = SeededGenerator()
        let size = FrameSize(width: 530, height: 40)
        let scene = Scene(size, &random)
        let model = try placeModel(path, precision: precision)
        var pictures: Set<[UInt8]> = []
        for keepsStages in [false, true] {
            for runner in [StepRunner.forwards, .twoThreads] {
                let workspace = try Workspace(
                    FramePlan(size: size, model: model, keepsStages: keepsStages), model: model)
                let request = scene.request()
                try workspace.begin(request)
                runner.run(workspace.steps)
                workspace.finish()
                pictures.insert(request.picture.copiedBytes())
            }
        }
        #expect(pictures.count == 1, "seed \(random.seed)")
    }
}

/// Where a scene's surfaces are read, in Float64.
private struct PlacePoints {
    private let scene: Scene
    private let space: NormalSpace

    init(_ scene: Scene, _ space: NormalSpace) {
        self.scene = scene
        self.space = space
    }

    /// A pixel's normal in world space, as 10 bits hold it in the client's.
    private func normal(_ pixel: Int, _ rows: Camera.Rows) -> SIMD3<Double> {
        let world = SIMD3<Double>(scene.normals[pixel])
        let rotation = [rows.x, rows.y, rows.z].map { SIMD3($0.x, $0.y, $0.z) }
        let sent =
            space == .world
            ? world : rotation[0] * world.x + rotation[1] * world.y + rotation[2] * world.z
        let stored = ((sent + 1) * 511.5).rounded(.toNearestOrAwayFromZero) / 511.5 - 1
        if space == .world { return stored }
        return SIMD3(
            (rotation[0] * stored).sum(), (rotation[1] * stored).sum(),
            (rotation[2] * stored).sum())
    }

    /// Of the block of pixels from (x, y) on, which may lie beyond the frame's edge.
    func nearest(x: Int, y: Int) -> SIMD3<Float>? {
        var nearest: Int?
        for index in 0..<4 {
            let column = min(x + index % 2, scene.size.width - 1)
            let pixel = min(y + index / 2, scene.size.height - 1) * scene.size.width + column
            guard scene.depth[pixel] > 0 else { continue }
            if nearest.map({ scene.depth[pixel] < scene.depth[$0] }) ?? true { nearest = pixel }
        }
        guard let pixel = nearest, let camera = scene.camera else { return nil }
        let (column, row) = (pixel % scene.size.width, pixel / scene.size.width)
        let ray = SIMD3(
            (Double(column) + 0.5 + Double(scene.jitter.x) - camera.cx) / camera.fx,
            -(Double(row) + 0.5 + Double(scene.jitter.y) - camera.cy) / camera.fy, -1)
        let rows = camera.cameraToWorld
        let normal = normal(pixel, rows)
        let grid = placeGrid()
        var point = SIMD3<Float>()
        for (axis, matrix) in [rows.x, rows.y, rows.z].enumerated() {
            let turned = matrix.x * ray.x + matrix.y * ray.y + matrix.z * ray.z
            let at = turned * Double(scene.depth[pixel]) + matrix.w
            let moved = at + normal[axis] * Double(grid.normalOffset)
            let (least, most) = (Double(grid.boundsMin[axis]), Double(grid.boundsMax[axis]))
            point[axis] = Float(min(max(moved, least), most) - least)
        }
        return point
    }
}

extension UnsafeMutablePointer<k_chunk> {
    func set(block: Int, _ point: SIMD3<Float>?) {
        withUnsafeMutableBytes(of: &pointee.block_has_surface) {
            $0.bindMemory(to: Int32.self)[block] = point == nil ? 0 : 1
        }
        withUnsafeMutableBytes(of: &pointee.block_position) {
            let values = $0.bindMemory(to: Float.self)
            for axis in 0..<3 {
                values[axis * Int(K_CHUNK_BLOCKS) + block] = point?[axis] ?? 0
            }
        }
    }

    fileprivate func placeReads(cell: Int, _ count: Int) -> [Float] {
        withUnsafeBytes(of: &pointee.place_reads) {
            let values = $0.bindMemory(to: Float.self)
            let first = cell * Int(K_MAX_PLACE_CHANNELS)
            return Array(values[first..<first + count])
        }
    }
}
