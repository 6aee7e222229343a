// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc
import Testing

@testable import FrameSocket

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
    private let folder = TemporaryFolder()
    private var address: SocketAddress { SocketAddress(path: folder.socketPath) }

    /// Whether a client reaches the listener.
    private func serves(_ listener: Listener, _ loop: EventLoop, _ path: String) throws -> Bool {
        listener.start(
            onConnection: { connection in
                connection.write([42])
                connection.closeAfterWrites()
            }, onError: { Issue.record($0) })
        return try whileRunning(loop) {
            guard let client = Client(path) else { return false }
            defer { client.close() }
            return client.receive(1) == [42]
        } == true
    }

    private func status(_ path: String) -> stat {
        var status = stat()
        lstat(path, &status)
        return status
    }

    @Test func secondListenerIsRefusedWhileTheFirstLives() throws {
        let loop = try EventLoop()
        let first = try Listener(loop: loop, address: address)
        #expect(throws: SocketError.alreadyServed(path: address.path, processID: getpid())) {
            try Listener(loop: loop, address: address)
        }
        #expect(try serves(first, loop, address.path))
        first.close()
        #expect(folder.entries.isEmpty)
        let second = try Listener(loop: loop, address: address)
        #expect(try serves(second, loop, address.path))
        second.close()
        loop.close()
    }

    @Test func staleSocketOfAKilledDaemonIsReplaced() throws {
        // What kill -9 leaves: a socket that nobody listens on, and a lock file without its lock.
        let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(withAddress(address.path, { bind(dead, $0, $1) }) == 0)
        close(dead)
        close(open(address.path + ".lock", O_CREAT | O_RDWR, 0o600))
        let loop = try EventLoop()
        let listener = try Listener(loop: loop, address: address)
        #expect(try serves(listener, loop, address.path))
        listener.close()
        loop.close()
        #expect(folder.entries.isEmpty)
    }

    @Test func socketOfAServerThatKnowsNoLockIsLeftAlone() throws {
        let other = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(other) }
        #expect(withAddress(address.path, { bind(other, $0, $1) }) == 0)
        #expect(listen(other, 1) == 0)
        let loop = try EventLoop()
        #expect(throws: SocketError.alreadyServed(path: address.path, processID: getpid())) {
            try Listener(loop: loop, address: address)
        }
        loop.close()
        #expect(folder.entries == ["s"])
    }

    @Test func fileThatIsNoSocketIsLeftAlone() throws {
        close(open(address.path, O_CREAT | O_RDWR, 0o600))
        let loop = try EventLoop()
        #expect(throws: SocketError.notASocket(path: address.path)) {
            try Listener(loop: loop, address: address)
        }
        loop.close()
        #expect(folder.entries == ["s"])
    }

    @Test func socketThatReplacedOursIsNotRemoved() throws {
        let loop = try EventLoop()
        let listener = try Listener(loop: loop, address: address)
        unlink(address.path)
        close(open(address.path, O_CREAT | O_RDWR, 0o600))
        listener.close()
        loop.close()
        #expect(folder.entries == ["s"])
    }

    @Test func modeAndOwnerAreApplied() throws {
        let loop = try EventLoop()
        var address = self.address
        address.mode = 0o660
        // Only root can give a file away; others can give it to themselves.
        address.owner = getuid() == 0 ? "1" : "\(getuid())"
        address.group = getuid() == 0 ? "2" : "\(getgid())"
        let listener = try Listener(loop: loop, address: address)
        let made = status(address.path)
        #expect(made.st_mode & 0o777 == 0o660)
        #expect("\(made.st_uid)" == address.owner)
        #expect("\(made.st_gid)" == address.group)
        #expect(status(address.path + ".lock").st_mode & 0o777 == 0o600)
        listener.close()
        loop.close()
    }

    @Test func ownerIsFoundByName() throws {
        let loop = try EventLoop()
        var address = self.address
        let entry = try #require(getpwuid(getuid()))
        address.owner = String(cString: entry.pointee.pw_name)
        let listener = try Listener(loop: loop, address: address)
        #expect(status(address.path).st_uid == getuid())
        listener.close()
        loop.close()
    }

    @Test func unknownOwnerIsRefusedAndLeavesNothing() throws {
        let loop = try EventLoop()
        var address = self.address
        address.owner = "nobody-of-that-name"
        #expect(throws: SocketError.unknownUser("nobody-of-that-name")) {
            try Listener(loop: loop, address: address)
        }
        address.owner = nil
        address.group = "no-such-group"
        #expect(throws: SocketError.unknownGroup("no-such-group")) {
            try Listener(loop: loop, address: address)
        }
        loop.close()
        #expect(folder.entries.isEmpty)
    }

    @Test func pathThatTheKernelWouldCutOffIsRefused() throws {
        let loop = try EventLoop()
        let longest =
            folder.path + "/" + String(repeating: "x", count: 107 - folder.path.utf8.count - 1)
        let tooLong = longest + "x"
        #expect(throws: SocketError.pathTooLong(path: tooLong, byteCount: 108, limit: 107)) {
            try Listener(loop: loop, address: SocketAddress(path: tooLong))
        }
        let listener = try Listener(loop: loop, address: SocketAddress(path: longest))
        #expect(try serves(listener, loop, longest))
        listener.close()
        loop.close()
        #expect(folder.entries.isEmpty)
    }

    @Test func lockIsNeverWrittenThroughALink() throws {
        let treasure = folder.path + "/treasure"
        let file = open(treasure, O_CREAT | O_RDWR, 0o600)
        #expect(write(file, "keep", 4) == 4)
        close(file)
        #expect(link(treasure, address.path + ".lock") == 0)
        let loop = try EventLoop()
        #expect(throws: SocketError.foreignLock(path: address.path + ".lock")) {
            try Listener(loop: loop, address: address)
        }
        loop.close()
        #expect(status(treasure).st_size == 4)
    }

    @Test func socketThatIsBoundButDoesNotListenYetIsLeftAlone() throws {
        let other = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(other) }
        #expect(withAddress(address.path, { bind(other, $0, $1) }) == 0)
        let before = status(address.path).st_ino
        let loop = try EventLoop()
        #expect(throws: SocketError.alreadyServed(path: address.path, processID: nil)) {
            try Listener(loop: loop, address: address)
        }
        loop.close()
        #expect(status(address.path).st_ino == before)
    }

    @Test func folderThatOthersCanWriteIsRefused() throws {
        let loop = try EventLoop()
        #expect(chmod(folder.path, 0o777) == 0)
        #expect(throws: SocketError.openFolder(path: folder.path, mode: 0o777)) {
            try Listener(loop: loop, address: address)
        }
        // Whoever can write there can neither rename nor remove what is ours.
        #expect(chmod(folder.path, 0o1777) == 0)
        let listener = try Listener(loop: loop, address: address)
        listener.close()
        // A group of others, sticky or not.
        if getuid() == 0 {
            #expect(chmod(folder.path, 0o770) == 0 && chown(folder.path, 0, 12345) == 0)
            #expect(throws: SocketError.openFolder(path: folder.path, mode: 0o770)) {
                try Listener(loop: loop, address: address)
            }
            #expect(chmod(folder.path, 0o755) == 0 && chown(folder.path, 1, 1) == 0)
            #expect(throws: SocketError.foreignFolder(path: folder.path, owner: 1)) {
                try Listener(loop: loop, address: address)
            }
        }
        loop.close()
    }

    @Test func missingFolderIsNamed() throws {
        let loop = try EventLoop()
        let path = folder.path + "/missing/s"
        let error = #expect(throws: SocketError.self) {
            try Listener(loop: loop, address: SocketAddress(path: path))
        }
        #expect(error?.description.contains(path) == true)
        loop.close()
    }

    @Test func inheritedSocketIsServedAndItsFileKept() throws {
        let launcher = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #expect(withAddress(address.path, { bind(launcher, $0, $1) }) == 0)
        #expect(listen(launcher, 8) == 0)
        // systemd numbers from 3, which is taken here.
        let descriptor = dup(launcher)
        let manager = ServiceManager(
            variables: [
                "LISTEN_FDS": "1", "LISTEN_PID": "\(getpid())", "LISTEN_FDNAMES": "frames",
            ], firstDescriptor: descriptor)
        #expect(manager.sockets == [InheritedSocket(name: "frames", descriptor: descriptor)])
        let loop = try EventLoop()
        let listener = try Listener(loop: loop, inherited: descriptor)
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(try serves(listener, loop, address.path))
        listener.close()
        loop.close()
        close(launcher)
        #expect(folder.entries == ["s"])
    }

    @Test func inheritedDescriptorMustBeAListeningUnixStream() throws {
        let loop = try EventLoop()
        let idle = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let datagram = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        let network = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        listen(network, 1)
        let file = open("/dev/null", O_RDWR)
        for (descriptor, word) in [
            (idle, "not listening"), (datagram, "no stream"), (network, "family"),
            (file, "socket"), (9_999, "descriptor"),
        ] {
            let error = #expect(throws: SocketError.self) {
                try Listener(loop: loop, inherited: descriptor)
            }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
        loop.close()
        for descriptor in [idle, datagram, network, file] { close(descriptor) }
    }

    /// In a process of its own, because the limit is the process's.
    @Test func listenerSurvivesTheLackOfDescriptors() async {
        await #expect(processExitsWith: .success) {
            let folder = TemporaryFolder()
            let loop = try EventLoop()
            let listener = try Listener(
                loop: loop, address: SocketAddress(path: folder.socketPath))
            var errors: [SocketError] = []
            listener.start(
                onConnection: { connection in
                    connection.write([42])
                    connection.closeAfterWrites()
                }, onError: { errors.append($0) })
            let path = folder.socketPath
            let answer = try whileRunning(loop) { () -> [UInt8] in
                guard let client = Client(path) else { return [] }
                _ = client.receive(1)
                // The client's socket takes the last descriptor, the accept finds none.
                let last = dup(0)
                close(last)
                var limit = rlimit(rlim_cur: rlim_t(last) + 1, rlim_max: rlim_t(last) + 1)
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                guard let late = Client(path) else { return [] }
                usleep(250_000)
                client.close()
                return late.receive(1)
            }
            listener.close()
            loop.close()
            let isShort = errors.contains(
                .system(call: "accept", subject: path, code: EMFILE))
            exit(answer == [42] && isShort && errors.count < 6 ? 0 : 1)
        }
    }
}
