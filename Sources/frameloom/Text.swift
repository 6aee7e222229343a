// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FrameClip
import FrameTypes
import Glibc

/// For people, while the program runs: standard error, so that standard output is the result alone.
func say(_ text: String) {
    write(text + "\n", to: STDERR_FILENO)
}

/// The result: a line on standard output. A full disk or a closed output is an error, so that no script
/// takes a lost result for a good one.
func printResult(_ text: String) throws {
    let code = write(text + "\n", to: STDOUT_FILENO)
    guard code == 0 else {
        throw RunError.output("cannot write to standard output: \(FileBytes.text(ofErrno: code))")
    }
}

/// - Returns: 0, or the error number of the write that failed.
@discardableResult
func write(_ text: String, to descriptor: Int32) -> Int32 {
    var left = Array(text.utf8)[...]
    while !left.isEmpty {
        // The slice is a valid range for the whole call.
        let count = unsafe left.withUnsafeBytes { bytes in
            unsafe Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return count < 0 ? errno : EIO }
        left = left.dropFirst(count)
    }
    return 0
}

/// A number with a fixed count of digits after the point.
func decimal(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "-" : value > 0 ? "inf" : "-inf" }
    guard abs(value) < 1e15 else { return "\(value)" }
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return "\(sign)\(scaled)" }
    let fraction = String(scaled % scale)
    return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count)
        + fraction
}

func milliseconds(_ nanoseconds: UInt64) -> String { decimal(Double(nanoseconds) / 1e6, 1) }

func mebibytes(_ bytes: UInt64) -> String { decimal(Double(bytes) / 1_048_576, 1) + " MiB" }

/// "3 d 4 h", "5 h 12 min", "42 s": the two largest units.
func duration(_ nanoseconds: UInt64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    switch seconds {
    case ..<60: return "\(seconds) s"
    case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
    case ..<86400: return "\(seconds / 3600) h \(seconds / 60 % 60) min"
    default: return "\(seconds / 86400) d \(seconds / 3600 % 24) h"
    }
}

/// Text from a client or file, safe for a terminal: control characters become dots.
func printable(_ text: String) -> String {
    String(
        String.UnicodeScalarView(
            text.unicodeScalars.map {
                $0.value < 32 || (127..<160).contains($0.value) ? "." : $0
            }))
}

/// Columns as wide as their widest cell; numbers to the right.
struct Table {
    private var rows: [[String]]

    init(_ header: [String]) { rows = [header] }

    mutating func add(_ row: [String]) { rows.append(row) }

    var text: String {
        let columns = rows[0].count
        let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
        let isNumber = (0..<columns).map { column in
            rows.dropFirst().allSatisfy {
                $0[column].first.map { $0.isNumber || $0 == "-" } ?? true
            }
        }
        return rows.map { row in
            let cells = (0..<columns).map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return isNumber[column] ? space + row[column] : row[column] + space
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}

/// Nanoseconds of the monotonic clock.
func now() -> UInt64 { monotonicNow() }

/// Nanoseconds of CPU time that this process has used, in all of its threads.
func cpuTime() -> UInt64 {
    var time = timespec()
    // `time` is a local that outlives the call.
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func sleep(nanoseconds: UInt64) {
    var time = timespec(
        tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    // As above; an early return only makes the caller look at the clock sooner.
    unsafe nanosleep(&time, nil)
}
