// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// The release build finds the socket constants through this module only.
import CUV
import Glibc

/// Where to listen and who may connect.
package struct SocketAddress: Sendable, Hashable {
    package var path: String
    /// Permissions of the socket file: who can write to it can connect.
    package var mode: UInt32
    /// Name or number; nil: the process's own.
    package var owner: String?
    package var group: String?

    package init(path: String, mode: UInt32 = 0o600, owner: String? = nil, group: String? = nil) {
        self.path = path
        self.mode = mode
        self.owner = owner
        self.group = group
    }

    /// Whether there are such a user and group on this machine.
    package func checkOwner() throws(SocketError) {
        _ = try userID(owner)
        _ = try groupID(group)
    }

    /// Bytes of a path that fit into the kernel's address, less the final zero.
    package static let pathLimit = 107
}

/// A bound socket and its file, made and removed under the lock beside it.
struct SocketFile {
    let path: String
    let descriptor: Int32
    private let lock: SocketLock
    /// What `bind` made; a file that replaced it since is not ours to remove.
    private let identity: FileIdentity?

    init(_ address: SocketAddress) throws(SocketError) {
        path = address.path
        let byteCount = path.utf8.count
        guard byteCount <= SocketAddress.pathLimit else {
            throw .pathTooLong(path: path, byteCount: byteCount, limit: SocketAddress.pathLimit)
        }
        let (user, group) = (try userID(address.owner), try groupID(address.group))
        try SocketFolder.check(of: path)
        lock = try SocketLock(path: path)
        do {
            try Self.clearStale(path)
            descriptor = try Self.bind(path)
        } catch {
            lock.release()
            throw error
        }
        identity = FileIdentity(path: path)
        // Nobody can connect before `listen`, so there is no moment with wrong permissions.
        do {
            try Self.setAccess(of: path, mode: address.mode, user: user, group: group)
        } catch {
            close(descriptor)
            remove()
            throw error
        }
    }

    /// Through a descriptor of the file itself: a path could lead somewhere else by now.
    private static func setAccess(
        of path: String, mode: UInt32, user: uid_t, group: gid_t
    ) throws(SocketError) {
        // O_PATH of Linux; Glibc's module does not export it.
        let file = open(path, 0o10000000 | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw .system(call: "open", subject: path, code: errno) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK,
            status.st_uid == geteuid(), status.st_nlink == 1
        else { throw .notASocket(path: path) }
        // Such a descriptor allows no fchmod; its name under /proc means the same file.
        let name = "/proc/self/fd/\(file)"
        guard chmod(name, mode) == 0, user == .max && group == .max || chown(name, user, group) == 0
        else { throw .system(call: "chmod or chown", subject: path, code: errno) }
    }

    /// Removes the file and gives up the lock; the descriptor stays open. Again does nothing.
    func remove() {
        guard lock.isHeld else { return }
        if let identity, identity == FileIdentity(path: path) { unlink(path) }
        lock.release()
    }

    /// Removes a socket that nobody answers on. The lock is held, so no other daemon of ours can be
    /// about to serve it; one that does not know the lock (systemd) answers.
    private static func clearStale(_ path: String) throws(SocketError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return }
            throw .system(call: "stat", subject: path, code: errno)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = try makeSocket(path)
        defer { close(probe) }
        // EAGAIN: a backlog is full, so somebody listens.
        if withAddress(path, { connect(probe, $0, $1) }) == 0 || errno == EAGAIN {
            let peer = PeerCredentials(of: probe).processID
            throw .alreadyServed(path: path, processID: peer > 0 ? peer : nil)
        }
        guard errno == ECONNREFUSED else {
            throw .system(call: "connect", subject: path, code: errno)
        }
        // Bound and about to listen, by somebody who does not know the lock.
        guard !isBound(path) else { throw .alreadyServed(path: path, processID: nil) }
        guard unlink(path) == 0 else { throw .system(call: "unlink", subject: path, code: errno) }
    }

    /// Whether any process of this network namespace holds a socket bound to the path.
    private static func isBound(_ path: String) -> Bool {
        let table = open("/proc/net/unix", O_RDONLY | O_CLOEXEC)
        guard table >= 0 else { return false }
        defer { close(table) }
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            // The array holds as many bytes as are asked for.
            let count = read(table, &chunk, chunk.count)
            guard count > 0 else { break }
            text += chunk.prefix(count)
        }
        // The path is the last field of its line.
        let ending = Array(" \(path)".utf8)
        return text.split(separator: UInt8(ascii: "\n")).contains {
            $0.count >= ending.count && $0.suffix(ending.count).elementsEqual(ending)
        }
    }

    private static func bind(_ path: String) throws(SocketError) -> Int32 {
        let descriptor = try makeSocket(path)
        guard withAddress(path, { Glibc.bind(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            throw .system(call: "bind", subject: path, code: code)
        }
        return descriptor
    }

    private static func makeSocket(_ path: String) throws(SocketError) -> Int32 {
        let kind = Int32(
            SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { throw .system(call: "socket", subject: path, code: errno) }
        return descriptor
    }
}

/// Which file a path leads to.
private struct FileIdentity: Equatable {
    let device: UInt
    let inode: UInt

    init?(path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        device = status.st_dev
        inode = status.st_ino
    }
}

/// Calls `body` with the kernel's form of a Unix socket path; "@name" is an abstract one.
///
/// - Parameter path: at most `SocketAddress.pathLimit` bytes; the rest would be cut off.
func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8.prefix(SocketAddress.pathLimit))
    let isAbstract = bytes.first == UInt8(ascii: "@")
    if isAbstract { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    // A file's name ends with a zero, an abstract name where its length says.
    let byteCount = MemoryLayout<sa_family_t>.size + bytes.count + (isAbstract ? 0 : 1)
    // sockaddr_un is what the kernel reads behind a sockaddr pointer of this family.
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(byteCount)) }
    }
}

/// - Returns: `.max` for nil, which `chown` takes as "leave it".
func userID(_ name: String?) throws(SocketError) -> uid_t {
    guard let name else { return .max }
    if let number = uid_t(name) { return number }
    // The entry is read before anything else can ask for another one: start-up is single-threaded.
    guard let entry = getpwnam(name) else { throw .unknownUser(name) }
    return entry.pointee.pw_uid
}

func groupID(_ name: String?) throws(SocketError) -> gid_t {
    guard let name else { return .max }
    if let number = gid_t(name) { return number }
    guard let entry = getgrnam(name) else { throw .unknownGroup(name) }
    return entry.pointee.gr_gid
}
