// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Glibc
import Testing

@testable import FrameScheduler

@Suite struct ThreadSliceTests {
    /// The kernel says what a thread's slice is (/proc, Linux 6.12 and later with SCHED_DEBUG).
    @Test func aThreadHasTheSliceThatItAsksFor() async throws {
        let slices: [String?] = await withCheckedContinuation { continuation in
            // A thread of its own, so that no other test's gets them.
            Thread.detachNewThread {
                let slices = [ThreadSlice.loop, ThreadSlice.rendering].map { wanted in
                    wanted.take() ? Self.slice() : "refused"
                }
                continuation.resume(returning: slices)
            }
        }
        guard slices[0] != nil else { return }
        #expect(slices[0] != slices[1])
        #expect(!slices.contains("refused"))
    }

    private static func slice() -> String? {
        let text = try? String(contentsOfFile: "/proc/thread-self/sched", encoding: .utf8)
        return text?.split(separator: "\n").first { $0.hasPrefix("se.slice") }.map(String.init)
    }
}
