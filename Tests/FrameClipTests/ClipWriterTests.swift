// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@testable import FrameClip

@Suite struct ClipWriterTests {
    /// Linear emission in halves becomes the bytes of its sRGB; what is brighter than white is white.
    @Test func linearEmissionIsWrittenAsSRGB() throws {
        let size = FrameSize(width: 32, height: 32)
        let pixels = size.pixelCount
        let formats: [(PlaneKind, PixelFormat)] = [
            (.baseColor, .rgba8sRGB), (.normals, .rgb8UNorm), (.depth, .r32Float),
            (.roughness, .r8), (.emissive, .rgba16Float),
        ]
        var planes: [PlaneLayout] = []
        var offset = 0
        for (kind, format) in formats {
            let stride = size.width * format.bytesPerPixel
            planes.append(
                PlaneLayout(kind: kind, format: format, rowStride: stride, offset: offset))
            offset += stride * size.height
        }
        let layout = GBufferLayout(
            size: size, origin: .topLeft, normalSpace: .world,
            depth: .linear(metresPerUnit: 1, far: .infinity), motion: nil, planes: planes,
            byteCount: offset)
        // Of the first pixels: red, and the byte that IEC 61966-2-1 makes of it.
        let cases: [(Float16, UInt8)] = [
            (0, 0), (0.001, 3), (0.0031, 10), (0.2140, 127), (0.5, 188), (1, 255), (40, 255),
            (.infinity, 255), (.nan, 0), (-1, 0),
        ]
        var bytes = [UInt8](repeating: 0, count: offset)
        for (index, (red, _)) in cases.enumerated() {
            let at = offset - pixels * 8 + index * 8
            bytes[at] = UInt8(truncatingIfNeeded: red.bitPattern)
            bytes[at + 1] = UInt8(truncatingIfNeeded: red.bitPattern >> 8)
        }
        let folder = try TemporaryFolder()
        var writer = try ClipWriter(
            folder: folder.path + "/clip", layout: layout, unitsPerMetre: 400, framesPerSecond: 30)
        try writer.write(
            planes: bytes, picture: [UInt8](repeating: 9, count: pixels * 4), camera: nil)
        try writer.finish()
        let image = try PNGImage(readingFrom: folder.path + "/clip/Emissive/Emissive_0000.png")
        for (index, (red, byte)) in cases.enumerated() {
            #expect(image.bytes[3 * index] == byte, "\(red)")
            #expect(image.bytes[3 * index + 1] == 0)
        }
    }
}
