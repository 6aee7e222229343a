// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFuzzer
import FrameProtocol
import FrameTypes
import Glibc

@testable import FrameSocket

/// `FL_SHARE` and the descriptors behind it, over a real socket pair.
///
/// Input: what kind of descriptor and how many, seals, size, the piece that is copied, then the body of
/// `fl_share`.
enum SharedMemoryTarget {
    private static let pair: [Int32] = {
        var pair: [Int32] = [0, 0]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        return pair
    }()
    private static let storage = PixelStorage(byteCount: 1 << 14)

    static func run(_ input: [UInt8]) {
        var reader = InputReader(input)
        let (kind, count) = (reader.byte(), Int(reader.byte() % 6))
        let (seals, size) = (Int32(reader.byte() & 0x1F), reader.short() * 16)
        let (start, length, position) = (reader.short(), reader.short(), reader.short() * 32)
        let table = slots(&reader)

        let file = make(kind)
        guard file >= 0 else { return }
        defer { close(file) }
        if kind % 4 < 2 { _ = ftruncate(file, off_t(size)) }
        _ = fcntl(file, 1033, seals)  // F_ADD_SEALS, linux/fcntl.h
        guard send(file, count) else { return }
        guard case .files(let files) = AttachedDescriptors.receive(from: pair[1]) else { return }
        precondition(files.count <= 4, "more descriptors than there is room for")
        for file in files {
            try? file.check(byteCount: table?.byteCount ?? size)
            let first = min(start, storage.byteCount)
            let range = first..<min(storage.byteCount, first + length)
            _ = file.read(into: storage, range, at: position)
            _ = file.write(storage, range, at: position)
        }
    }

    private static func slots(_ reader: inout InputReader) -> SlotTable? {
        var decoder = MessageDecoder()
        let body = Array(reader.bytes(24))
        // magic, version, FL_SHARE, flags, body and payload size, frame id
        var message: [UInt8] = [0x4C, 0x4F, 0x4F, 0x4D, 1, 0, 6, 0, 0, 0, 0, 0, 24, 0, 0, 0]
        message += [1] + [UInt8](repeating: 0, count: 15) + body
        var rest = message[...]
        while !rest.isEmpty {
            let piece = rest.prefix(decoder.wantedByteCount)
            rest = rest.dropFirst(piece.count)
            guard let complete = try? decoder.append(piece) else { continue }
            guard case .share(let table) = complete else { return nil }
            let refusal = table.check(
                frameByteCount: 4096, pictureByteCount: 4096, slotLimit: 7)
            guard refusal == nil else { return nil }
            for slot in 0..<table.slotCount {
                precondition(table.framePosition(slot) >= 0 && table.picturePosition(slot) >= 0)
            }
            return table
        }
        return nil
    }

    private static func make(_ kind: UInt8) -> Int32 {
        switch kind % 4 {
        case 0: fuzz_memory_file(2)  // MFD_ALLOW_SEALING
        case 1: fuzz_memory_file(0)
        case 2: open("/dev/null", O_RDWR)
        default: dup(pair[0])
        }
    }

    /// One byte with `count` copies of the descriptor.
    private static func send(_ file: Int32, _ count: Int) -> Bool {
        var byte: UInt8 = 1
        var control = [UInt64](repeating: 0, count: 2 + (count * 4 + 7) / 8)
        let length = 16 + count * 4
        control[0] = UInt64(length)
        control[1] = UInt64(UInt32(SOL_SOCKET)) | UInt64(SCM_RIGHTS) << 32
        return withUnsafeMutableBytes(of: &byte) { byte in
            control.withUnsafeMutableBytes { control in
                for index in 0..<count {
                    control.storeBytes(of: file, toByteOffset: 16 + index * 4, as: Int32.self)
                }
                var part = iovec(iov_base: byte.baseAddress, iov_len: 1)
                return withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    if count > 0 {
                        message.msg_control = control.baseAddress
                        message.msg_controllen = length
                    }
                    return sendmsg(pair[0], &message, Int32(MSG_DONTWAIT)) == 1
                }
            }
        }
    }
}
