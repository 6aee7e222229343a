// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFuzzer
import Glibc

#if FUZZING
    @testable import DaemonConfiguration
#else
    @testable import frameloomd
#endif

/// The daemon's configuration file, and what `--check-config` says about it.
enum ConfigurationTarget {
    /// One file in memory, written anew for each input.
    private static let descriptor = fuzz_memory_file(0)

    static func run(_ input: [UInt8]) {
        guard ftruncate(descriptor, 0) == 0,
            pwrite(descriptor, input, input.count, 0) == input.count
        else { return }
        var settings = Configuration(
            socket: .init(path: "/run/frames.sock", mode: 0o600),
            control: .init(path: "/run/control.sock", mode: 0o600), models: .init(folder: "/m"))
        do {
            try settings.read(path: "/proc/self/fd/\(descriptor)")
        } catch {
            precondition(!error.description.isEmpty, "an error says what is wrong")
            return
        }
        for problem in settings.problems() { _ = problem.description }
        for key in ConfigurationKey.all { _ = key.read(settings) }
    }
}
