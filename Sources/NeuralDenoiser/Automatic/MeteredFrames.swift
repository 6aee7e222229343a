// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralModel
import NeuralOps

/// Frames that cost what a walk's frames cost: a wall before a camera that moves, each with the history
/// of the one before.
struct MeteredFrames {
    private let size: FrameSize
    private let layout: GBufferLayout
    private let planes: PixelStorage
    private let picture: PixelStorage
    private var histories: (current: PixelStorage, next: PixelStorage)
    private let middle: SIMD3<Double>
    private var history: FrameHistory?
    private var count: UInt64 = 0

    /// Metres.
    private static let distance: Float = 3
    private static let step = 0.01

    init(_ model: CompactModel, size: FrameSize) throws(MemoryRefusal) {
        self.size = size
        layout = GBufferLayout(
            packed: [
                (.baseColor, .rgba8sRGB), (.normals, .rgb8UNorm), (.depth, .r32Float),
                (.roughness, .r8), (.metallic, .r8),
            ], size: size)
        planes = try PixelStorage(reserving: layout.byteCount)
        picture = try PixelStorage(reserving: size.pixelCount * 4)
        let historyBytes = FrameHistory.byteCount(of: size)
        histories = (
            try PixelStorage(reserving: historyBytes), try PixelStorage(reserving: historyBytes)
        )
        let settings = model.pixels.settings
        middle = SIMD3<Double>((settings.boundsMin + settings.boundsMax) / 2)
        for plane in layout.planes { planes.copy(Self.bytes(of: plane, size), at: plane.offset) }
    }

    private static func bytes(of plane: PlaneLayout, _ size: FrameSize) -> [UInt8] {
        func repeated(_ pixel: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(size.pixelCount * pixel.count)
            for _ in 0..<size.pixelCount { bytes += pixel }
            return bytes
        }
        switch plane.kind {
        case .baseColor:
            // Not the same in any two pixels that lie beside each other.
            return (0..<size.pixelCount * 4).map { UInt8(truncatingIfNeeded: $0 &* 73 >> 2) }
        case .normals: return repeated([128, 128, 255])
        case .depth:
            let bits = distance.bitPattern
            return repeated((0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) })
        default: return repeated([100])
        }
    }

    /// The next frame. Its history is what the one before wrote: not while that is under way.
    mutating func next() -> FrameRequest {
        count += 1
        let x = middle.x + Double(count) * Self.step
        let camera = Camera(
            fx: Double(size.width), fy: Double(size.width), cx: Double(size.width) / 2,
            cy: Double(size.height) / 2, near: 0, far: 0,
            cameraToWorld: .init(
                x: SIMD4(1, 0, 0, x), y: SIMD4(0, 1, 0, middle.y), z: SIMD4(0, 0, 1, middle.z),
                w: SIMD4(0, 0, 0, 1)))
        defer {
            history = FrameHistory(
                size: size, frameID: count, seed: 0, camera: camera, jitter: .zero,
                storage: histories.next)
            histories = (current: histories.next, next: histories.current)
        }
        return FrameRequest(
            gbuffer: GBuffer(
                layout: layout, storage: planes, frameID: count, camera: camera, jitter: .zero,
                motionFrom: nil),
            history: history, seed: 0, picture: picture, nextHistory: histories.next)
    }
}
