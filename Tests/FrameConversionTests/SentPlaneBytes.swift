// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameConversion
import FrameTypes
import TestSupport
import Testing

/// One plane through the conversion, beside planes that stay as they are.
struct SentPlaneBytes {
    /// More than one chunk of the kernels and no multiple of any vector.
    static let size = FrameSize(width: 301, height: 37)

    var kind: PlaneKind
    var format: SentFormat
    var bytes: [UInt8]
    var channel = 0
    var change: (inout SentLayout) -> Void = { _ in }
    var camera: Camera?
    var jitter = SIMD2<Float>.zero

    var layout: SentLayout {
        var layout = SentLayout(
            size: Self.size, origin: .topLeft, planes: [], byteCount: 0, depthKind: .linear,
            depth: .linear(metresPerUnit: 1, far: .infinity))
        let others: [(PlaneKind, SentFormat)] = [
            (.baseColor, .rgba8sRGB), (.normals, .rgb8UNorm), (.depth, .r32Float),
            (.roughness, .r8),
        ]
        for (kind, format) in [(self.kind, self.format)] + others.filter({ $0.0 != self.kind }) {
            let rowStride = Self.size.width * format.bytesPerPixel
            layout.planes.append(
                SentPlane(
                    kind: kind, format: format, channel: kind == self.kind ? channel : 0,
                    rowStride: rowStride, offset: layout.byteCount))
            layout.byteCount += rowStride * Self.size.height
        }
        change(&layout)
        return layout
    }

    /// What models read of it, or of another plane that lies in its bytes or is made of it.
    func converted(_ asked: PlaneKind? = nil) -> (plane: PlaneLayout, bytes: [UInt8]) {
        let conversion = PlaneConversion(layout)
        #expect(conversion.isNeeded)
        let sent = PixelStorage(byteCount: conversion.sent.byteCount)
        sent.copy(bytes)
        if kind != .depth, let depth = conversion.sent.plane(.depth) {
            // A metre away; the first row is sky.
            let count = depth.rowStride * Self.size.height
            sent.copy(
                (0..<count / 4).flatMap { ($0 < Self.size.width ? 0 : Float(1)).bitPattern.bytes },
                at: depth.offset)
        }
        let out = PixelStorage(byteCount: conversion.layout.byteCount)
        let converter = PlaneConverter(conversion)
        converter.begin(sent: sent, converted: out, camera: camera, jitter: jitter)
        let memory = WorkerMemory()
        for step in converter.steps {
            // In any order.
            for tile in (0..<step.tileCount).reversed() { step.runTile(tile, memory) }
        }
        converter.finish()
        let plane = conversion.layout.plane(asked ?? kind)!
        let count = plane.rowStride * Self.size.height
        return (plane, Array(out.copiedBytes()[plane.offset..<plane.offset + count]))
    }

    func floats() -> [Float] {
        converted().bytes.chunked(4).map { Float(bitPattern: $0.littleEndian()) }
    }

    /// Three numbers of -1 to 1 a pixel, from whichever of the two formats.
    func normals() -> [SIMD3<Double>] {
        let (plane, bytes) = converted(.normals)
        guard plane.format == .rgb10a2 else {
            return bytes.chunked(3).map { SIMD3($0.map { Double($0) / 127.5 - 1 }) }
        }
        return bytes.chunked(4).map {
            let word: UInt32 = $0.littleEndian()
            return SIMD3([0, 10, 20].map { Double(word >> $0 & 1023) / 511.5 - 1 })
        }
    }

    static func random(_ bytesPerPixel: Int, seed: UInt64 = 3) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return (0..<size.pixelCount * bytesPerPixel).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
    }
}

extension Array {
    func chunked(_ count: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: count).map { self[$0..<$0 + count] }
    }
}

extension ArraySlice where Element == UInt8 {
    func littleEndian<Value: FixedWidthInteger & UnsignedInteger>() -> Value {
        reversed().reduce(Value(0)) { $0 << 8 | Value($1) }
    }
}

extension FixedWidthInteger {
    var bytes: [UInt8] {
        (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> Self($0 * 8)) }
    }
}
