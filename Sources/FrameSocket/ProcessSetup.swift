// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// What a daemon sets for its whole process before anything else runs.
package enum ProcessSetup {
    /// Call once at the start of `main`, before any thread.
    package static func prepare() {
        openStandardDescriptors()
        clearSignalMask()
        ignoreBrokenPipes()
        raiseDescriptorLimit()
    }

    /// Whatever of 0, 1 and 2 the launcher left closed becomes /dev/null. Otherwise the next socket or
    /// libuv's own descriptor would get the number, and log lines would be written into it.
    package static func openStandardDescriptors() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is the one that is missing.
            _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
        }
    }

    /// A parent can leave signals blocked (Foundation's `Process` blocks SIGTERM in its children); a
    /// daemon that never hears SIGTERM cannot be stopped.
    package static func clearSignalMask() {
        var none = sigset_t()
        sigemptyset(&none)
        sigprocmask(SIG_SETMASK, &none, nil)
    }

    /// A client that went away is an error of its write, not the end of the daemon.
    package static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Raises the soft limit of open files to the hard one.
    ///
    /// - Returns: the limit now.
    @discardableResult
    package static func raiseDescriptorLimit() -> UInt64 {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }
}
