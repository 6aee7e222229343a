// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

extension OpenRequest {
    /// Reads `fl_open` and refuses everything that this version does not mean to support, by name.
    init(_ body: ByteReader, limits: Limits) throws(ProtocolError) {
        let features = body.uint64(at: WireOpen.features)
        try Self.checkFeatures(
            features
                & ~(FL_FEATURE_INCREMENTAL | FL_FEATURE_SHARED_MEMORY
                | FL_FEATURE_QUALITY_MAY_FALL | FrameQuality.features))
        let size = FrameSize(
            width: try body.side("width", at: WireOpen.width, limits),
            height: try body.side("height", at: WireOpen.height, limits))
        let planes = try PlaneTable(body, size: size, limits: limits)
        try Self.checkFixedChoices(body)
        let origin: RowOrigin = try body.choice("origin", at: WireOpen.origin, use: "0 or 1")
        let axes = try WorldAxes(body.uint8(at: WireOpen.axes))
        let depth = try DepthStatement(body, format: planes.depthFormat, axes)
        let sent = SentLayout(
            size: size, origin: origin, planes: planes.planes, byteCount: planes.byteCount,
            depthKind: depth.kind, depth: depth.encoding,
            roughness: try body.choice(
                "roughness_kind", at: WireOpen.roughnessKind,
                use: "FL_ROUGHNESS_DIRECT, FL_ROUGHNESS_SMOOTHNESS or FL_ROUGHNESS_GODOT"),
            normalSpace: try body.choice("normal_space", at: WireOpen.normalSpace, use: "0 or 1"),
            axes: axes,
            motion: try MotionEncoding(
                body, isPresent: planes.hasMotion, size: size, origin: origin))
        let mailbox: WireMailbox = try body.choice("mailbox", at: WireOpen.mailbox, use: "0 or 1")
        let viewIndex = Int(body.uint8(at: WireOpen.viewIndex))
        guard viewIndex <= 1 else {
            throw .value(
                field: "view_index", found: Double(viewIndex), limit: 1, needs: "must be 0 or 1")
        }
        let budget = UInt64(body.uint32(at: WireOpen.frameBudget)) * 1000
        self.init(
            sent: sent, mailbox: mailbox.mailbox, viewIndex: viewIndex,
            frameBudgetNanoseconds: budget == 0 ? nil : budget,
            seed: body.uint64(at: WireOpen.seed), model: try Self.modelName(body),
            clientName: try body.text(
                "client_name", at: WireOpen.clientName, byteCount: WireOpen.textByteCount),
            wantsIncremental: features & FL_FEATURE_INCREMENTAL != 0,
            wantsSharedMemory: features & FL_FEATURE_SHARED_MEMORY != 0,
            scales: try ConditioningScales(body))
        quality = try FrameQuality.stated(by: features)
        mayFall = features & FL_FEATURE_QUALITY_MAY_FALL != 0
    }

    private static func checkFeatures(_ features: UInt64) throws(ProtocolError) {
        guard features != 0 else { return }
        let bit = features.trailingZeroBitCount
        switch UInt64(1) << UInt64(bit) {
        case FL_FEATURE_HISTORY_WEIGHT: throw .unsupportedFeature(name: "FL_FEATURE_HISTORY_WEIGHT")
        case FL_FEATURE_HDR: throw .unsupportedFeature(name: "FL_FEATURE_HDR")
        default: throw .unknownFeature(bit: bit)
        }
    }

    /// Fields with one supported value in this version.
    private static func checkFixedChoices(_ body: ByteReader) throws(ProtocolError) {
        let fixed: [(field: String, offset: Int, supported: UInt32, name: String, use: String)] = [
            (
                "picture_format", WireOpen.pictureFormat, FL_PICTURE_RGBA8_SRGB,
                "this picture format", "FL_PICTURE_RGBA8_SRGB"
            ),
            (
                "transport", WireOpen.transport, FL_TRANSPORT_INLINE, "this transport",
                "FL_TRANSPORT_INLINE (shared memory is agreed on by FL_FEATURE_SHARED_MEMORY)"
            ),
        ]
        for choice in fixed {
            let found = UInt32(body.uint8(at: choice.offset))
            guard found == choice.supported else {
                let name =
                    switch (choice.field, found) {
                    case ("transport", FL_TRANSPORT_SHARED_MEMORY): "FL_TRANSPORT_SHARED_MEMORY"
                    default: "\(choice.name) (\(found))"
                    }
                throw .unsupportedValue(
                    field: choice.field, found: Int(found), name: name, allowed: choice.use)
            }
        }
    }

    private static func modelName(_ body: ByteReader) throws(ProtocolError) -> String? {
        let name = try body.text("model", at: WireOpen.model, byteCount: WireOpen.textByteCount)
        guard !name.isEmpty else { return nil }
        guard ModelName.isValid(name) else {
            throw .text(
                field: "model",
                reason: "must consist of a-z, 0-9, '.', '_', '-' and not start with '.'")
        }
        return name
    }
}

extension ByteReader {
    /// One byte that is the raw value of an enum.
    func choice<Value: RawRepresentable>(
        _ field: String, at offset: Int, use: String
    ) throws(ProtocolError) -> Value where Value.RawValue == UInt8 {
        let found = uint8(at: offset)
        guard let value = Value(rawValue: found) else {
            throw .unsupportedValue(
                field: field, found: Int(found), name: "value \(found)", allowed: use)
        }
        return value
    }
}

/// The wire's numbers of a mailbox.
package enum WireMailbox: UInt8, Sendable {
    case latest = 0
    case every = 1

    package init(_ mailbox: Mailbox) {
        switch mailbox {
        case .latest: self = .latest
        case .every: self = .every
        }
    }

    var mailbox: Mailbox {
        switch self {
        case .latest: .latest
        case .every: .every
        }
    }
}

extension ConditioningScales {
    init(_ body: ByteReader) throws(ProtocolError) {
        func scale(_ field: String, at offset: Int) throws(ProtocolError) -> UInt16 {
            let found = body.uint16(at: offset)
            guard found <= Self.limit else {
                throw .value(
                    field: field, found: Double(found), limit: Double(Self.limit),
                    needs: "must be 0 (as the model states) or 1 to \(Self.limit) thousandths")
            }
            return found
        }
        self.init(
            controlThousandths: try scale("control_scale", at: WireOpen.controlScale),
            adapterThousandths: try scale("adapter_scale", at: WireOpen.adapterScale))
    }
}

extension FrameQuality {
    /// The wire's bit of `fl_open.features` and `fl_opened.features`.
    package var feature: UInt64 {
        switch self {
        case .full: FL_FEATURE_QUALITY_FULL
        case .half: FL_FEATURE_QUALITY_HALF
        case .quarter: FL_FEATURE_QUALITY_QUARTER
        }
    }

    /// Of a picture's header.
    package var pictureFlag: UInt32 {
        switch self {
        case .full: 0
        case .half: FL_PICTURE_HALF
        case .quarter: FL_PICTURE_QUARTER
        }
    }

    static let features = allCases.reduce(0) { $0 | $1.feature }

    fileprivate static func stated(by features: UInt64) throws(ProtocolError) -> FrameQuality? {
        let stated = allCases.filter { features & $0.feature != 0 }
        guard stated.count <= 1 else {
            throw .value(
                field: "features", found: Double(features & Self.features), limit: 1,
                needs: "must have at most one of FL_FEATURE_QUALITY_FULL, _HALF and _QUARTER")
        }
        return stated.first
    }
}
