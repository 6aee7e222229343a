// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

/// The planes of `fl_open`, checked and laid out in a frame's payload.
struct PlaneTable {
    private(set) var planes: [SentPlane] = []
    private(set) var byteCount = 0
    /// Bytes of a row and of a pixel of the last plane that has some.
    private var lastBytes: (rowStride: Int, pixel: Int, offset: Int)?

    var hasMotion: Bool { planes.contains { $0.kind == .motion } }
    var depthFormat: SentFormat { planes.first { $0.kind == .depth }?.format ?? .r32Float }

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
        guard let format = SentFormat(rawValue: code), kind.canBeSent(format) else {
            throw .format(
                field: "\(field).format", found: SentFormat.name(code), use: kind.prose,
                allowed: kind.sentFormats.map { SentFormat.name($0.rawValue) }
                    .joined(separator: ", "))
        }
        let channel = try Self.channel(entry, kind, format, field: "\(field).channel")
        let place = try place(entry, format, kind, field: field, size: size)
        planes.append(
            SentPlane(
                kind: kind, format: format, channel: channel, rowStride: place.rowStride,
                offset: place.offset))
    }

    private static func channel(
        _ entry: ByteReader, _ kind: PlaneKind, _ format: SentFormat, field: String
    ) throws(ProtocolError) -> Int {
        let channel = Int(entry.uint8(at: WirePlane.channel))
        if format == .constant { return channel }
        let isChosen = kind == .roughness || kind == .metallic
        let last = isChosen ? format.channelCount - 1 : 0
        guard channel <= last else {
            throw .value(
                field: field, found: Double(channel), limit: Double(last),
                needs: last > 0
                    ? "must be 0 to \(last) in this format" : "must be 0 for this plane and format")
        }
        return channel
    }

    /// Where the plane lies in the payload, which grows by it.
    private mutating func place(
        _ entry: ByteReader, _ format: SentFormat, _ kind: PlaneKind, field: String, size: FrameSize
    ) throws(ProtocolError) -> (rowStride: Int, offset: Int) {
        let flags = UInt32(entry.uint8(at: WirePlane.flags))
        guard flags & ~FL_PLANE_SAME_BYTES == 0 else {
            throw .unknownFlags(
                field: "\(field).flags", bits: flags & ~FL_PLANE_SAME_BYTES, owner: "fl_plane")
        }
        // Sides are at most 8192, strides at most four rows, pixels at most 8 bytes: nine planes stay
        // below 20 GB. Still every step reports an overflow instead of trapping.
        let packed = size.width * format.bytesPerPixel
        let stated = Int(entry.uint32(at: WirePlane.rowStride))
        if flags & FL_PLANE_SAME_BYTES != 0 {
            return try shared(format, kind, stated: stated, field: field)
        }
        guard packed > 0 else {
            guard stated == 0 else {
                throw .rowStride(field: "\(field).row_stride", found: stated, limits: 0...0)
            }
            return (0, byteCount)
        }
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
        defer { byteCount = total }
        lastBytes = (rowStride, format.bytesPerPixel, byteCount)
        return (rowStride, byteCount)
    }

    /// Roughness in the alpha of the normals, metallic beside roughness.
    private func shared(
        _ format: SentFormat, _ kind: PlaneKind, stated: Int, field: String
    ) throws(ProtocolError) -> (rowStride: Int, offset: Int) {
        guard kind == .roughness || kind == .metallic, format.bytesPerPixel > 0 else {
            throw .unsupportedValue(
                field: "\(field).flags", found: Int(FL_PLANE_SAME_BYTES),
                name: "FL_PLANE_SAME_BYTES for \(kind.prose) in this format",
                allowed: "it for roughness and metallic in RGB8_UNORM, RGBA8_UNORM or RGBA8_SNORM")
        }
        guard let lastBytes, lastBytes.pixel == format.bytesPerPixel,
            stated == 0 || stated == lastBytes.rowStride
        else {
            throw .unsupportedValue(
                field: "\(field).flags", found: Int(FL_PLANE_SAME_BYTES),
                name: "FL_PLANE_SAME_BYTES after a plane with pixels or rows of another size",
                allowed: "it after the plane whose bytes these are, row_stride 0")
        }
        return (lastBytes.rowStride, lastBytes.offset)
    }

    private static func kind(_ code: UInt8, field: String) throws(ProtocolError) -> PlaneKind {
        if let kind = PlaneKind(rawValue: code) { return kind }
        if UInt32(code) == FL_HISTORY_WEIGHT {
            throw .unsupportedPlane(field: field, name: "FL_HISTORY_WEIGHT")
        }
        throw .planeKind(field: field, found: Int(code))
    }
}

extension SentFormat {
    /// As `frame_protocol.h` names it, without the prefix.
    static func name(_ code: UInt8) -> String {
        guard let format = SentFormat(rawValue: code) else { return "format \(code)" }
        return switch format {
        case .rgba8sRGB: "RGBA8_SRGB"
        case .rgb8sRGB: "RGB8_SRGB"
        case .rgba8Linear: "RGBA8_LINEAR"
        case .rgb8UNorm: "RGB8_UNORM"
        case .rgb10a2: "RGB10A2"
        case .rgba16Float: "RGBA16F"
        case .rg16Octahedral: "RG16_OCTAHEDRAL"
        case .r8: "R8"
        case .r16: "R16"
        case .r16Float: "R16F"
        case .r32Float: "R32F"
        case .rg16Float: "RG16F"
        case .rg32Float: "RG32F"
        case .bgra8sRGB: "BGRA8_SRGB"
        case .rgba8UNorm: "RGBA8_UNORM"
        case .rgba8SNorm: "RGBA8_SNORM"
        case .rg8Octahedral: "RG8_OCTAHEDRAL"
        case .rg16FloatOctahedral: "RG16F_OCTAHEDRAL"
        case .rgba8Octahedral: "RGBA8_OCTAHEDRAL"
        case .depth24Low: "D24_LOW"
        case .depth24High: "D24_HIGH"
        case .fromDepth: "FROM_DEPTH"
        case .constant: "CONSTANT"
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
