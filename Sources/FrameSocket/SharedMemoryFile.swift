// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc

/// A client's memory, as a descriptor that it sent.
///
/// It is sealed against shrinking, so that a mapping of it stays valid whatever the client does (see
/// memfd_create(2); libwayland's servers rely on the same), and planes are copied from a read-only mapping:
/// three times as fast as `pread`, which looks up every page. Where the client has not written, or has
/// punched a hole, touching the mapping would make pages at the daemon's cost: such parts are read with
/// `pread`. A client that punches while its planes are copied can waste as many bytes as it announced.
/// Pictures are written with `pwrite`, whose lack of memory is an error code and not a signal.
package final class SharedMemoryFile {
    package enum Refusal: Error, Equatable {
        /// Only memfds and files of tmpfs have seals.
        case notSealable
        case seals(found: Int32)
        case tooSmall(byteCount: Int)
    }

    /// `F_SEAL_SHRINK` and `F_SEAL_GROW`, and how `fcntl` asks for them (linux/fcntl.h).
    package static let neededSeals: Int32 = 0x2 | 0x4
    private static let getSeals: Int32 = 1034

    private let descriptor: Int32
    /// Of the first bytes of the file, all that slots use; nil: `pread` it is.
    private var mapping: UnsafeRawBufferPointer?
    /// `mincore` of the pages of one part.
    private var pages: [UInt8] = []

    /// Takes over the descriptor.
    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit {
        // Mapped by `map`, and nobody else has the address.
        if let mapping {
            munmap(UnsafeMutableRawPointer(mutating: mapping.baseAddress), mapping.count)
        }
        Glibc.close(descriptor)
    }

    /// Whether it has so many bytes and keeps them.
    package func check(byteCount: Int) throws(Refusal) {
        let seals = fcntl(descriptor, Self.getSeals)
        guard seals >= 0 else { throw .notSealable }
        guard seals & Self.neededSeals == Self.neededSeals else { throw .seals(found: seals) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) >= byteCount else {
            throw .tooSmall(byteCount: Int(status.st_size))
        }
        map(byteCount)
    }

    /// Only of plain pages: huge ones may be missing when they are touched.
    private func map(_ byteCount: Int) {
        var status = stat()
        guard mapping == nil, byteCount > 0, fstat(descriptor, &status) == 0,
            Int(status.st_blksize) == Self.pageByteCount,
            let start = mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0),
            start != MAP_FAILED
        else { return }
        mapping = UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    private static let pageByteCount = sysconf(Int32(_SC_PAGESIZE))

    /// A part of the mapping, if all of its pages are there.
    private func present(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
        guard let mapping, range.lowerBound >= 0, range.upperBound <= mapping.count,
            let start = mapping.baseAddress
        else { return nil }
        let page = Self.pageByteCount
        let first = range.lowerBound / page * page
        let count = (range.upperBound - first + page - 1) / page
        if pages.count < count { pages = [UInt8](repeating: 0, count: count) }
        // The mapping ends in the last of these pages or later; `pages` has a byte for each.
        let found = pages.withUnsafeMutableBufferPointer {
            mincore(
                UnsafeMutableRawPointer(mutating: start + first), range.upperBound - first,
                $0.baseAddress)
        }
        guard found == 0, pages.prefix(count).allSatisfy({ $0 & 1 == 1 }) else { return nil }
        return UnsafeRawBufferPointer(rebasing: mapping[range])
    }

    /// Fills a part of the storage, whose byte 0 is at `position`.
    /// - Returns: false if not all of it was there.
    package func read(
        into storage: PixelStorage, _ range: Range<Int>, at position: Int
    ) -> Bool {
        if let part = present(position + range.lowerBound..<position + range.upperBound),
            range.lowerBound >= 0, range.upperBound <= storage.byteCount,
            let from = part.baseAddress, let to = storage.bytes.baseAddress
        {
            // Both hold as many bytes as the range has. The client may write meanwhile: its own loss.
            (to + range.lowerBound).copyMemory(from: from, byteCount: range.count)
            return true
        }
        return copy(storage, range, at: position) { pread(descriptor, $0, $1, $2) }
    }

    /// Writes a part of the storage, whose byte 0 belongs at `position`.
    /// - Returns: false if not all of it could be written.
    package func write(_ storage: PixelStorage, _ range: Range<Int>, at position: Int) -> Bool {
        copy(storage, range, at: position) { pwrite(descriptor, $0, $1, $2) }
    }

    /// The storage lives as long as this call, and no call goes beyond its end.
    private func copy(
        _ storage: PixelStorage, _ range: Range<Int>, at position: Int,
        _ call: (UnsafeMutableRawPointer, Int, off_t) -> Int
    ) -> Bool {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= storage.byteCount,
            "a part outside of the pixel storage")
        var done = range.lowerBound
        while done < range.upperBound {
            guard let base = storage.bytes.baseAddress else { return false }
            let count = call(base + done, range.upperBound - done, off_t(position + done))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            done += count
        }
        return true
    }
}

/// Reads one byte of a Unix socket with what is attached to it.
enum AttachedDescriptors {
    enum Outcome {
        case nothingYet
        case files([SharedMemoryFile])
        case ended(ConnectionEnd)
    }

    /// More than one is wrong already; the kernel closes what does not fit.
    private static let most = 4

    static func receive(from socket: Int32) -> Outcome {
        var byte: UInt8 = 0
        // Room for one cmsghdr (length, level, type; 16 bytes) and its descriptors, 8-aligned.
        var control = [UInt64](repeating: 0, count: 2 + (most * MemoryLayout<Int32>.size + 7) / 8)
        let controlByteCount = control.count * MemoryLayout<UInt64>.size
        var received = 0
        // Byte and control memory outlive the call, and their sizes are their own.
        let count = withUnsafeMutableBytes(of: &byte) { byte in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: byte.baseAddress, iov_len: byte.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = controlByteCount
                    let flags = Int32(MSG_DONTWAIT) | Int32(MSG_CMSG_CLOEXEC)
                    let count = recvmsg(socket, &message, flags)
                    received = Int(message.msg_controllen)
                    return count
                }
            }
        }
        let code = errno
        if count > 0 { return .files(files(in: control, byteCount: received)) }
        if count == 0 { return .ended(.endOfStream) }
        return code == EAGAIN || code == EINTR ? .nothingYet : .ended(.failed(code: code))
    }

    /// A client can attach descriptors only (credentials need an option of the receiver), so there is
    /// one control message or none.
    private static func files(in control: [UInt64], byteCount: Int) -> [SharedMemoryFile] {
        control.withUnsafeBytes { bytes in
            guard byteCount >= 16 else { return [] }
            let length = Int(bytes.load(fromByteOffset: 0, as: UInt64.self))
            let level = bytes.load(fromByteOffset: 8, as: Int32.self)
            let type = bytes.load(fromByteOffset: 12, as: Int32.self)
            guard level == SOL_SOCKET, type == Int32(SCM_RIGHTS) else { return [] }
            let end = min(length, byteCount, bytes.count)
            return stride(from: 16, to: end - 3, by: 4).map {
                SharedMemoryFile(descriptor: bytes.load(fromByteOffset: $0, as: Int32.self))
            }
        }
    }
}
