// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol

/// A reply of the daemon on its way to the browser.
struct OutgoingMessage {
    /// Header and body.
    var head: [UInt8]
    /// The picture; empty for other replies.
    var payload: MessageBuffer?
    var wantsJPEG = false
    /// A line of the control socket.
    var isText = false

    var isPicture: Bool { payload != nil }
}

/// What waits for a browser that has not taken it yet.
///
/// A picture that no byte was sent of gives way to a newer one, so that a slow browser gets fewer
/// frames and never older ones; its id goes into the newer one's list of dropped frames. Everything
/// else keeps its order.
struct Outbox {
    private(set) var waiting: [OutgoingMessage] = []
    private(set) var droppedCount: UInt64 = 0
    var takesEvery = false

    /// Replies without a picture that may wait; a browser that reads nothing while it is answered
    /// stops its own daemon connection here.
    private static let maxWaiting = 64

    /// Whether more may be read from the daemon.
    var hasRoom: Bool {
        waiting.count < Self.maxWaiting && !(takesEvery && waiting.contains { $0.isPicture })
    }

    /// - Returns: the buffer of the picture that gave way.
    mutating func add(_ message: OutgoingMessage) -> MessageBuffer? {
        var message = message
        var freed: MessageBuffer?
        if message.isPicture, !takesEvery,
            let older = waiting.firstIndex(where: { $0.isPicture })
        {
            let gone = waiting.remove(at: older)
            Self.noteDropped(gone.head, in: &message.head)
            droppedCount += 1
            freed = gone.payload
        }
        waiting.append(message)
        return freed
    }

    mutating func takeNext() -> OutgoingMessage? {
        waiting.isEmpty ? nil : waiting.removeFirst()
    }

    /// Adds the older picture's id, and what it reported as dropped, to the newer one's list.
    static func noteDropped(_ older: [UInt8], in newer: inout [UInt8]) {
        let body = Int(FL_HEADER_BYTES)
        guard older.count >= body + MemoryLayout<fl_picture>.size,
            newer.count >= body + MemoryLayout<fl_picture>.size
        else { return }
        var ids = listedIDs(older) + listedIDs(newer) + [word64(older, 24)]
        let count = word32(older, body + countOffset) &+ word32(newer, body + countOffset) &+ 1
        ids = Array(Set(ids)).sorted().suffix(Int(FL_MAX_DROPPED_IDS))
        put(UInt64(count), byteCount: 4, at: body + countOffset, in: &newer)
        for index in 0..<Int(FL_MAX_DROPPED_IDS) {
            put(
                index < ids.count ? ids[index] : 0, byteCount: 8,
                at: body + idsOffset + 8 * index, in: &newer)
        }
    }

    private static let countOffset = MemoryLayout<fl_picture>.offset(of: \.dropped_count) ?? 100
    private static let idsOffset = MemoryLayout<fl_picture>.offset(of: \.dropped_ids) ?? 104

    private static func listedIDs(_ head: [UInt8]) -> [UInt64] {
        let body = Int(FL_HEADER_BYTES)
        let count = min(Int(word32(head, body + countOffset)), Int(FL_MAX_DROPPED_IDS))
        return (0..<count).map { word64(head, body + idsOffset + 8 * $0) }
    }

    static func word32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) }
    }

    static func word64(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
    }

    static func put(_ value: UInt64, byteCount: Int, at offset: Int, in bytes: inout [UInt8]) {
        for index in 0..<byteCount {
            bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index)))
        }
    }
}
