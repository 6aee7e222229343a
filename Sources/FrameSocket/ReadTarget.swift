// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Glibc

/// Where the next bytes of a connection go. A read may bring fewer bytes than asked for.
package enum ReadTarget {
    /// To be handed over as an array; at most 64 KiB at a time.
    case bytes(atMost: Int)
    /// Straight into this part of a storage.
    case storage(PixelStorage, Range<Int>)
    /// One byte, with the descriptors attached to it. On any other byte they are refused by the kernel.
    case descriptors
    /// Nowhere.
    case discard(atMost: Int)
}

package enum ReadEvent {
    case bytes([UInt8])
    /// So many bytes were written to the start of the storage's range.
    case stored(Int)
    case discarded(Int)
    /// One byte came, with these descriptors; those that nobody keeps are closed.
    case attached([SharedMemoryFile])
}

package enum ConnectionEnd: Sendable, Hashable {
    /// The peer will send no more; it may still be reading.
    case endOfStream
    /// An errno value, ECONNRESET where the peer was killed.
    case failed(code: Int32)
}

package enum WriteOutcome: Sendable, Hashable {
    case sent
    /// An errno value; ECANCELED where the connection was closed first.
    case failed(code: Int32)
}

/// Process and user of a peer as of its connect; -1 and the highest ids where the kernel does not say.
package struct PeerCredentials: Sendable, Hashable {
    package var processID: Int32
    package var userID: UInt32
    package var groupID: UInt32
    /// Its further groups.
    package var groupIDs: [UInt32]

    init(of descriptor: Int32) {
        // The kernel's ucred: three 32-bit numbers in this order. On failure they stay as they are.
        var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (-1, .max, .max)
        var byteCount = socklen_t(MemoryLayout.size(ofValue: credentials))
        getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &byteCount)
        processID = credentials.pid
        userID = credentials.uid
        groupID = credentials.gid
        // SO_PEERGROUPS of Linux, which Glibc's module does not export; 65,536 is the kernel's own limit.
        let soPeerGroups: Int32 = 59
        var groups = [UInt32](repeating: 0, count: 64)
        var size = socklen_t(groups.count * 4)
        var status = getsockopt(descriptor, SOL_SOCKET, soPeerGroups, &groups, &size)
        if status != 0, errno == ERANGE, size <= 65_536 * 4 {
            groups = [UInt32](repeating: 0, count: Int(size) / 4)
            status = getsockopt(descriptor, SOL_SOCKET, soPeerGroups, &groups, &size)
        }
        groupIDs = status == 0 ? Array(groups.prefix(Int(size) / 4)) : []
    }
}
