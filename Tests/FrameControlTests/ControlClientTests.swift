// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import Testing

/// A listening Unix socket of the test's own that answers one connection with given bytes.
private final class OneAnswer {
    let path: String
    private let listener: Int32

    init() throws {
        path = "/tmp/control-\(UUID().uuidString.prefix(8)).sock"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(status == 0 && listen(listener, 4) == 0)
    }

    deinit {
        close(listener)
        unlink(path)
    }

    /// Answers in a thread of its own, in pieces, then closes.
    func answer(_ pieces: [[UInt8]], thenWait seconds: UInt32 = 0) {
        let listener = self.listener
        Thread.detachNewThread {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            var request = [UInt8](repeating: 0, count: 4096)
            _ = recv(descriptor, &request, request.count, 0)
            for piece in pieces {
                _ = send(descriptor, piece, piece.count, Int32(MSG_NOSIGNAL))
                usleep(2000)
            }
            if seconds > 0 { sleep(seconds) }
            close(descriptor)
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ControlClientTests {
    private let health = ControlReply.health(HealthReport(live: true, ready: true, model: "atrium"))

    @Test func returnsAReplyThatArrivesInPieces() throws {
        let server = try OneAnswer()
        let line = ControlLine.encode(health)
        server.answer([
            Array(line.prefix(3)), Array(line.dropFirst(3).prefix(9)), Array(line.dropFirst(12)),
        ])
        #expect(try ControlClient(path: server.path).ask(.health) == health)
    }

    @Test func throwsWhatTheDaemonRefuses() throws {
        let server = try OneAnswer()
        let fault = ControlFault(code: .unknownRequest, text: "no")
        server.answer([ControlLine.encode(.error(fault))])
        #expect(throws: ControlError.refused(fault)) {
            try ControlClient(path: server.path).ask(.models)
        }
    }

    @Test func saysHowToStartADaemonWhereNoneIs() {
        let path = "/tmp/no-daemon-\(UUID().uuidString.prefix(8)).sock"
        #expect(throws: ControlError.noDaemon(path: path)) {
            try ControlClient(path: path).ask(.stats)
        }
        let text = ControlError.noDaemon(path: path).description
        #expect(text.contains(path) && text.contains("frameloomd"))
    }

    @Test func givesUpOnADaemonThatDoesNotAnswer() throws {
        let server = try OneAnswer()
        server.answer([[UInt8(ascii: "{")]], thenWait: 1)
        #expect(throws: ControlError.timedOut(path: server.path, milliseconds: 100)) {
            try ControlClient(path: server.path, timeoutMilliseconds: 100).ask(.stats)
        }
    }

    @Test func saysThatTheConnectionEndedEarly() throws {
        let server = try OneAnswer()
        server.answer([[UInt8](#"{"health":"#.utf8)])
        #expect(throws: ControlError.closed(path: server.path)) {
            try ControlClient(path: server.path).ask(.health)
        }
    }

    @Test func refusesALineThatIsNoReply() throws {
        let server = try OneAnswer()
        server.answer([[UInt8]("hello\n".utf8)])
        #expect {
            try ControlClient(path: server.path).ask(.health)
        } throws: {
            guard case .notAReply = $0 as? ControlError else { return false }
            return true
        }
    }

    @Test func namesAPathThatIsTooLongForASocket() {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        #expect(throws: ControlError.pathTooLong(path: path, limit: 107)) {
            try ControlClient(path: path).ask(.stats)
        }
    }
}
