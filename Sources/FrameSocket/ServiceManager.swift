// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// The release build finds the socket constants through this module only.
import CUV
import Glibc

/// A listening socket that the service manager handed over, with the name its unit gave it.
package struct InheritedSocket: Sendable, Hashable {
    package var name: String
    package var descriptor: Int32
}

/// What a service manager (systemd) told this process in its environment: sockets to serve and where
/// to report. Without one everything is empty and reports go nowhere.
package struct ServiceManager: Sendable {
    package let sockets: [InheritedSocket]
    /// Nanoseconds within which `watchdog` must be called again; nil: nobody watches.
    package let watchdogTime: UInt64?
    private let notifyPath: String?

    private static let names = [
        "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC",
        "WATCHDOG_PID",
    ]

    /// Reads the environment and clears it, so that no child believes it was meant. Before any other
    /// thread starts: the environment has no lock.
    package static func take() -> ServiceManager {
        var variables: [String: String] = [:]
        for name in names {
            if let value = getenv(name) { variables[name] = String(cString: value) }
            unsetenv(name)
        }
        return ServiceManager(variables: variables)
    }

    /// - Parameter firstDescriptor: 3 by the protocol; others for tests.
    package init(
        variables: [String: String], processID: Int32 = getpid(), firstDescriptor: Int32 = 3
    ) {
        func isForUs(_ name: String) -> Bool {
            variables[name].map { Int32($0) == processID } ?? true
        }
        let count = variables["LISTEN_FDS"].flatMap { Int32($0) } ?? 0
        // Descriptors beyond the limit cannot exist; a broken count must not make a huge list.
        if variables["LISTEN_PID"] != nil, isForUs("LISTEN_PID"), (1...1_024).contains(count) {
            let names = (variables["LISTEN_FDNAMES"] ?? "").split(
                separator: ":", omittingEmptySubsequences: false)
            sockets = (0..<count).map { index in
                InheritedSocket(
                    name: Int(index) < names.count ? String(names[Int(index)]) : "",
                    descriptor: firstDescriptor + index)
            }
        } else {
            sockets = []
        }
        let watchdog = variables["WATCHDOG_USEC"].flatMap { UInt64($0) } ?? 0
        watchdogTime =
            watchdog > 0 && watchdog <= .max / 1_000 && isForUs("WATCHDOG_PID")
            ? watchdog * 1_000 : nil
        notifyPath = variables["NOTIFY_SOCKET"].flatMap { path in
            path.hasPrefix("/") || path.hasPrefix("@") ? path : nil
        }
    }

    package var isPresent: Bool { notifyPath != nil }

    /// The daemon serves; for `Type=notify` the unit counts as started from here.
    package func ready(status: String) { notify("READY=1\nSTATUS=\(status)") }
    /// One line for `systemctl status`.
    package func status(_ text: String) { notify("STATUS=\(text)") }
    package func watchdog() { notify("WATCHDOG=1") }
    /// Until the next `ready`. The time lets the manager tell this reload from an earlier one.
    package func reloading() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        notify("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)")
    }
    package func stopping() { notify("STOPPING=1") }

    /// Reports are hints: a manager that does not take one changes nothing here.
    private func notify(_ text: String) {
        guard let notifyPath, notifyPath.utf8.count <= SocketAddress.pathLimit else { return }
        let kind = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = withAddress(notifyPath) { address, byteCount in
            // `text` is lent to the call with its size.
            Int32(
                sendto(
                    descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL), address,
                    byteCount))
        }
    }
}
