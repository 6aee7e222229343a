// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Everything an operator can set. `config/frameloomd.toml` explains each key; its names are
/// `section.key` as here.
struct Configuration: Sendable, Equatable {
    struct Socket: Sendable, Equatable {
        /// Absolute path, at most 107 bytes.
        var path: String
        /// Permission bits of the socket file.
        var mode: Int
        /// User and group name or number; empty: the daemon's own.
        var owner = ""
        var group = ""
    }

    struct Permissions: Sendable, Equatable {
        /// Who may change the daemon besides root and its own user, as `PeerList` reads it.
        var change = ""
        /// Who may see what other users' sessions show, likewise.
        var watch = ""
    }

    struct Models: Sendable, Equatable {
        var folder: String
        var `default` = "atrium"
    }

    struct Render: Sendable, Equatable {
        /// 0: the CPUs that this process may use, by affinity and cgroup quota.
        var threads = 0
        var pinsThreads = true
        /// "auto", or the name of a kernel path.
        var kernelPath = "auto"
        /// "auto", or the name of a precision.
        var precision = "auto"
        /// How long "auto" may time a model's precisions; 0: not at all.
        var measureMilliseconds = 1000
        /// Whether clients that ask for it get a cache, so that only what changed is rendered.
        var isIncremental = true
        /// The level of quality of clients that state none: the name of a `FrameQuality`.
        var quality = "full"
        /// Whether sessions whose clients allow it may fall below their level under load.
        var lowersQuality = true
    }

    struct Limits: Sendable, Equatable {
        var sessions = 16
        var sessionsPerUser = 8
        var pixelsPerSession = 4096 * 4096
        var pixels = 4 * 4096 * 4096
        /// Connections of engines, with a session or without.
        var connections = 1024
        /// The most that one user may hold of connections, pixels and memory where several can
        /// connect, percent.
        var userSharePercent = 75
        /// MiB of planned memory: models, workspaces and sessions.
        var memory = 4096
        var memoryPerSession = 2048
        /// MiB of these that incremental sessions' caches may take.
        var incrementalMemory = 1024
        var waitingFrames = 2
        var idleSeconds = 300
        var openSeconds = 10
        var slowReaderSeconds = 10
        var controlConnections = 16
        /// Connections that watch a session's pictures; 0: nobody may.
        var viewers = 4
        var controlIdleSeconds = 60
    }

    struct Log: Sendable, Equatable {
        var level = "info"
        /// A frame slower than this is logged with its stage times; 0: never.
        var slowFrameMilliseconds = 1000
        /// A turn of the loop longer than this is logged.
        var blockedLoopMilliseconds = 100
    }

    struct Stop: Sendable, Equatable {
        /// How long SIGTERM waits for running frames and unread pictures.
        var graceSeconds = 10
    }

    var socket: Socket
    var control: Socket
    var permissions = Permissions()
    var models: Models
    var render = Render()
    var limits = Limits()
    var log = Log()
    var stop = Stop()
}

/// What is wrong with the configuration, in words that name the key, what was found and what is
/// expected.
enum ConfigurationError: Error, Equatable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case notTOML(path: String, line: Int, column: Int, reason: String)
    case unknownKey(String, suggestion: String?)
    case wrongType(key: String, found: String, expected: String)
    case outOfRange(key: String, found: Int, allowed: ClosedRange<Int>)
    case notOneOf(key: String, found: String, allowed: [String])
    case notAnAssignment(String)
    /// A value that no daemon could start with; `needs` is the end of a sentence.
    case unusable(key: String, found: String, needs: String)
    /// The same, found in a file; `line` where it is known.
    indirect case inFile(path: String, line: Int?, ConfigurationError)
    /// All of them, in the order of the file.
    case several([ConfigurationError])

    /// One error stays itself.
    init?(_ errors: [ConfigurationError]) {
        guard let first = errors.first else { return nil }
        self = errors.count == 1 ? first : .several(errors)
    }

    /// The key whose value is wrong.
    var key: String? {
        switch self {
        case .wrongType(let key, _, _), .outOfRange(let key, _, _), .notOneOf(let key, _, _),
            .unusable(let key, _, _):
            key
        case .inFile(_, _, let error): error.key
        case .unreadable, .notTOML, .unknownKey, .notAnAssignment, .several: nil
        }
    }

    /// Whether the values of the file are not known for it.
    var hidesTheFile: Bool {
        switch self {
        case .unreadable, .notTOML: true
        default: false
        }
    }

    /// With the file and line that the value comes from, if it does.
    func placed(_ origins: [String: ConfigurationOrigin]) -> ConfigurationError {
        guard let key, case .file(let path, let line)? = origins[key] else { return self }
        return .inFile(path: path, line: line, self)
    }

    var description: String {
        switch self {
        case .unreadable(let path, let reason):
            "cannot read the configuration file \(path): \(reason)"
        case .notTOML(let path, let line, let column, let reason):
            "\(path), line \(line), column \(column): \(reason)"
        case .unknownKey(let key, .some(let suggestion)):
            "unknown configuration key '\(key)'; did you mean '\(suggestion)'?"
        case .unknownKey(let key, .none):
            "unknown configuration key '\(key)'; see config/frameloomd.toml for all keys"
        case .wrongType(let key, let found, let expected):
            "'\(key)' is \(found), but \(expected) is expected"
        case .outOfRange(let key, let found, let allowed):
            "'\(key)' is \(found), allowed is \(allowed.lowerBound) to \(allowed.upperBound)"
        case .notOneOf(let key, let found, let allowed):
            "'\(key)' is '\(found)', allowed is one of: \(allowed.joined(separator: ", "))"
        case .notAnAssignment(let text):
            "'\(text)' is not of the form key=value"
        case .unusable(let key, let found, let needs):
            "'\(key)' is '\(found)', it \(needs)"
        case .inFile(let path, let line?, let error):
            "\(path), line \(line): \(error.description)"
        case .inFile(let path, nil, let error):
            "\(path): \(error.description)"
        case .several(let errors):
            errors.map(\.description).joined(separator: "\n")
        }
    }
}
