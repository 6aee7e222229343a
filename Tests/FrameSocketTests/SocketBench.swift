// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import FrameTypes
import Glibc
import Synchronization
import Testing

@testable import FrameSocket

/// A folder of its own, removed with everything in it at the end.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/frameloom-socket-XXXXXX".utf8CString)
        mkdtemp(&template)
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    deinit {
        for name in entries { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    var socketPath: String { path + "/s" }

    var entries: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// The other end, with plain blocking calls.
struct Client: Sendable {
    let descriptor: Int32

    init?(_ path: String) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let fd = descriptor
        guard withAddress(path, { connect(fd, $0, $1) }) == 0 else {
            Glibc.close(fd)
            return nil
        }
        // A test that waits for bytes in vain fails instead of hanging.
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// - Returns: how many bytes were taken before an error.
    @discardableResult
    func send(_ bytes: [UInt8], flags: Int32 = 0) -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | flags)
            }
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    /// Up to `count` bytes; fewer at the end of the stream.
    func receive(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var received = 0
        while received < count {
            let part = bytes[received...].withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            guard part > 0 else { break }
            received += part
        }
        return Array(bytes.prefix(received))
    }

    /// Whether the daemon closed the connection.
    var isAtEnd: Bool { receive(1).isEmpty }

    func close() { Glibc.close(descriptor) }
}

/// Runs a loop with one listener on the calling thread, and a client on another; returns what the
/// client returned. Everything is closed at the end.
func serve<Answer: Sendable>(
    _ setUp: (EventLoop, Listener) throws -> Void,
    client: @escaping @Sendable (_ path: String) -> Answer?
) throws -> Answer? {
    ProcessSetup.ignoreBrokenPipes()
    let folder = TemporaryFolder()
    let loop = try EventLoop()
    let listener = try Listener(loop: loop, address: SocketAddress(path: folder.socketPath))
    try setUp(loop, listener)
    let answer = try whileRunning(loop) { client(folder.socketPath) } ?? nil
    listener.close()
    loop.close()
    #expect(folder.entries.isEmpty)
    return answer
}

/// `@unchecked Sendable`: written before the semaphore is signalled, read after it was.
private final class Box<Answer>: @unchecked Sendable {
    var answer: Answer?
}

/// Runs `body` on a thread of its own while the loop runs on this one.
func whileRunning<Answer: Sendable>(
    _ loop: EventLoop, _ body: @escaping @Sendable () -> Answer
) throws -> Answer? {
    let (box, done) = (Box<Answer>(), DispatchSemaphore(value: 0))
    let waker = try loop.makeWaker { loop.stop() }
    let limit = try loop.makeTimer {
        Issue.record("the loop ran for 30 s")
        loop.stop()
    }
    limit.start(after: 30_000)
    DispatchQueue.global().async {
        box.answer = body()
        done.signal()
        waker.wake()
    }
    loop.run()
    return done.wait(timeout: .now() + 1) == .success ? box.answer : nil
}

/// Bytes whose order shows: they repeat after a prime number of them, not after 64 KiB.
func pattern(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + patternBlock.count)
    while bytes.count < count { bytes += patternBlock }
    bytes.removeLast(bytes.count - count)
    return bytes
}

private let patternBlock: [UInt8] = (0..<65_521).map {
    UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8) &* 7)
}

/// Compares megabytes faster than `==` does without optimisation.
func areEqual(_ left: [UInt8]?, _ right: [UInt8]) -> Bool {
    guard let left, left.count == right.count else { return false }
    return memcmp(left, right, right.count) == 0
}

/// A waker that is made after the client's closure.
final class LateWaker: Sendable {
    private let waker = Mutex<LoopWaker?>(nil)

    func set(_ waker: LoopWaker) { self.waker.withLock { $0 = waker } }
    func wake() { waker.withLock { $0 }?.wake() }
}

/// What happened to a connection, for the loop thread.
final class Record {
    var bytes: [UInt8] = []
    var events = 0
    var ends: [ConnectionEnd] = []
    var closes = 0
    var outcomes: [WriteOutcome] = []
    var connection: Connection?
    /// For the client, which waits for it where time alone would not do.
    let closed = DispatchSemaphore(value: 0)

    /// Handlers that note everything, and read into `bytes` unless told otherwise.
    func handlers(
        target: @escaping () -> ReadTarget? = { .bytes(atMost: 64 << 10) },
        didRead: @escaping (ReadEvent) -> Void = { _ in },
        didEnd: @escaping (ConnectionEnd) -> Void = { _ in }
    ) -> Connection.Handlers {
        Connection.Handlers(
            nextTarget: target,
            didRead: { [self] event in
                events += 1
                if case .bytes(let part) = event { bytes += part }
                didRead(event)
            },
            didEnd: { [self] reason in
                ends.append(reason)
                didEnd(reason)
            },
            didClose: { [self] in
                closes += 1
                closed.signal()
            })
    }
}
