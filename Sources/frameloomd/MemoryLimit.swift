// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameScheduler

/// How much memory may be planned: what the configuration allows, or less where the system would end
/// the process before.
enum MemoryLimit {
    /// Of a limit of the system: the rest is for what no plan counts (code, stacks, libraries, the
    /// heap's own).
    static let plannedShare = 0.8

    /// - Parameters:
    ///   - configured: bytes.
    ///   - planned: bytes that are planned and in use already, at the time of the call.
    static func bytes(configured: Int, planned: Int) -> Int {
        var limit = configured
        if let group = cgroupLimit(read: read) {
            limit = min(limit, Int(Double(group) * plannedShare))
        }
        if let space = addressSpaceLeft() {
            limit = min(limit, planned + Int(Double(space) * plannedShare))
        }
        return limit
    }

    /// The smallest memory limit among this process's cgroups (version 2 or 1), bytes.
    ///
    /// - Parameter read: a file's text; nil where there is none.
    static func cgroupLimit(read: (_ path: String) -> String?) -> Int? {
        var limits: [Int] = []
        for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let isSecond = parts[0] == "0" && parts[1].isEmpty
            guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
            var folder = ""
            for name in [Substring()] + parts[2].split(separator: "/") {
                if !name.isEmpty { folder += "/\(name)" }
                let path =
                    isSecond
                    ? "/sys/fs/cgroup\(folder)/memory.max"
                    : "/sys/fs/cgroup/memory\(folder)/memory.limit_in_bytes"
                // "max", or a number beyond any memory, is no limit.
                let words = (read(path) ?? "").split(separator: "\n")
                if let bytes = words.first.flatMap({ Int($0) }), bytes < 1 << 50 {
                    limits.append(bytes)
                }
            }
        }
        return limits.min()
    }

    /// Bytes of address space that RLIMIT_AS leaves; nil without such a limit.
    private static func addressSpaceLeft() -> Int? {
        var limit = rlimit()
        // A local that outlives the call.
        let status = unsafe getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
        guard status == 0, limit.rlim_cur < 1 << 50 else { return nil }
        let pages = (read("/proc/self/statm") ?? "").split(separator: " ").first
        let used = (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
        return max(0, Int(limit.rlim_cur) - used)
    }

    private static func read(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}
