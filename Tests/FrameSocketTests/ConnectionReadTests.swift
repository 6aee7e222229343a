// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import FrameTypes
import Glibc
import Testing

@testable import FrameSocket

@Suite(.timeLimit(.minutes(1))) struct ConnectionReadTests {
    @Test func echoesEightMegabytesBothWaysAtOnce() throws {
        let size = 8 << 20
        let record = Record()
        let received = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connection.start(
                        record.handlers(didRead: { event in
                            guard case .bytes(let part) = event else { return }
                            connection.write(part)
                        }))
                }, onError: { Issue.record($0) })
        }) { path -> [UInt8]? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            DispatchQueue.global().async { client.send(pattern(size)) }
            return client.receive(size)
        }
        #expect(areEqual(received, pattern(size)))
        #expect(areEqual(record.bytes, pattern(size)))
        #expect(record.closes == 1)
    }

    @Test func payloadIsReadStraightIntoItsStorageAndSentFromIt() throws {
        let size = 8 << 20
        let storage = PixelStorage(byteCount: size)
        var filled = 0
        let record = Record()
        let received = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connection.start(
                        record.handlers(
                            target: { filled < size ? .storage(storage, filled..<size) : nil },
                            didRead: { event in
                                guard case .stored(let count) = event else { return }
                                filled += count
                                guard filled == size else { return }
                                connection.write([7, 8, 9], payload: storage) {
                                    record.outcomes.append($0)
                                }
                            }))
                }, onError: { Issue.record($0) })
        }) { path -> [UInt8]? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            client.send(pattern(size))
            return client.receive(size + 3)
        }
        #expect(areEqual(storage.copiedBytes(), pattern(size)))
        #expect(areEqual(received, [7, 8, 9] + pattern(size)))
        #expect(record.outcomes == [.sent])
    }

    /// Bytes that come in ones and twos, and together, never run over into the next target.
    @Test func readsNoMoreThanTheTargetAsksFor() throws {
        let sizes = [32, 5, 100, 1, 70_000, 64]
        let message = pattern(sizes.reduce(0, +))
        let storage = PixelStorage(byteCount: 70_000)
        var (part, filled) = (0, 0)
        var parts = [[UInt8]](repeating: [], count: sizes.count)
        var discarded = 0
        let record = Record()
        let answer = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connection.start(
                        record.handlers(
                            target: {
                                guard part < sizes.count else { return nil }
                                switch part {
                                case 2: return .discard(atMost: sizes[part] - filled)
                                case 4: return .storage(storage, filled..<sizes[part])
                                default: return .bytes(atMost: sizes[part] - filled)
                                }
                            },
                            didRead: { event in
                                switch event {
                                case .bytes(let bytes):
                                    parts[part] += bytes
                                    filled += bytes.count
                                case .stored(let count): filled += count
                                case .attached: break
                                case .discarded(let count):
                                    filled += count
                                    discarded += count
                                }
                                // The client waits for this after each of the first 37 bytes.
                                if part < 2 { connection.write([0]) }
                                guard filled == sizes[part] else { return }
                                (part, filled) = (part + 1, 0)
                                if part == sizes.count { connection.write([1]) }
                            }))
                }, onError: { Issue.record($0) })
        }) { path -> [UInt8]? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            for index in 0..<37 {
                client.send([message[index]])
                guard client.receive(1) == [0] else { return nil }
            }
            for index in 37..<150 { client.send([message[index]]) }
            client.send(Array(message[150...]))
            return client.receive(1)
        }
        #expect(answer == [1])
        #expect(parts[0] == Array(message[0..<32]))
        #expect(parts[1] == Array(message[32..<37]))
        #expect(discarded == 100)
        #expect(parts[3] == [message[137]])
        #expect(storage.copiedBytes() == Array(message[138..<70_138]))
        #expect(parts[5] == Array(message[70_138...]))
        #expect(record.events >= 37 + 4)
    }

    @Test func noTargetHoldsThePeerBackUntilReadingResumes() throws {
        let size = 4 << 20
        var isOpen = false
        let record = Record()
        let opening = LateWaker()
        let taken = try serve({ loop, listener in
            opening.set(
                try loop.makeWaker {
                    isOpen = true
                    record.connection?.resumeReading()
                })
            listener.start(
                onConnection: { connection in
                    record.connection = connection
                    connection.start(
                        record.handlers(
                            target: { isOpen ? .bytes(atMost: 64 << 10) : nil },
                            didRead: { _ in
                                if record.bytes.count == size { connection.write([1]) }
                            }))
                }, onError: { Issue.record($0) })
        }) { path -> Int? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            // As much as the kernel takes while the daemon does not read.
            client.send([pattern(size)[0]])
            usleep(50_000)
            let first = 1 + client.send(Array(pattern(size)[1...]), flags: Int32(MSG_DONTWAIT))
            opening.wake()
            client.send(Array(pattern(size)[first...]))
            return client.receive(1) == [1] ? first : nil
        }
        #expect(taken.map { $0 < size / 2 } == true, "the kernel took \(taken ?? -1) bytes")
        #expect(areEqual(record.bytes, pattern(size)))
    }

    @Test func endOfStreamIsReportedOnceAndWritingGoesOn() throws {
        let record = Record()
        let received = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connection.start(
                        record.handlers(didEnd: { _ in
                            connection.resumeReading()
                            connection.write(pattern(1 << 20))
                            connection.closeAfterWrites()
                        }))
                }, onError: { Issue.record($0) })
        }) { path -> [UInt8]? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            client.send([1, 2, 3])
            shutdown(client.descriptor, Int32(SHUT_WR))
            usleep(50_000)
            return client.receive(2 << 20)
        }
        #expect(record.bytes == [1, 2, 3])
        #expect(areEqual(received, pattern(1 << 20)))
        #expect(record.ends == [.endOfStream])
        #expect(record.closes == 1)
    }

    @Test func clientKilledInTheMiddleOfAPayloadIsReportedOnce() throws {
        let storage = PixelStorage(byteCount: 1 << 20)
        var filled = 0
        let record = Record()
        let closed = record.closed
        let wasClosed = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    // Something unread in the client turns its close into a reset.
                    connection.write([1, 2, 3])
                    connection.start(
                        record.handlers(
                            target: { .storage(storage, filled..<storage.byteCount) },
                            didRead: { if case .stored(let count) = $0 { filled += count } }))
                }, onError: { Issue.record($0) })
        }) { path -> Bool? in
            guard let client = Client(path) else { return nil }
            client.send(pattern(5_000))
            usleep(50_000)
            client.close()
            return closed.wait(timeout: .now() + 10) == .success
        }
        #expect(wasClosed == true)
        #expect(filled == 5_000)
        #expect(record.ends == [.failed(code: ECONNRESET)])
        #expect(record.closes == 1)
    }

    @Test func peerIsWhoConnected() throws {
        var peer: PeerCredentials?
        _ = try serve({ loop, listener in
            listener.start(onConnection: { peer = $0.peer }, onError: { Issue.record($0) })
        }) { path -> Int? in
            guard let client = Client(path) else { return nil }
            usleep(50_000)
            client.close()
            return 0
        }
        #expect(peer?.processID == getpid())
        #expect(peer?.userID == geteuid())
        #expect(peer?.groupID == getegid())
    }

    /// Whoever always has bytes, and costs time with each of them, delays others by a turn's budget
    /// and not by all that it sent.
    @Test func floodLeavesTimeForOthers() throws {
        let (flood, calm) = (Record(), Record())
        var connections = 0
        var floodReads = 0
        var most = 0
        _ = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connections += 1
                    let isFlood = connections == 1
                    connection.start(
                        (isFlood ? flood : calm).handlers(
                            target: { .bytes(atMost: 1) },
                            didRead: { _ in
                                if isFlood {
                                    floodReads += 1
                                    usleep(1_500)
                                } else {
                                    most = max(most, floodReads)
                                    floodReads = 0
                                    connection.write([1])
                                }
                            }))
                }, onError: { Issue.record($0) })
        }) { path -> Int? in
            guard let first = Client(path) else { return nil }
            first.send([UInt8](repeating: 0, count: 4000))
            usleep(50_000)
            guard let second = Client(path) else { return nil }
            second.send([0])
            _ = second.receive(1)
            for _ in 0..<20 {
                second.send([0])
                _ = second.receive(1)
            }
            first.close()
            second.close()
            return 0
        }
        // Before the second client came, the first had all the time.
        #expect(calm.bytes.count == 21)
        #expect(most > 0)
        #expect(most < 200, "\(most) reads between two of the calm client")
    }
}
