// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol

extension ErrorReply {
    /// The one place where an error gets its wire code, field, numbers and sentence.
    package init(_ error: ProtocolError, severity: ErrorSeverity, frameID: UInt64 = 0) {
        let report = Report(error)
        self.init(
            frameID: frameID, code: report.code, severity: severity, value: report.value,
            limit: report.limit, field: report.field, text: report.text)
    }
}

private struct Report {
    var code: UInt32
    var field = ""
    var value = 0.0
    var limit = 0.0
    var text: String

    /// What a client without a plane can send in its place.
    private static let instead = [
        "normals": " Without normals state the plane with format FL_FROM_DEPTH.",
        "roughness": " Where it is the same everywhere state the plane with format FL_CONSTANT.",
    ]

    init(
        _ code: UInt32, _ field: String = "", _ value: Double = 0, _ limit: Double = 0,
        _ text: String
    ) {
        self.code = code
        self.field = field
        self.value = value
        self.limit = limit
        self.text = text
    }

    // A table: one case, one line of meaning.
    init(_ error: ProtocolError) {
        switch error {
        case .magic(let found):
            self.init(
                FL_ERROR_MAGIC, "magic", Double(found), Double(FL_MAGIC),
                "This is no Frameloom message: it does not start with the bytes LOOM.")
        case .version(let found):
            self.init(
                FL_ERROR_VERSION, "version", Double(found), Double(FL_VERSION),
                "Protocol version \(found) is not supported; this daemon speaks version "
                    + "\(FL_VERSION).")
        case .messageType(let found):
            self.init(
                FL_ERROR_MESSAGE_TYPE, "type", Double(found), 0,
                "Message type \(found) is unknown.")
        case .unknownFlags(let field, let bits, let owner):
            self.init(
                FL_ERROR_FLAGS, field, Double(bits), 0,
                "\(owner) has no flag \(hexadecimal(bits)).")
        case .bodyTooShort(let claimed, let needed):
            self.init(
                FL_ERROR_BODY_SIZE, "body_bytes", Double(claimed), Double(needed),
                "The body has \(claimed) bytes, at least \(needed) are needed.")
        case .bodyTooLarge(let claimed, let limit):
            self.init(
                FL_ERROR_BODY_SIZE, "body_bytes", Double(claimed), Double(limit),
                "The body has \(claimed) bytes, at most \(limit) are allowed.")
        case .payloadSize(let claimed, let expected):
            self.init(
                FL_ERROR_PAYLOAD_SIZE, "payload_bytes", Double(claimed), Double(expected),
                "The payload has \(claimed) bytes, exactly \(expected) are expected.")
        case .unexpectedMessage(let name, let reason):
            self.init(FL_ERROR_UNEXPECTED_MESSAGE, "type", 0, 0, "Unexpected \(name): \(reason).")
        case .text(let field, let reason):
            self.init(FL_ERROR_TEXT, field, 0, 0, "\(field) \(reason).")
        case .reserved(let field):
            self.init(FL_ERROR_RESERVED, field, 0, 0, "\(field) must be 0.")
        case .side(let field, let found, let limits):
            self.init(
                FL_ERROR_SIZE, field, Double(found),
                Double(found < limits.lowerBound ? limits.lowerBound : limits.upperBound),
                "\(field) is \(found), it must be \(limits.lowerBound) to \(limits.upperBound) "
                    + "pixels.")
        case .unsupportedFeature(let name):
            self.init(
                FL_ERROR_FEATURE, "features", 0, 0, "\(name) is not supported yet; leave its bit 0."
            )
        case .unknownFeature(let bit):
            self.init(
                FL_ERROR_FEATURE, "features", Double(bit), 0,
                "Feature bit \(bit) is unknown; known are those of FL_FEATURE_ in this "
                    + "daemon's protocol, leave the others 0.")
        case .format(let field, let found, let use, let allowed):
            self.init(
                FL_ERROR_FORMAT, field, 0, 0,
                "\(field): \(found) is not supported for \(use); use \(allowed).")
        case .planeCount(let found, let limit):
            self.init(
                FL_ERROR_PLANE, "plane_count", Double(found), Double(limit),
                "There are \(found) planes, at most \(limit) are allowed.")
        case .planeKind(let field, let found):
            self.init(
                FL_ERROR_PLANE, field, Double(found), 0,
                "\(field): \(found) is unknown; use one of FL_BASE_COLOR to FL_EMISSIVE.")
        case .unsupportedPlane(let field, let name):
            self.init(
                FL_ERROR_PLANE, field, 0, 0,
                "\(field): \(name) is not supported yet; leave the plane out.")
        case .duplicatePlane(let field, let name):
            self.init(FL_ERROR_PLANE, field, 0, 0, "\(field): there is a second plane of \(name).")
        case .missingPlane(let name):
            self.init(
                FL_ERROR_PLANE, "planes", 0, 0,
                "The plane of \(name) is missing.\(Self.instead[name] ?? "")")
        case .rowStride(let field, let found, let limits):
            self.init(
                FL_ERROR_ROW_STRIDE, field, Double(found),
                Double(found < limits.lowerBound ? limits.lowerBound : limits.upperBound),
                "\(field) is \(found), it must be 0 (packed) or \(limits.lowerBound) to "
                    + "\(limits.upperBound) bytes.")
        case .depthScaleMissing(let found):
            self.init(
                FL_ERROR_VALUE, "depth_scale", found, 0,
                "The scale of the linear depth plane is not stated: set depth_scale to the metres "
                    + "that a value of 1 means (R16 in millimetres: 0.001; R32F in metres: 1).")
        case .value(let field, let found, let limit, let needs):
            self.init(FL_ERROR_VALUE, field, found, limit, "\(field) is \(found), it \(needs).")
        case .unsupportedValue(let field, let found, let name, let allowed):
            self.init(
                FL_ERROR_VALUE, field, Double(found), 0,
                "\(field): \(name) is not supported; use \(allowed).")
        case .frameOrder(let found, let last):
            self.init(
                FL_ERROR_FRAME_ORDER, "frame_id", Double(found), Double(last),
                "Frame \(found) came after frame \(last); ids must grow.")
        case .camera(let field, let found, let needs):
            self.init(FL_ERROR_CAMERA, field, found, 0, "\(field) is \(found), it \(needs).")
        case .cameraMissing(let reason):
            self.init(FL_ERROR_CAMERA, "camera", 0, 0, "The frame has no camera: \(reason).")
        case .sharedMemory(let field, let found, let limit, let reason):
            self.init(FL_ERROR_SHARED_MEMORY, field, found, limit, reason)
        case .model(let name, let reason):
            self.init(FL_ERROR_MODEL, "model", 0, 0, "Model \"\(name)\": \(reason).")
        case .modelRefuses(let field, let found, let reason):
            self.init(FL_ERROR_MODEL, field, found, 0, reason)
        case .sessionLimit(let open, let limit):
            self.init(
                FL_ERROR_LIMIT_SESSIONS, "limits.sessions", Double(open), Double(limit),
                "\(open) sessions are open, at most \(limit) are allowed (limits.sessions).")
        case .identityLimit(let open, let limit, let key, let reason):
            self.init(FL_ERROR_LIMIT_IDENTITY, key, Double(open), Double(limit), reason)
        case .pixelLimit(let found, let limit, let key, let reason):
            self.init(FL_ERROR_LIMIT_PIXELS, key, Double(found), Double(limit), reason)
        case .memoryLimit(let needed, let available, let key, let reason):
            self.init(FL_ERROR_LIMIT_MEMORY, key, Double(needed), Double(available), reason)
        case .notOpened(let seconds):
            self.init(
                FL_ERROR_IDLE, "", seconds, seconds,
                "No FL_OPEN came within \(seconds) seconds.")
        case .idle(let seconds):
            self.init(
                FL_ERROR_IDLE, "", seconds, seconds,
                "No frame came from the client for \(seconds) seconds.")
        case .yielded(let seconds):
            self.init(
                FL_ERROR_IDLE, "limits.user_share_percent", seconds, 0,
                "No frame came for \(seconds) seconds, and another user asks for the place; resume "
                    + "this session when it has a frame.")
        case .kicked:
            self.init(
                FL_ERROR_DRAINING, "", 0, 0, "The operator of the daemon ended this session.")
        case .slowReader(let seconds):
            self.init(
                FL_ERROR_SLOW_READER, "", seconds, seconds,
                "The client took nothing of a reply for \(seconds) seconds.")
        case .draining:
            self.init(
                FL_ERROR_DRAINING, "", 0, 0, "The daemon stops; resume this session elsewhere.")
        case .renderFailed(let reason):
            self.init(FL_ERROR_RENDER, "", 0, 0, reason)
        }
    }
}

private func hexadecimal(_ bits: UInt32) -> String { "0x" + String(bits, radix: 16) }
