// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralDenoiser

/// One key of the configuration: its name, what it accepts and where the value goes.
struct ConfigurationKey: Sendable {
    typealias Path<Value> = WritableKeyPath<Configuration, Value> & Sendable

    enum Value: Sendable {
        case integer(ClosedRange<Int>, Path<Int>)
        case boolean(Path<Bool>)
        case text(Path<String>)
        case choice([String], Path<String>)
        /// Permission bits, written in octal digits as a text: "0660".
        case mode(Path<Int>)
    }

    let name: String
    let value: Value

    private static let fewestPixels = FrameSize.sides.lowerBound * FrameSize.sides.lowerBound
    private static let mostPixels = FrameSize.sides.upperBound * FrameSize.sides.upperBound

    static let all: [ConfigurationKey] = [
        .init(name: "socket.path", value: .text(\.socket.path)),
        .init(name: "socket.mode", value: .mode(\.socket.mode)),
        .init(name: "socket.owner", value: .text(\.socket.owner)),
        .init(name: "socket.group", value: .text(\.socket.group)),
        .init(name: "control.path", value: .text(\.control.path)),
        .init(name: "control.mode", value: .mode(\.control.mode)),
        .init(name: "control.owner", value: .text(\.control.owner)),
        .init(name: "control.group", value: .text(\.control.group)),
        .init(name: "control.change", value: .text(\.permissions.change)),
        .init(name: "control.watch", value: .text(\.permissions.watch)),
        .init(name: "models.folder", value: .text(\.models.folder)),
        .init(name: "models.default", value: .text(\.models.default)),
        .init(name: "render.threads", value: .integer(0...256, \.render.threads)),
        .init(name: "render.pin", value: .boolean(\.render.pinsThreads)),
        .init(
            name: "render.kernel_path",
            value: .choice(["auto"] + KernelPath.allCases.map(\.rawValue), \.render.kernelPath)),
        .init(
            name: "render.precision",
            value: .choice(["auto"] + Precision.allCases.map(\.rawValue), \.render.precision)),
        .init(
            name: "render.measure_ms", value: .integer(0...60_000, \.render.measureMilliseconds)),
        .init(name: "render.incremental", value: .boolean(\.render.isIncremental)),
        .init(
            name: "render.quality",
            value: .choice(FrameQuality.allCases.map(\.name), \.render.quality)),
        .init(name: "render.lowers_quality", value: .boolean(\.render.lowersQuality)),
        .init(name: "limits.sessions", value: .integer(1...4096, \.limits.sessions)),
        .init(
            name: "limits.sessions_per_user",
            value: .integer(1...4096, \.limits.sessionsPerUser)),
        .init(
            name: "limits.connections", value: .integer(1...65_536, \.limits.connections)),
        .init(
            name: "limits.user_share_percent",
            value: .integer(1...100, \.limits.userSharePercent)),
        .init(
            name: "limits.pixels_per_session",
            value: .integer(fewestPixels...mostPixels, \.limits.pixelsPerSession)),
        .init(
            name: "limits.pixels",
            value: .integer(fewestPixels...(1 << 40), \.limits.pixels)),
        .init(name: "limits.memory_mib", value: .integer(64...(1 << 24), \.limits.memory)),
        .init(
            name: "limits.memory_per_session_mib",
            value: .integer(1...(1 << 24), \.limits.memoryPerSession)),
        .init(
            name: "limits.incremental_memory_mib",
            value: .integer(0...(1 << 24), \.limits.incrementalMemory)),
        .init(
            name: "limits.waiting_frames",
            value: .integer(1...64, \.limits.waitingFrames)),
        .init(
            name: "limits.idle_seconds",
            value: .integer(0...86_400 * 365, \.limits.idleSeconds)),
        .init(
            name: "limits.open_seconds", value: .integer(1...3600, \.limits.openSeconds)),
        .init(
            name: "limits.slow_reader_seconds",
            value: .integer(1...86_400, \.limits.slowReaderSeconds)),
        .init(
            name: "limits.control_connections",
            value: .integer(1...1024, \.limits.controlConnections)),
        .init(name: "limits.viewers", value: .integer(0...1024, \.limits.viewers)),
        .init(
            name: "limits.control_idle_seconds",
            value: .integer(1...86_400, \.limits.controlIdleSeconds)),
        .init(
            name: "log.level",
            value: .choice(["trace", "debug", "info", "notice", "warning", "error"], \.log.level)),
        .init(
            name: "log.slow_frame_ms",
            value: .integer(0...3_600_000, \.log.slowFrameMilliseconds)),
        .init(
            name: "log.blocked_loop_ms",
            value: .integer(1...60_000, \.log.blockedLoopMilliseconds)),
        .init(name: "stop.grace_seconds", value: .integer(0...3600, \.stop.graceSeconds)),
    ]

    /// The value in `settings`, as it is written in the file.
    func read(_ settings: Configuration) -> String {
        switch value {
        case .integer(_, let path): "\(settings[keyPath: path])"
        case .boolean(let path): "\(settings[keyPath: path])"
        case .text(let path), .choice(_, let path): "\"\(settings[keyPath: path])\""
        case .mode(let path): "\"0\(String(settings[keyPath: path], radix: 8))\""
        }
    }

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
