// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Logging

/// One event, one line: time, level, text, then what belongs to it as `key=value`. Control
/// characters are written as escapes: texts of clients and of model files are in here.
///
/// For the journal, which knows time and level itself: the same as the entry's message, and each word a field.
struct LineLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let level: LogLevel
    private let queue: LogQueue

    /// - Parameter level: one for all loggers; whoever sets it, sets it for all.
    init(label: String, level: LogLevel, queue: LogQueue) {
        self.label = label
        self.level = level
        self.queue = queue
    }

    var logLevel: Logger.Level {
        get { level.value }
        set { level.value = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let words = metadata.merging(event.metadata ?? [:]) { _, own in own }
            .sorted { $0.key < $1.key }
        var text = Self.escaped("\(event.message)")
        for (key, value) in words { text += " \(key)=\(Self.quoted("\(value)"))" }
        if case .journal = queue.sink {
            let fields = words.map { (name: $0.key, value: Self.escaped("\($0.value)")) }
            queue.append(Journal.entry(level: event.level, message: text, fields: fields))
        } else {
            queue.append("\(Self.timestamp()) \(event.level) \(label): \(text)")
        }
    }

    private static func quoted(_ text: String) -> String {
        text.isEmpty || text.contains(" ") ? "\"\(escaped(text))\"" : escaped(text)
    }

    static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
                result += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Line and paragraph separators end lines as well, for some readers.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || scalar.value == 0x2028
            || scalar.value == 0x2029
    }

    /// UTC with milliseconds: 2026-11-28T09:52:09.123Z.
    private static func timestamp() -> String {
        var now = timespec()
        var parts = unsafe tm()
        // Locals that outlive the calls.
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        unsafe gmtime_r(&now.tv_sec, &parts)
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        // Only the numbers are read; `tm` is called unsafe for its pointer to the zone's name.
        let (year, month, date) = unsafe (parts.tm_year, parts.tm_mon, parts.tm_mday)
        let (hour, minute, second) = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
        let day = "\(Int(year) + 1900)-\(digits(Int(month) + 1, 2))-\(digits(Int(date), 2))"
        let time = "\(digits(Int(hour), 2)):\(digits(Int(minute), 2)):\(digits(Int(second), 2))"
        return "\(day)T\(time).\(digits(Int(now.tv_nsec) / 1_000_000, 3))Z"
    }
}
