// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameProtocol
import FrameTypes
import TestSupport
import Testing

/// The C client and the daemon's Swift code write the same bytes and read each other's.
@Suite(.timeLimit(.minutes(1))) struct SameBytesTests {
    private let size = FrameSize(width: 64, height: 48)

    @Test func clientMessagesAreWhatTheEncoderWrites() throws {
        let size = size
        let daemon = try ScriptedDaemon { listener in
            let socket = try listener.accept()
            for _ in 0..<4 {
                guard let message = try socket.receive() else {
                    throw ScriptFailure(text: "closed early")
                }
                let head = WireMessage.bytes(of: message.header) + message.body
                try expect(Self.encodedAgain(head) == head, "type \(message.header.type) differs")
                switch UInt32(message.header.type) {
                case FL_OPEN, FL_RECONFIGURE:
                    try socket.sendOpened(for: message.body(as: fl_open.self))
                case FL_FRAME:
                    try socket.send(Reply.picture(message.header.frame_id, size))
                default:
                    try socket.send(WireMessage(FL_CLOSED))
                }
            }
        }
        var open = SyntheticFrame.open(size)
        // The encoder states every row stride; 0 would mean the same.
        SyntheticFrame.setPlanes(
            &open,
            [
                (FL_BASE_COLOR, FL_RGBA8_SRGB, 256), (FL_NORMALS, FL_RGB8_UNORM, 192),
                (FL_DEPTH, FL_R16, 128), (FL_ROUGHNESS, FL_R8, 64), (FL_METALLIC, FL_R8, 64),
            ])
        open.frame_budget_us = 33_000
        open.view_index = 1
        setText(&open.model, "atrium")
        // Its complaint says more than the client's about a connection that it closed.
        defer { #expect(daemon.finish() == nil) }
        let client = try EngineClient(daemon.path)
        try client.open(open)
        var frame = SyntheticFrame(size, index: 3)
        frame.body.jitter_x = 0.25
        frame.body.jitter_y = -0.5
        try client.send(9, frame, flags: FL_FRAME_RESET)
        _ = try client.wait()
        try client.reconfigure(open, keepHistory: true)
        try client.finish()
    }

    private static func encodedAgain(_ head: [UInt8]) throws -> [UInt8] {
        var decoder = MessageDecoder()
        var decoded: Message?
        var rest = head[...]
        while decoded == nil, !rest.isEmpty {
            let wanted = min(decoder.wantedByteCount, rest.count)
            decoded = try decoder.append(rest.prefix(wanted))
            rest = rest.dropFirst(wanted)
        }
        switch decoded {
        case .open(let request, let history):
            return MessageEncoder.open(request, history: history)
        case .reconfigure(let request, let keepsHistory):
            return MessageEncoder.reconfigure(request, keepsHistory: keepsHistory)
        case .frame(let frame): return MessageEncoder.frame(frame)
        case .share(let slots): return MessageEncoder.share(slots)
        case .reset: return MessageEncoder.reset()
        case .close: return MessageEncoder.close()
        case .refusedFrame(let refused): throw refused.error
        case nil: throw ScriptFailure(text: "not a whole message")
        }
    }
}
