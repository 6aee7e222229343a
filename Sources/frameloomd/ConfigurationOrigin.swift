// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation

/// Where the value of a key came from.
enum ConfigurationOrigin: Equatable, CustomStringConvertible {
    case standard
    case environment(String)
    case file(path: String, line: Int)
    case commandLine
    /// The control socket goes where the frame socket is.
    case follows(String)

    var description: String {
        switch self {
        case .standard: "default"
        case .environment(let name): "environment, \(name)"
        case .file(let path, let line): "\(path), line \(line)"
        case .commandLine: "command line"
        case .follows(let key): "beside \(key)"
        }
    }

    /// Of every key, for a configuration that was read from these without an error.
    static func all(
        file: String?, assignments: [String], environment: [String: String]
    ) -> [String: ConfigurationOrigin] {
        var origins: [String: ConfigurationOrigin] = [:]
        for key in ConfigurationKey.all { origins[key.name] = .standard }
        for (key, name) in [
            ("socket.path", "FRAMELOOM_SOCKET"), ("control.path", "FRAMELOOM_CONTROL"),
        ] {
            if !(environment[name] ?? "").isEmpty {
                origins[key] = .environment(name)
            } else if geteuid() != 0, !(environment["XDG_RUNTIME_DIR"] ?? "").isEmpty {
                origins[key] = .environment("XDG_RUNTIME_DIR")
            }
        }
        if let file, let text = try? String(contentsOfFile: file, encoding: .utf8),
            let read = try? TOMLFile(text)
        {
            for entry in read.entries { origins[entry.key] = .file(path: file, line: entry.line) }
        }
        for assignment in assignments {
            let name = String(assignment.prefix { $0 != "=" })
            if origins[name] != nil { origins[name] = .commandLine }
        }
        if origins["control.path"] == .standard, origins["socket.path"] != .standard {
            origins["control.path"] = .follows("socket.path")
        }
        return origins
    }
}
