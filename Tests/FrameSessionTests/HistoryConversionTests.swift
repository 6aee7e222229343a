// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Synchronization
import Testing

@testable import FrameSession

@Suite struct HistoryConversionTests {
    private let size = FrameSize(width: 35, height: 70)

    @Test(arguments: [RowOrigin.topLeft, .bottomLeft])
    func everyPlaneLandsWhereRenderingWouldHaveLeftIt(origin: RowOrigin) throws {
        let history = try convert(
            SessionHarness.layout(
                known: true, depth: .linear(metresPerUnit: 0.25, far: 100), depthFormat: .r16,
                baseColorFormat: .rgb8sRGB, origin: origin)
        ) { x, y in
            Pixel(
                picture: [UInt8(x), UInt8(y), 3, 255], baseColor: [UInt8(y), 7, UInt8(x)],
                depth: Self.littleEndian(UInt16(x + 100 * y)), known: [0, 0, 0, UInt8(x ^ y)])
        }
        for y in 0..<size.height {
            for x in 0..<size.width {
                let row = origin == .topLeft ? y : size.height - 1 - y
                #expect(history.picture(x, y) == [UInt8(x), UInt8(row), 3, 255])
                #expect(history.baseColor(x, y) == [UInt8(row), 7, UInt8(x)])
                let metres = Float(x + 100 * row) * 0.25
                #expect(history.depth(x, y) == (metres < 100 ? metres : 0))
                #expect(history.coverage(x, y) == UInt8(x ^ row))
            }
        }
    }

    @Test func reversedDeviceDepthOfTheCamerasPlanes() throws {
        let layout = SessionHarness.layout(depth: .deviceReversed(near: 0.1, far: .infinity))
        let camera = SessionHarness.camera(near: 0.5, far: 0)
        let history = try convert(layout, camera: camera) { x, _ in
            Pixel(
                picture: [0, 0, 0, 0], baseColor: [1, 2, 3, 4],
                depth: Self.littleEndian((Float(x) / 64).bitPattern), known: [])
        }
        for x in 0..<size.width {
            #expect(history.depth(x, 1) == (x == 0 ? 0 : 0.5 / (Float(x) / 64)))
            #expect(history.baseColor(x, 1) == [1, 2, 3])
            #expect(history.coverage(x, 1) == 0)
        }
    }

    @Test func sixteenBitMaximumIsASurface() throws {
        let layout = SessionHarness.layout(
            depth: .linear(metresPerUnit: 0.001, far: .infinity), depthFormat: .r16)
        let history = try convert(layout) { x, _ in
            Pixel(
                picture: [0, 0, 0, 0], baseColor: [0, 0, 0, 0],
                depth: Self.littleEndian(x == 0 ? UInt16(0) : .max), known: [])
        }
        #expect(history.depth(0, 0) == 0)
        #expect(history.depth(1, 0) == 65535 * Float(0.001))
    }

    // MARK: Helpers

    private struct Pixel {
        var picture: [UInt8]
        var baseColor: [UInt8]
        var depth: [UInt8]
        var known: [UInt8]
    }

    private struct Converted {
        var size: FrameSize
        var bytes: [UInt8]

        func picture(_ x: Int, _ y: Int) -> [UInt8] { at(0, x, y, 4) }
        func baseColor(_ x: Int, _ y: Int) -> [UInt8] {
            Array(at(FrameHistory.baseColorOffset(of: size), x, y, 4).prefix(3))
        }
        func depth(_ x: Int, _ y: Int) -> Float {
            let bytes = at(FrameHistory.depthOffset(of: size), x, y, 4)
            return Float(
                bitPattern: bytes.reversed().reduce(UInt32(0)) { ($0 << 8) | UInt32($1) })
        }
        func coverage(_ x: Int, _ y: Int) -> UInt8 {
            at(FrameHistory.coverageOffset(of: size), x, y, 1)[0]
        }

        private func at(_ offset: Int, _ x: Int, _ y: Int, _ byteCount: Int) -> [UInt8] {
            let start = offset + (y * size.width + x) * byteCount
            return Array(bytes[start..<start + byteCount])
        }
    }

    /// `pixel` by column and row in memory.
    private func convert(
        _ layout: GBufferLayout, camera: Camera? = nil, pixel: (Int, Int) -> Pixel
    ) throws -> Converted {
        let description = try #require(
            HistoryDescription(
                size: size, frameID: 1, seed: 0, camera: camera, jitter: .zero, layout: layout))
        var planes: [[UInt8]] = [[], [], [], []]
        for y in 0..<size.height {
            for x in 0..<size.width {
                let pixel = pixel(x, y)
                planes[0] += pixel.picture
                planes[1] += pixel.baseColor
                planes[2] += pixel.depth
                planes[3] += pixel.known
            }
        }
        let payload = PixelStorage(byteCount: description.byteCount)
        payload.copy(planes.flatMap { $0 })
        let storage = PixelStorage(byteCount: FrameHistory.byteCount(of: size))
        let conversion = HistoryConversion(description, payload: payload, storage: storage)
        let step = try #require(conversion.steps.first)
        #expect(conversion.steps.count == 1 && step.tileCount == 3)
        // Steps of large frames are many, and their rows are all of them.
        for size in [FrameSize(width: 4096, height: 2050), FrameSize(width: 8192, height: 32)] {
            let rows = Mutex<[Range<Int>]>([])
            let steps = RenderStep.rows("rows", stage: .convert, of: size) { part in
                rows.withLock { $0.append(part) }
            }
            for step in steps {
                for tile in 0..<step.tileCount { step.runTile(tile, WorkerMemory()) }
                #expect(step.tileCount == 1 || step.tileCount * 32 * size.width <= 1 << 18)
            }
            let found = rows.withLock { $0 }
            #expect(found.first?.lowerBound == 0 && found.last?.upperBound == size.height)
            #expect(zip(found, found.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
        }
        // In any order.
        let memory = WorkerMemory()
        for tile in (0..<step.tileCount).reversed() { step.runTile(tile, memory) }
        return Converted(size: size, bytes: storage.copiedBytes())
    }

    private static func littleEndian<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        (0..<MemoryLayout<Value>.size).map { UInt8(truncatingIfNeeded: value >> Value(8 * $0)) }
    }
}
