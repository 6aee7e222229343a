// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Logging

/// The journal of systemd: entries with a priority and fields, so that `journalctl SESSION=3` or
/// `journalctl -p warning` finds them.
///
/// Source: systemd's "Native Journal Protocol", https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
enum Journal {
    static let socketPath = "/run/systemd/journal/socket"

    /// Whether what is written to `descriptor` ends in the journal anyway: the service manager says in
    /// JOURNAL_STREAM which device and inode that is.
    static func reads(_ descriptor: Int32, environment: [String: String]) -> Bool {
        var status = stat()
        // A local that outlives the call.
        guard let stream = environment["JOURNAL_STREAM"], unsafe fstat(descriptor, &status) == 0
        else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// One entry, as a text of `FIELD=value` lines.
    /// - Parameters:
    ///   - message: without control characters, as all of the values.
    ///   - fields: names in any case; `session` becomes SESSION.
    static func entry(
        level: Logger.Level, message: String, fields: [(name: String, value: String)]
    ) -> String {
        let own = ["PRIORITY=\(priority(level))", "SYSLOG_IDENTIFIER=frameloomd"]
        let others = fields.map { name, value in "\(fieldName(name))=\(value)" }
        return (own + ["MESSAGE=\(message)"] + others).joined(separator: "\n") + "\n"
    }

    /// Those of syslog.
    static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }

    /// Capital letters, digits and underscores; the journal refuses others.
    private static func fieldName(_ name: String) -> String {
        String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
