// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CAffinity
import Glibc

/// Which CPUs this process may use, and for how much time.
package enum AvailableProcessors {
    /// How many threads can run at once: the CPUs of the affinity mask, or fewer where a cgroup
    /// grants less time. A fraction is rounded down: the kernel stops all threads of a group for the
    /// rest of its period (100 ms) when the time is used up, which is worse than a thread less.
    package static var count: Int {
        let allowed = max(affinity.count, 1)
        guard let limit = cgroupLimit(read: readFile) else { return allowed }
        return max(1, min(allowed, Int(limit)))
    }

    /// CPU numbers of the calling thread's affinity mask, ascending; empty if the kernel does not say.
    package static var affinity: [Int] {
        var mask = [UInt64](repeating: 0, count: maskWords)
        // The array is as large as the size says.
        guard unsafe affinity_get(&mask, maskWords * 8) == 0 else { return [] }
        return (0..<maskWords * 64).filter { mask[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    }

    /// - Returns: whether the calling thread stays on `cpu` from now on.
    @discardableResult
    static func pinThread(to cpu: Int) -> Bool {
        guard (0..<maskWords * 64).contains(cpu) else { return false }
        var mask = [UInt64](repeating: 0, count: maskWords)
        mask[cpu / 64] = 1 << UInt64(cpu % 64)
        // The array is as large as the size says.
        return unsafe affinity_set(mask, maskWords * 8) == 0
    }

    /// Room for 8,192 CPUs, the most that Linux can be built for.
    private static let maskWords = 128

    /// The smallest grant of CPU time among this process's cgroups (version 2 or 1), in CPUs.
    ///
    /// - Parameter read: a file's text; nil where there is none. In a container the group's own path
    ///   can be invisible, its ancestors' files then say what is known.
    static func cgroupLimit(read: (_ path: String) -> String?) -> Double? {
        guard let groups = read("/proc/self/cgroup") else { return nil }
        var limits: [Double] = []
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            let controllers = parts[1].split(separator: ",")
            if parts[0] == "0", parts[1].isEmpty {
                for folder in ancestors(of: parts[2]) {
                    let text = read("/sys/fs/cgroup\(folder)/cpu.max") ?? ""
                    let words = text.split { $0 == " " || $0 == "\n" }
                    guard words.count == 2 else { continue }
                    limits += share(quota: words[0], period: words[1])
                }
            } else if controllers.contains("cpu") {
                for folder in ancestors(of: parts[2]) {
                    let base = "/sys/fs/cgroup/cpu\(folder)/cpu.cfs_"
                    let quota = read(base + "quota_us") ?? ""
                    let period = read(base + "period_us") ?? ""
                    limits += share(
                        quota: quota.prefix { $0 != "\n" }, period: period.prefix { $0 != "\n" })
                }
            }
        }
        return limits.min()
    }

    /// "" (the root), "/a", "/a/b" of "/a/b".
    private static func ancestors(of path: Substring) -> [String] {
        var folders = [""]
        for name in path.split(separator: "/") {
            folders.append("\(folders[folders.count - 1])/\(name)")
        }
        return folders
    }

    /// Nothing where the quota is "max" or -1: no limit.
    private static func share(quota: Substring, period: Substring) -> [Double] {
        guard let quota = Double(quota), let period = Double(period), quota > 0, period > 0
        else { return [] }
        return [quota / period]
    }

    /// A small file of /proc or /sys, whose size is known only by reading it.
    private static func readFile(_ path: String) -> String? {
        // The path is lent to the call as a C string.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        // The array holds as many bytes as are asked for.
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { return nil }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
