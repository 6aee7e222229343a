// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CWebSockets

/// Memory of one message, with the room in front that libwebsockets writes its frame headers into.
/// Loop thread only.
final class MessageBuffer {
    let capacity: Int
    private let base: UnsafeMutableRawPointer

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: web_write_headroom + max(capacity, 1), alignment: 16)
    }

    deinit { base.deallocate() }

    /// The first byte of the message; `headroom` bytes before it may be overwritten by each write.
    var start: UnsafeMutablePointer<UInt8> {
        (base + web_write_headroom).assumingMemoryBound(to: UInt8.self)
    }

    func copy(_ bytes: [UInt8], at offset: Int = 0) {
        precondition(
            offset >= 0 && bytes.count <= capacity - offset, "a copy outside of the message")
        bytes.withUnsafeBytes { source in
            guard let first = source.baseAddress else { return }
            (start + offset).withMemoryRebound(to: UInt8.self, capacity: bytes.count) {
                UnsafeMutableRawPointer($0).copyMemory(from: first, byteCount: bytes.count)
            }
        }
    }
}

/// Buffers that went round, so that a picture a frame costs no new memory.
struct BufferPool {
    private var free: [MessageBuffer] = []
    private static let maxFree = 3

    mutating func take(capacity: Int) -> MessageBuffer {
        if let index = free.firstIndex(where: { $0.capacity == capacity }) {
            return free.remove(at: index)
        }
        free.removeAll()
        return MessageBuffer(capacity: capacity)
    }

    mutating func give(_ buffer: MessageBuffer) {
        if free.count < Self.maxFree { free.append(buffer) }
    }
}
