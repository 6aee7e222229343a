// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    @Suite(.serialized, .daemon(), .timeLimit(.minutes(10))) struct GatewayTests {
        private let size = FrameSize(width: 64, height: 64)

        private func open(
            _ client: WebSocketClient, format: UInt32 = FL_PICTURE_RGBA8_SRGB,
            mailbox: UInt32 = FL_MAILBOX_EVERY
        ) throws {
            var open = SyntheticFrame.open(size, mailbox: mailbox)
            open.picture_format = UInt8(format)
            try client.send(.open(open))
            #expect(try client.receiveReply().header.type == FL_OPENED)
        }

        @Test func relaysTheSamePicturesThatASocketGets() throws {
            let daemon = try sharedDaemon()
            let gateway = try GatewayProgram(socket: daemon.framePath)
            let frame = SyntheticFrame(size, index: 0)
            let direct = try EngineClient(daemon.framePath)
            try direct.open(SyntheticFrame.open(size))
            let expected = try direct.render(1, frame)
            try direct.finish()

            let browser = try gateway.connect(origin: "http://127.0.0.1:\(gateway.port)")
            try open(browser)
            try browser.send(.frame(1, frame))
            let reply = try browser.receiveReply()
            #expect(reply.header.type == FL_PICTURE)
            #expect(reply.payload == expected)
            try browser.send(WireMessage(FL_CLOSE))
            #expect(try browser.receiveReply().header.type == FL_CLOSED)
            #expect(try browser.receiveClose()?.closeCode == 1000)
        }

        @Test func sendsJPEGWhereItIsAskedFor() throws {
            let gateway = try GatewayProgram(socket: try sharedDaemon().framePath)
            let browser = try gateway.connect()
            try open(browser, format: FL_PICTURE_JPEG)
            try browser.send(.frame(1, SyntheticFrame(size, index: 0)))
            let reply = try browser.receiveReply()
            let picture = reply.body(as: fl_picture.self)
            #expect(picture.format == FL_PICTURE_JPEG)
            #expect(picture.width == 64)
            #expect(reply.payload.prefix(3) == [0xff, 0xd8, 0xff])
            #expect(reply.payload.suffix(2) == [0xff, 0xd9])
        }

        @Test func refusesHandshakesWithAReason() throws {
            let daemon = try sharedDaemon()
            let gateway = try GatewayProgram(socket: daemon.framePath)
            func answer(
                path: String? = nil, host: String? = nil, origin: String? = nil,
                subprotocol: String? = "frameloom-1"
            ) throws -> String {
                try WebSocketClient(port: gateway.port).handshake(
                    port: gateway.port, path: path ?? gateway.path, host: host, origin: origin,
                    subprotocol: subprotocol)
            }
            let foreign = try answer(origin: "https://evil.example")
            #expect(foreign.prefix(14).contains(" 403 ") && foreign.contains("origin"))
            let wrong = try answer(path: "/frames?token=wrong-token-0123456789")
            #expect(wrong.prefix(14).contains(" 401 ") && wrong.contains("token"))
            #expect(try answer(path: "/frames").prefix(14).contains(" 401 "))
            #expect(try answer(host: "evil.example").prefix(14).contains(" 403 "))
            #expect(try answer(path: "/other").prefix(14).contains(" 404 "))
            try daemon.expectGoodService()
        }

        @Test func refusesMessagesWithAReason() throws {
            let daemon = try sharedDaemon()
            let gateway = try GatewayProgram(socket: daemon.framePath)
            let before = gateway.memory

            let large = try gateway.connect()
            try large.send([1, 2, 3], claiming: 10 << 30)
            let tooLarge = try #require(try large.receiveClose())
            #expect(tooLarge.closeCode == 1009)
            #expect(tooLarge.closeText.contains("\(10 << 30) bytes"))

            let text = try gateway.connect()
            try text.send(opcode: 1, Array("hello".utf8))
            #expect(try text.receiveClose()?.closeCode == 1003)

            let short = try gateway.connect()
            try short.send([1, 2, 3])
            #expect(try short.receiveClose()?.closeCode == 1002)

            // What only the daemon can judge, it judges.
            let wrong = try gateway.connect()
            try wrong.send(WireMessage(FL_CLOSE))
            let refusal = try wrong.receiveReply()
            #expect(refusal.header.type == FL_ERROR)
            #expect(gateway.memory - before < 64 << 20)
            try daemon.waitUntilUnused()
            try daemon.expectGoodService()
        }

        @Test func endsHandshakesThatTrickle() throws {
            let gateway = try GatewayProgram(socket: try sharedDaemon().framePath)
            let slow = try WebSocketClient(port: gateway.port)
            // Right so far, and never at its end.
            let start = ContinuousClock.now
            let head = "GET \(gateway.path) HTTP/1.1\r\nHost: 127.0.0.1:\(gateway.port)\r\nX-Slow: "
            var bytes = Array(head.utf8)[...]
            var isOpen = true
            var answer: [UInt8] = []
            while isOpen, ContinuousClock.now - start < .seconds(60) {
                do { try slow.write([bytes.popFirst() ?? 65]) } catch { isOpen = false }
                var part = [UInt8](repeating: 0, count: 512)
                let count = recv(slow.descriptor, &part, part.count, Int32(MSG_DONTWAIT))
                if count == 0 { isOpen = false }
                answer += part.prefix(max(count, 0))
                usleep(100_000)
            }
            #expect(!isOpen, "a handshake of one byte now and then is still open")
            let words = String(decoding: answer, as: UTF8.self)
            #expect(words.hasPrefix("HTTP/1.1 408 "))
            #expect(words.hasSuffix("the request did not come to its end within 5 seconds"))
            // Others are served while it lasts, and after.
            try open(try gateway.connect())
        }

        @Test func aFrozenTabKeepsOneFrameAndHurtsNobody() throws {
            let daemon = try sharedDaemon()
            let gateway = try GatewayProgram(socket: daemon.framePath)
            let frozen = try gateway.connect()
            try open(frozen, mailbox: FL_MAILBOX_LATEST)
            // It sends and never reads.
            for id in 1...400 {
                try frozen.send(.frame(UInt64(id), SyntheticFrame(size, index: 0)))
            }
            let other = try gateway.connect()
            try open(other)
            for id in 1...20 {
                try other.send(.frame(UInt64(id), SyntheticFrame(size, index: id)))
                #expect(try other.receiveReply().header.frame_id == UInt64(id))
            }
            // Then it wakes: what it gets ends with the newest frame, in order.
            var last: UInt64 = 0
            while last < 400 {
                let reply = try frozen.receiveReply()
                #expect(reply.header.type == FL_PICTURE)
                #expect(reply.header.frame_id > last)
                last = reply.header.frame_id
            }
            try daemon.expectGoodService()
        }

        @Test func showsSessionsWhereItMay() throws {
            let daemon = try sharedDaemon()
            let gateway = try GatewayProgram(
                socket: daemon.framePath, options: ["--control", daemon.controlPath])
            let client = try EngineClient(daemon.framePath)
            let session = try client.open(SyntheticFrame.open(size)).session_id
            let viewer = try WebSocketClient(
                port: gateway.port,
                path: gateway.path.replacing("/frames", with: "/watch")
                    + "&session=\(session)&fps=200")
            let first = try #require(try viewer.receive())
            #expect(first.opcode == 1)
            #expect(String(decoding: first.payload, as: UTF8.self).contains("\"width\":64"))
            let picture = try client.render(1, SyntheticFrame(size, index: 0))
            #expect(try viewer.receiveReply().payload == picture)
            try client.finish()
            #expect(try viewer.receiveReply().header.type == FL_CLOSED)
            #expect(try viewer.receiveClose()?.closeCode == 1000)

            let lost = try WebSocketClient(
                port: gateway.port,
                path: gateway.path.replacing("/frames", with: "/watch")
                    + "&session=999999")
            let answer = try #require(try lost.receive())
            #expect(String(decoding: answer.payload, as: UTF8.self).contains("no session 999999"))
            #expect(try lost.receiveClose()?.closeCode == 1000)

            let loud = try WebSocketClient(
                port: gateway.port, path: gateway.path.replacing("/frames", with: "/watch"))
            try loud.send(WireMessage(FL_RESET))
            #expect(try loud.receiveClose() != nil)
            try daemon.expectGoodService()
        }

        @Test func saysThatThereIsNoDaemon() throws {
            let folder = try TestFolder()
            let gateway = try GatewayProgram(socket: folder.path + "/nobody.sock")
            let browser = try gateway.connect()
            let end = try #require(try browser.receiveClose())
            #expect(end.closeCode == 1011)
            #expect(end.closeText.contains("no daemon"))
        }

        @Test func servesItsPageAndNothingElse() throws {
            let gateway = try GatewayProgram(socket: try sharedDaemon().framePath)
            func get(_ path: String) throws -> String {
                try WebSocketClient(port: gateway.port).request(
                    "GET \(path) HTTP/1.1\r\nHost: localhost:\(gateway.port)\r\nConnection: close\r\n\r\n"
                )
            }
            let page = try get("/")
            #expect(page.hasPrefix("HTTP/1.1 200") && page.contains("<canvas"))
            #expect(try get("/clients/javascript/frameloom.js").hasPrefix("HTTP/1.1 200"))
            for path in ["/../Package.swift", "/%2e%2e/Package.swift", "//etc/passwd", "/walk"] {
                let answer = try get(path)
                #expect(answer.prefix(10).hasSuffix(" 4"), "\(path): \(answer.prefix(60))")
            }
        }
    }
}
