// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

/// The planes of `fl_open`, checked and laid out in a frame's payload.
struct PlaneTable {
    private(set) var planes: [PlaneLayout] = []
    private(set) var byteCount = 0
    private(set) var depthFormat = PixelFormat.r32Float

    var hasMotion: Bool { planes.contains { $0.kind == .motion } }

    init(_ body: ByteReader, size: FrameSize, limits: Limits) throws(ProtocolError) {
        let count = Int(body.uint8(at: WireOpen.planeCount))
        guard count <= limits.planeCount else {
            throw .planeCount(found: count, limit: limits.planeCount)
        }
        for index in 0..<Int(FL_MAX_PLANES) {
            let entry = body.part(
                at: WireOpen.planes + index * WirePlane.byteCount, byteCount: WirePlane.byteCount)
            if index < count {
                try append(entry, field: "planes[\(index)]", size: size)
            } else if entry.uint64(at: 0) != 0 {
                throw .reserved(field: "planes[\(index)]")
            }
        }
        for kind in PlaneKind.required
        where !planes.contains(where: { $0.kind == kind }) {
            throw .missingPlane(name: kind.prose)
        }
    }

    private mutating func append(
        _ entry: ByteReader, field: String, size: FrameSize
    ) throws(ProtocolError) {
        let kind = try Self.kind(entry.uint8(at: WirePlane.kind), field: "\(field).kind")
        guard !planes.contains(where: { $0.kind == kind }) else {
            throw .duplicatePlane(field: "\(field).kind", name: kind.prose)
        }
        let code = entry.uint8(at: WirePlane.format)
        guard let format = PixelFormat(rawValue: code), kind.canBe(format) else {
            throw .format(
                field: "\(field).format", found: Self.formatName(code), use: kind.prose,
                allowed: kind.formats.map { Self.formatName($0.rawValue) }
                    .joined(separator: " or "))
        }
        guard entry.uint16(at: WirePlane.reserved) == 0 else {
            throw .reserved(field: "\(field).reserved")
        }
        // Sides are at most 8192, strides at most four rows, pixels at most 8 bytes: nine planes stay
        // below 20 GB. Still every step reports an overflow instead of trapping.
        let packed = size.width * format.bytesPerPixel
        let stated = Int(entry.uint32(at: WirePlane.rowStride))
        let rowStride = stated == 0 ? packed : stated
        let strides = packed...Limits.maxRowStride(packed: packed)
        guard strides.contains(rowStride) else {
            throw .rowStride(field: "\(field).row_stride", found: stated, limits: strides)
        }
        let (planeBytes, tooHigh) = rowStride.multipliedReportingOverflow(by: size.height)
        let (total, tooMuch) = byteCount.addingReportingOverflow(planeBytes)
        guard !tooHigh, !tooMuch else {
            throw .rowStride(field: "\(field).row_stride", found: stated, limits: strides)
        }
        planes.append(
            PlaneLayout(kind: kind, format: format, rowStride: rowStride, offset: byteCount))
        byteCount = total
        if kind == .depth { depthFormat = format }
    }

    private static func kind(_ code: UInt8, field: String) throws(ProtocolError) -> PlaneKind {
        if let kind = PlaneKind(rawValue: code) { return kind }
        if UInt32(code) == FL_HISTORY_WEIGHT {
            throw .unsupportedPlane(field: field, name: "FL_HISTORY_WEIGHT")
        }
        throw .planeKind(field: field, found: Int(code))
    }

    /// As `frame_protocol.h` names it, without the prefix.
    private static func formatName(_ code: UInt8) -> String {
        switch UInt32(code) {
        case FL_RGBA8_SRGB: "RGBA8_SRGB"
        case FL_RGB8_SRGB: "RGB8_SRGB"
        case FL_RGBA8_LINEAR: "RGBA8_LINEAR"
        case FL_RGB8_UNORM: "RGB8_UNORM"
        case FL_RGB10A2: "RGB10A2"
        case FL_RGBA16F: "RGBA16F"
        case FL_RG16_OCTAHEDRAL: "RG16_OCTAHEDRAL"
        case FL_R8: "R8"
        case FL_R16: "R16"
        case FL_R16F: "R16F"
        case FL_R32F: "R32F"
        case FL_RG16F: "RG16F"
        default: "format \(code)"
        }
    }
}

extension PlaneKind {
    /// What it is called in sentences.
    var prose: String {
        switch self {
        case .baseColor: "base color"
        case .normals: "normals"
        case .depth: "depth"
        case .roughness: "roughness"
        case .metallic: "metallic"
        case .motion: "motion"
        case .known: "known"
        case .emissive: "emissive"
        }
    }
}
