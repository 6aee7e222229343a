// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import FrameTypes
import Glibc
import Testing

@testable import FrameSocket

@Suite(.timeLimit(.minutes(1))) struct ConnectionWriteTests {
    @Test func slowReaderShowsAsPendingBytesAndStalledTime() throws {
        let storage = PixelStorage(byteCount: 4 << 20)
        storage.copy(pattern(4 << 20))
        let record = Record()
        var (stalled, pending): ([UInt64], [Int]) = ([], [])
        var timer: LoopTimer?
        let wasSeen = DispatchSemaphore(value: 0)
        let received = try serve({ loop, listener in
            timer = try loop.makeTimer {
                guard let connection = record.connection else { return }
                stalled.append(connection.stalledTime(now: EventLoop.now))
                pending.append(connection.pendingWriteBytes)
                if stalled.last.map({ $0 > 150_000_000 }) == true { wasSeen.signal() }
            }
            listener.start(
                onConnection: { connection in
                    record.connection = connection
                    connection.start(record.handlers())
                    connection.write([1], payload: storage) {
                        record.outcomes.append($0)
                        stalled.append(connection.stalledTime(now: EventLoop.now))
                        #expect(connection.takenByteCount == 1 + 4 << 20)
                        #expect(connection.pendingWriteBytes == 0)
                    }
                    timer?.start(after: 20, every: 20)
                }, onError: { Issue.record($0) })
        }) { path -> [UInt8]? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            _ = wasSeen.wait(timeout: .now() + 10)
            return client.receive(1 + 4 << 20)
        }
        timer = nil
        #expect(areEqual(received, [1] + pattern(4 << 20)))
        #expect(record.outcomes == [.sent])
        #expect(stalled.contains { $0 > 150_000_000 }, "\(stalled)")
        #expect(stalled.last.map { $0 < 50_000_000 } == true, "\(stalled)")
        #expect(pending.contains { $0 > 1 << 20 }, "\(pending)")
    }

    /// A reader that takes a little now and then is slow but not stalled.
    @Test func everyBitOfProgressResetsTheStalledTime() {
        var progress = WriteProgress()
        progress.note(taken: 0, isIdle: true, now: 1_000)
        progress.note(taken: 0, isIdle: false, now: 2_000)
        #expect(progress.lastChange == 1_000)
        progress.note(taken: 10, isIdle: false, now: 3_000)
        #expect(progress.lastChange == 3_000)
        progress.note(taken: 10, isIdle: false, now: 9_000)
        #expect(progress.lastChange == 3_000)
        progress.note(taken: 10, isIdle: true, now: 9_500)
        #expect(progress.lastChange == 9_500)
    }

    @Test func clientKilledInTheMiddleOfAWriteFailsItAndFreesThePayload() throws {
        let record = Record()
        weak var remains: PixelStorage?
        weak var oldConnection: Connection?
        let closed = record.closed
        let wasClosed = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    oldConnection = connection
                    let storage = PixelStorage(byteCount: 8 << 20)
                    remains = storage
                    connection.start(
                        record.handlers(target: { nil }))
                    for _ in 0..<2 {
                        connection.write([1], payload: storage) { record.outcomes.append($0) }
                    }
                }, onError: { Issue.record($0) })
        }) { path -> Bool? in
            guard let client = Client(path) else { return nil }
            _ = client.receive(1_000)
            client.close()
            return closed.wait(timeout: .now() + 10) == .success
        }
        #expect(wasClosed == true)
        #expect(record.outcomes.count == 2)
        #expect(
            record.outcomes.first == .failed(code: EPIPE)
                || record.outcomes.first == .failed(code: ECONNRESET))
        #expect(record.outcomes.last == .failed(code: ECANCELED))
        #expect(record.ends.count == 1)
        #expect(record.closes == 1)
        #expect(remains == nil)
        #expect(oldConnection == nil)
    }

    @Test func closeAfterWritesSendsEverythingFirst() throws {
        let record = Record()
        let received = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connection.start(record.handlers())
                    connection.write(pattern(4 << 20)) { record.outcomes.append($0) }
                    connection.closeAfterWrites()
                    connection.write([9]) { record.outcomes.append($0) }
                }, onError: { Issue.record($0) })
        }) { path -> [UInt8]? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            usleep(100_000)
            return client.receive(8 << 20)
        }
        #expect(areEqual(received, pattern(4 << 20)))
        #expect(record.outcomes == [.failed(code: ECANCELED), .sent])
        #expect(record.ends.isEmpty)
        #expect(record.closes == 1)
    }

    @Test func closeAfterWritesGivesUpOnAPeerThatTakesNothing() throws {
        let record = Record()
        let closed = record.closed
        let received = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connection.start(record.handlers())
                    connection.write(pattern(4 << 20)) { record.outcomes.append($0) }
                    connection.closeAfterWrites(limit: 50)
                }, onError: { Issue.record($0) })
        }) { path -> Int? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            _ = closed.wait(timeout: .now() + 10)
            return client.receive(8 << 20).count
        }
        #expect(received.map { $0 < 4 << 20 } == true)
        #expect(record.outcomes == [.failed(code: ECANCELED)])
        #expect(record.closes == 1)
    }

    @Test func abortInsideOfAReadIsSafe() throws {
        let record = Record()
        let isAtEnd = try serve({ loop, listener in
            listener.start(
                onConnection: { connection in
                    connection.start(
                        record.handlers(
                            target: { .bytes(atMost: 1) },
                            didRead: { _ in
                                connection.abort()
                                connection.resumeReading()
                                connection.stopReading()
                                connection.write([1])
                                connection.abort()
                            }))
                }, onError: { Issue.record($0) })
        }) { path -> Bool? in
            guard let client = Client(path) else { return nil }
            defer { client.close() }
            client.send(pattern(1_000))
            return client.isAtEnd
        }
        #expect(isAtEnd == true)
        #expect(record.bytes.count == 1)
        #expect(record.ends.isEmpty)
        #expect(record.closes == 1)
    }

    @Test func closedLoopReportsWritesUnderWayAsCancelled() throws {
        let folder = TemporaryFolder()
        let loop = try EventLoop()
        let listener = try Listener(loop: loop, address: SocketAddress(path: folder.socketPath))
        let record = Record()
        listener.start(
            onConnection: { connection in
                connection.start(record.handlers())
                connection.write(pattern(8 << 20)) { record.outcomes.append($0) }
                loop.stop()
            }, onError: { Issue.record($0) })
        let client = try #require(Client(folder.socketPath))
        loop.run()
        listener.close()
        loop.close()
        loop.close()
        client.close()
        #expect(record.outcomes == [.failed(code: ECANCELED)])
        #expect(record.closes == 1)
    }
}
