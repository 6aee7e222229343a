// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials

/// Lines of the control socket: JSON with snake_case keys, ended by a newline.
package enum ControlLine {
    /// Bytes of one request line. Replies may be longer: they grow with the number of sessions.
    package static let maxRequestBytes = 64 * 1024

    /// Server end: the request in one line (without its newline).
    /// - Throws: what to answer instead, as `.error`.
    package static func call(from line: some Collection<UInt8>) throws(ControlFault)
        -> ControlCall
    {
        guard line.count <= maxRequestBytes else {
            throw .lineTooLong(limit: maxRequestBytes)
        }
        let envelope: RequestEnvelope
        do {
            envelope = try JSONDecoder().decode(RequestEnvelope.self, from: Data(line))
        } catch {
            throw ControlFault(
                code: .notJSON,
                text: "a request is one JSON object a line, for example {\"request\":\"stats\"}")
        }
        guard let request = ControlRequest(rawValue: envelope.request) else {
            let known = ControlRequest.allCases.map(\.rawValue).joined(separator: ", ")
            // A request may be a long text; its start is enough to recognise it by.
            let name = envelope.request.prefix(40)
            throw ControlFault(
                code: .unknownRequest, text: "unknown request \"\(name)\"; known are: \(known)")
        }
        switch request {
        case .sessions:
            guard ControlCall.limits.contains(envelope.limit ?? 1) else {
                throw ControlFault(
                    code: .notJSON,
                    text: "\"limit\" is \(ControlCall.limits.lowerBound) to "
                        + "\(ControlCall.limits.upperBound)")
            }
            return ControlCall(.sessions, after: envelope.after, limit: envelope.limit)
        case .setLogLevel:
            guard let level = envelope.level, ControlCall.levels.contains(level) else {
                throw ControlFault(
                    code: .notJSON,
                    text: "set-log-level needs \"level\", one of: "
                        + ControlCall.levels.joined(separator: ", "))
            }
            return ControlCall(.setLogLevel, level: level)
        case .stats, .health, .models, .reload, .drain: return ControlCall(request)
        case .kick: break
        }
        switch (envelope.session, envelope.user) {
        case (let session?, nil): return ControlCall(.kick, target: .session(session))
        case (nil, let user?): return ControlCall(.kick, target: .user(user))
        default:
            throw ControlFault(
                code: .notJSON, text: "kick needs either \"session\" or \"user\", a number")
        }
    }

    package static func request(from line: some Collection<UInt8>) throws(ControlFault)
        -> ControlRequest
    {
        try call(from: line).request
    }

    /// Server end: the line as a wish to watch; nil if it is another request.
    /// - Throws: what to answer instead.
    package static func watchRequest(
        from line: some Collection<UInt8>
    ) throws(ControlFault) -> WatchRequest? {
        guard asks(for: "watch", line) else { return nil }
        guard let request = try? JSONDecoder().decode(WatchRequest.self, from: Data(line)),
            WatchRequest.rates.contains(request.fps)
        else {
            throw ControlFault(
                code: .notJSON,
                text: "watch wants \"session\", a number, and \"fps\", \(WatchRequest.rates)")
        }
        return request
    }

    /// Server end: the line as a wish for a snapshot; nil if it is another request.
    /// - Throws: what to answer instead.
    package static func snapshotRequest(
        from line: some Collection<UInt8>
    ) throws(ControlFault) -> SnapshotRequest? {
        guard asks(for: "snapshot", line) else { return nil }
        guard let request = try? JSONDecoder().decode(SnapshotRequest.self, from: Data(line)) else {
            throw ControlFault(code: .notJSON, text: "snapshot wants \"session\", a number")
        }
        return request
    }

    private static func asks(for name: String, _ line: some Collection<UInt8>) -> Bool {
        line.count <= maxRequestBytes
            && (try? JSONDecoder().decode(RequestEnvelope.self, from: Data(line)))?.request == name
    }

    /// Client end: the line for a wish for a snapshot, with its newline.
    package static func encode(_ request: SnapshotRequest) -> [UInt8] {
        [UInt8]("{\"request\":\"snapshot\",\"session\":\(request.session)}\n".utf8)
    }

    /// Client end: the line for a wish to watch, with its newline.
    package static func encode(_ request: WatchRequest) -> [UInt8] {
        [UInt8](
            ("{\"request\":\"watch\",\"session\":\(request.session),\"fps\":\(request.fps)"
                + (request.planes ? ",\"planes\":true}\n" : "}\n")).utf8)
    }

    /// Server end: the line before a frame's planes, with its newline.
    package static func encode(_ frame: WatchedFrame) -> [UInt8] {
        [UInt8]((json(of: frame) + "\n").utf8)
    }

    /// Client end: the line for a request, with its newline.
    package static func encode(_ request: ControlRequest) -> [UInt8] {
        encode(ControlCall(request))
    }

    package static func encode(_ call: ControlCall) -> [UInt8] {
        var target = ""
        switch call.target {
        case .session(let id): target = ",\"session\":\(id)"
        case .user(let id): target = ",\"user\":\(id)"
        case nil: break
        }
        if let after = call.after { target += ",\"after\":\(after)" }
        if let limit = call.limit { target += ",\"limit\":\(limit)" }
        if let level = call.level { target += ",\"level\":\"\(level)\"" }
        return [UInt8]("{\"request\":\"\(call.request.rawValue)\"\(target)}\n".utf8)
    }

    /// Server end: the id of a request, whatever the request is; nil where it has none, or is no JSON.
    /// - Throws: what to answer instead.
    package static func id(from line: some Collection<UInt8>) throws(ControlFault) -> ControlID? {
        let decoder = JSONDecoder()
        if let envelope = try? decoder.decode(IDEnvelope.self, from: Data(line)) {
            return envelope.id
        }
        guard (try? decoder.decode(AnyObjectEnvelope.self, from: Data(line))) != nil else {
            return nil
        }
        throw ControlFault(
            code: .notJSON,
            text:
                "\"id\" is a whole number or a text of at most \(ControlID.longestText) characters")
    }

    /// Server end: a reply's line with one more field.
    package static func adding(_ name: String, _ value: some Encodable, to line: [UInt8]) -> [UInt8]
    {
        // Every line is one object that is not empty, then a newline.
        line.dropLast(2) + [UInt8](",\"\(name)\":\(json(of: value))}\n".utf8)
    }

    /// Client end: after which session the next page begins; nil if this was the last one.
    package static func next(from line: some Collection<UInt8>) -> UInt64? {
        return try? JSONDecoder().decode(PageEnvelope.self, from: Data(line)).next
    }

    /// Server end: the line for a reply, with its newline.
    package static func encode(_ reply: ControlReply) -> [UInt8] {
        [UInt8]((json(of: reply) + "\n").utf8)
    }

    /// One line without its newline, as it goes over the socket; for reports, which always encode.
    package static func json(of report: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A load or time that is no number must not silence the whole report.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let data = try? encoder.encode(report) else {
            return #"{"error":{"code":"internal_error","text":"the report cannot be written"}}"#
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// Client end: the reply in one line.
    package static func reply(from line: some Collection<UInt8>) throws -> ControlReply {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try decoder.decode(ControlReply.self, from: Data(line))
    }

    /// Client end: the line before a frame's planes.
    package static func frame(from line: some Collection<UInt8>) -> WatchedFrame? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(WatchedFrame.self, from: Data(line))
    }

    private struct IDEnvelope: Decodable { var id: ControlID? }
    private struct PageEnvelope: Decodable { var next: UInt64? }
    private struct AnyObjectEnvelope: Decodable {}

    private struct RequestEnvelope: Decodable {
        var request: String
        var session: UInt64?
        var user: UInt32?
        var after: UInt64?
        var limit: Int?
        var level: String?
    }
}
