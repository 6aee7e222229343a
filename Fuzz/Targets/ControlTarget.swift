// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameSocket

/// What comes on the control socket, in reads of any length (the input's first byte), and what a
/// command makes of the daemon's answers.
enum ControlTarget {
    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let piece = Int(reader.byte()) + 1
        var lines = LineReader(limit: ControlLine.maxRequestBytes)
        while !reader.isEmpty {
            guard let complete = try? lines.append(Array(reader.bytes(piece))) else { return }
            for line in complete { answer(line) }
        }
    }

    private static func answer(_ line: String) {
        let bytes = Array(line.utf8)
        do {
            if try ControlLine.watchRequest(from: bytes) != nil { return }
            let call = try ControlLine.call(from: bytes)
            let again = try? ControlLine.call(from: ControlLine.encode(call).dropLast())
            precondition(again == call, "a request is itself after a round trip")
        } catch {
            let reply = ControlLine.encode(.error(error))
            precondition(reply.last == 0x0A && reply.dropLast().allSatisfy { $0 >= 0x20 })
        }
        _ = try? ControlLine.reply(from: bytes)
    }
}
