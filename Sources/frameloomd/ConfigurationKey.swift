// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// One key of the configuration: its name, what it accepts and where the value goes.
struct ConfigurationKey: Sendable {
    enum Value: Sendable {
        case integer(ClosedRange<Int>, @Sendable (inout Configuration, Int) -> Void)
        case boolean(@Sendable (inout Configuration, Bool) -> Void)
        case text(@Sendable (inout Configuration, String) -> Void)
        case choice([String], @Sendable (inout Configuration, String) -> Void)
        /// Permission bits, written in octal digits as a text: "0660".
        case mode(@Sendable (inout Configuration, Int) -> Void)
    }

    let name: String
    let value: Value

    static let all: [ConfigurationKey] = [
        .init(name: "socket.path", value: .text { $0.socket.path = $1 }),
        .init(name: "socket.mode", value: .mode { $0.socket.mode = $1 }),
        .init(name: "socket.owner", value: .text { $0.socket.owner = $1 }),
        .init(name: "socket.group", value: .text { $0.socket.group = $1 }),
        .init(name: "control.path", value: .text { $0.control.path = $1 }),
        .init(name: "control.mode", value: .mode { $0.control.mode = $1 }),
        .init(name: "control.owner", value: .text { $0.control.owner = $1 }),
        .init(name: "control.group", value: .text { $0.control.group = $1 }),
        .init(name: "models.folder", value: .text { $0.models.folder = $1 }),
        .init(name: "models.default", value: .text { $0.models.default = $1 }),
        .init(name: "render.threads", value: .integer(0...256) { $0.render.threads = $1 }),
        .init(name: "render.pin", value: .boolean { $0.render.pinsThreads = $1 }),
        .init(
            name: "render.kernel_path",
            value: .choice(["auto", "avx512", "avx2", "portable"]) { $0.render.kernelPath = $1 }),
        .init(name: "limits.sessions", value: .integer(1...4096) { $0.limits.sessions = $1 }),
        .init(
            name: "limits.sessions_per_user",
            value: .integer(1...4096) { $0.limits.sessionsPerUser = $1 }),
        .init(
            name: "limits.pixels_per_session",
            value: .integer(32 * 32...4096 * 4096) { $0.limits.pixelsPerSession = $1 }),
        .init(
            name: "limits.pixels",
            value: .integer(32 * 32...(1 << 40)) { $0.limits.pixels = $1 }),
        .init(name: "limits.memory_mib", value: .integer(64...(1 << 24)) { $0.limits.memory = $1 }),
        .init(
            name: "limits.memory_per_session_mib",
            value: .integer(1...(1 << 24)) { $0.limits.memoryPerSession = $1 }),
        .init(
            name: "limits.waiting_frames",
            value: .integer(1...64) { $0.limits.waitingFrames = $1 }),
        .init(
            name: "limits.idle_seconds",
            value: .integer(0...86_400 * 365) { $0.limits.idleSeconds = $1 }),
        .init(
            name: "limits.open_seconds", value: .integer(1...3600) { $0.limits.openSeconds = $1 }),
        .init(
            name: "limits.slow_reader_seconds",
            value: .integer(1...86_400) { $0.limits.slowReaderSeconds = $1 }),
        .init(
            name: "limits.control_connections",
            value: .integer(1...1024) { $0.limits.controlConnections = $1 }),
        .init(
            name: "log.level",
            value: .choice(["trace", "debug", "info", "notice", "warning", "error"]) {
                $0.log.level = $1
            }),
        .init(
            name: "log.slow_frame_ms",
            value: .integer(0...3_600_000) { $0.log.slowFrameMilliseconds = $1 }),
        .init(
            name: "log.blocked_loop_ms",
            value: .integer(1...60_000) { $0.log.blockedLoopMilliseconds = $1 }),
        .init(name: "stop.grace_seconds", value: .integer(0...3600) { $0.stop.graceSeconds = $1 }),
    ]

    static func named(_ name: String) throws(ConfigurationError) -> ConfigurationKey {
        if let key = all.first(where: { $0.name == name }) { return key }
        throw .unknownKey(name, suggestion: closestName(to: name))
    }

    /// The known key with the fewest edits to `name`, if it is close enough to be a typing error.
    private static func closestName(to name: String) -> String? {
        let ranked = all.map { (name: $0.name, distance: editDistance($0.name, name)) }
        guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(3, name.count / 3) ? best.name : nil
    }

    private static func editDistance(_ first: String, _ second: String) -> Int {
        let columns = Array(second)
        var row = Array(0...columns.count)
        for (index, character) in first.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in columns.indices {
                let substitution = diagonal + (character == columns[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substitution, row[column] + 1, diagonal + 1)
            }
        }
        return row[columns.count]
    }
}
