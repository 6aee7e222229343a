// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What a person or program may ask the control socket, one JSON object a line:
/// `{"request":"stats"}`.
package enum ControlRequest: String, Sendable, Equatable, CaseIterable, Codable {
    case stats, sessions, health, models
    /// These change something.
    case reload, drain, kick
    case setLogLevel = "set-log-level"

    /// Whether it needs the permission to change the daemon.
    package var changesSomething: Bool {
        switch self {
        case .stats, .sessions, .health, .models: false
        case .reload, .drain, .kick, .setLogLevel: true
        }
    }
}

/// Chosen by whoever asks; the answer repeats it.
package enum ControlID: Sendable, Equatable, Codable {
    case number(Int64)
    case text(String)

    static let longestText = 64

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let number = try? value.decode(Int64.self) {
            self = .number(number)
        } else {
            let text = try value.decode(String.self)
            guard text.count <= Self.longestText else {
                throw DecodingError.dataCorruptedError(
                    in: value, debugDescription: "the id is too long")
            }
            self = .text(text)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .number(let number): try value.encode(number)
        case .text(let text): try value.encode(text)
        }
    }
}

/// Whose sessions `kick` ends.
package enum KickTarget: Sendable, Equatable {
    case session(UInt64)
    case user(UInt32)
}

/// A request with what it needs: `{"request":"kick","session":3}` or `{"request":"kick","user":1000}`.
package struct ControlCall: Sendable, Equatable {
    package var request: ControlRequest
    /// Of `kick` only.
    package var target: KickTarget?
    /// Of `sessions` only: those after this number, so many at most.
    package var after: UInt64?
    package var limit: Int?
    /// Of `set-log-level` only.
    package var level: String?

    package static let limits = 1...1000
    package static let levels = ["trace", "debug", "info", "notice", "warning", "error"]

    package init(
        _ request: ControlRequest, target: KickTarget? = nil, after: UInt64? = nil,
        limit: Int? = nil, level: String? = nil
    ) {
        self.request = request
        self.target = target
        self.after = after
        self.limit = limit
        self.level = level
    }
}

/// What an order did, one sentence each.
package struct DoneReport: Sendable, Equatable, Codable {
    package var texts: [String]

    package init(texts: [String]) { self.texts = texts }
}

/// `{"request":"watch","session":3,"fps":10}`: the answer is a line, `{"watching":{…}}`, and then
/// `FL_PICTURE` messages of the frame protocol, until the session ends with `FL_CLOSED`.
///
/// With `"planes":true` each picture comes with what it was rendered from: a line, a `WatchedFrame`,
/// then the planes as the client sent them, then the picture; and at the end the connection closes.
package struct WatchRequest: Sendable, Equatable, Codable {
    package var session: UInt64
    /// Pictures a second at most.
    package var fps: Double
    package var planes: Bool

    package static let rates = 0.01...240.0

    package init(session: UInt64, fps: Double, planes: Bool = false) {
        self.session = session
        self.fps = fps
        self.planes = planes
    }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: CodingKeys.self)
        session = try object.decode(UInt64.self, forKey: .session)
        fps = try object.decode(Double.self, forKey: .fps)
        planes = try object.decodeIfPresent(Bool.self, forKey: .planes) ?? false
    }
}

/// `{"request":"snapshot","session":3}`: the answer comes with the session's next frame, a line,
/// `{"snapshot":{…}}`, then a sheet of what the daemon understood of that frame, RGBA8, rows from the
/// top; then the connection closes.
package struct SnapshotRequest: Sendable, Equatable, Codable {
    package var session: UInt64

    package init(session: UInt64) { self.session = session }
}

/// The sheet that follows.
package struct SnapshotReport: Sendable, Equatable, Codable {
    package var session: UInt64
    package var frame: UInt64
    package var width: Int
    package var height: Int

    package init(session: UInt64, frame: UInt64, width: Int, height: Int) {
        self.session = session
        self.frame = frame
        self.width = width
        self.height = height
    }
}

/// What will be seen.
package struct WatchReport: Sendable, Equatable, Codable {
    package var session: UInt64
    package var fps: Double
    package var width: Int
    package var height: Int
    /// Whether the first row in memory is the lowest.
    package var bottomUp: Bool
    /// Of the planes, where they were asked for.
    package var layout: WatchedLayout?

    package init(
        session: UInt64, fps: Double, width: Int, height: Int, bottomUp: Bool,
        layout: WatchedLayout? = nil
    ) {
        self.session = session
        self.fps = fps
        self.width = width
        self.height = height
        self.bottomUp = bottomUp
        self.layout = layout
    }
}

/// The answer to one request, one JSON object a line: `{"stats":{…}}`, `{"sessions":[…]}`,
/// `{"health":{…}}`, `{"models":[…]}`, `{"done":{…}}` or `{"error":{"code":"…","text":"…"}}`.
package enum ControlReply: Sendable, Equatable {
    case stats(StatsReport)
    case sessions([SessionReport])
    case health(HealthReport)
    case models([ModelReport])
    case watching(WatchReport)
    case snapshot(SnapshotReport)
    case done(DoneReport)
    case error(ControlFault)
}

/// What was wrong with a request, in words that go over the socket.
package struct ControlFault: Error, Sendable, Equatable, Codable {
    package enum Code: String, Sendable, Codable {
        case notJSON = "not_json"
        case unknownRequest = "unknown_request"
        case lineTooLong = "line_too_long"
        /// An order that was not carried out; nothing changed.
        case refused
        case internalError = "internal_error"
        case noSession = "no_session"
        case notAllowed = "not_allowed"
    }

    package var code: Code
    /// One sentence for people.
    package var text: String

    package init(code: Code, text: String) {
        self.code = code
        self.text = text
    }

    package static func lineTooLong(limit: Int) -> ControlFault {
        ControlFault(
            code: .lineTooLong, text: "a request is one line of at most \(limit) bytes")
    }
}

extension ControlReply: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case stats, sessions, health, models, watching, snapshot, done, error
    }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        guard let key = Key.allCases.first(where: { object.contains($0) }) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "no known kind of reply"))
        }
        switch key {
        case .stats: self = .stats(try object.decode(StatsReport.self, forKey: key))
        case .sessions: self = .sessions(try object.decode([SessionReport].self, forKey: key))
        case .health: self = .health(try object.decode(HealthReport.self, forKey: key))
        case .models: self = .models(try object.decode([ModelReport].self, forKey: key))
        case .watching: self = .watching(try object.decode(WatchReport.self, forKey: key))
        case .snapshot:
            self = .snapshot(try object.decode(SnapshotReport.self, forKey: key))
        case .done: self = .done(try object.decode(DoneReport.self, forKey: key))
        case .error: self = .error(try object.decode(ControlFault.self, forKey: key))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        switch self {
        case .stats(let report): try object.encode(report, forKey: .stats)
        case .sessions(let reports): try object.encode(reports, forKey: .sessions)
        case .health(let report): try object.encode(report, forKey: .health)
        case .models(let reports): try object.encode(reports, forKey: .models)
        case .watching(let report): try object.encode(report, forKey: .watching)
        case .snapshot(let report): try object.encode(report, forKey: .snapshot)
        case .done(let report): try object.encode(report, forKey: .done)
        case .error(let fault): try object.encode(fault, forKey: .error)
        }
    }
}
