// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFuzzer
import Foundation

// What scripts/fuzz builds and runs:
//
//     frameloom-fuzz TARGET [options of libFuzzer] [folders of inputs]

/// Set once, before libFuzzer's loop begins; a C callback cannot capture.
nonisolated(unsafe) var target: @Sendable ([UInt8]) -> Void = { _ in }

/// Of one input; of the processor, so that other programs do not count. Nanoseconds. A virtual machine that
/// waits for its host counts that as its program's work: an input is slow only if it is so each time.
let longestTime: UInt64 = 100_000_000
let attempts = 4

func processorTime() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func isSlow(_ input: [UInt8]) -> Bool {
    let start = processorTime()
    target(input)
    return processorTime() - start >= longestTime
}

let arguments = CommandLine.arguments
guard arguments.count > 1, let chosen = targets[arguments[1]] else {
    let known = targets.keys.sorted().joined(separator: ", ")
    FileHandle.standardError.write(Data("usage: frameloom-fuzz TARGET …; targets: \(known)\n".utf8))
    exit(2)
}
target = chosen

// libFuzzer keeps pointers into its arguments: these are never freed.
var words: [UnsafeMutablePointer<CChar>?] =
    ([arguments[0]] + arguments.dropFirst(2)).map { strdup($0) } + [nil]
var count = Int32(words.count - 1)
exit(
    words.withUnsafeMutableBufferPointer { buffer in
        var start = buffer.baseAddress
        return LLVMFuzzerRunDriver(&count, &start) { data, size in
            let input = Array(UnsafeBufferPointer(start: data, count: size))
            if (0..<attempts).allSatisfy({ _ in isSlow(input) }) {
                // An optimised precondition says nothing.
                FileHandle.standardError.write(Data("ERROR: one input took over 100 ms\n".utf8))
                abort()
            }
            return 0
        }
    })
