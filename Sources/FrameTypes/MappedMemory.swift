// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Glibc

/// The system does not give memory that was planned.
package struct MemoryRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package var byteCount: Int

    package init(byteCount: Int) { self.byteCount = byteCount }

    package var description: String {
        "the system refuses \(max(1, byteCount >> 20)) MiB of memory (limit of address space, "
            + "overcommit or number of mappings)"
    }
}

/// Zero-filled memory that costs nothing until it is touched: large pieces are mapped, so that the
/// loop thread never clears megabytes for a session that opens, and go back to the system when they
/// are let go of.
///
/// `@unchecked Sendable`: address and size never change; what the bytes mean is up to the owner.
@safe
package final class MappedMemory: @unchecked Sendable {
    package let byteCount: Int
    private let base: UnsafeMutableRawPointer
    private let isMapped: Bool

    /// Smaller pieces come from the heap, which packs them more tightly than pages.
    private static let mappedByteCount = 64 << 10
    /// Larger ones take milliseconds to give back (60 ns a touched page), on a thread that may.
    private static let quicklyUnmapped = 1 << 20
    /// Given back at once on that thread. While the kernel frees pages it holds the lock that every new
    /// mapping of the process needs, those of the loop thread too: a quarter of a millisecond a piece.
    private static let unmappedAtOnce = 4 << 20
    private static let reclaim = DispatchQueue(label: "frameloom.reclaim", qos: .utility)

    /// Aligned to a cache line.
    /// - Throws: where the system refuses it (address space, overcommit, number of mappings).
    package init(byteCount: Int) throws(MemoryRefusal) {
        precondition(byteCount >= 0, "a negative size")
        self.byteCount = byteCount
        isMapped = byteCount >= Self.mappedByteCount
        if isMapped {
            // A fresh private mapping; the only pointer to it is this object's.
            let mapped = unsafe mmap(
                nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else {
                throw MemoryRefusal(byteCount: byteCount)
            }
            unsafe base = mapped
        } else {
            // The pointer lives as long as this object; nothing else frees it.
            unsafe base = UnsafeMutableRawPointer.allocate(
                byteCount: max(byteCount, 64), alignment: 64)
            unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 64))
        }
    }

    deinit {
        guard isMapped else { return unsafe base.deallocate() }
        let byteCount = self.byteCount
        guard byteCount > Self.quicklyUnmapped else {
            // The whole mapping, once.
            unsafe munmap(base, byteCount)
            return
        }
        let address = UInt(bitPattern: unsafe base)
        Self.reclaim.async { Self.unmap(address, byteCount) }
    }

    /// From the end, so that the rest stays one mapping.
    private static func unmap(_ address: UInt, _ byteCount: Int) {
        var end = byteCount
        while end > 0 {
            let start = (end - 1) / unmappedAtOnce * unmappedAtOnce
            // Each part of the mapping once; nobody holds its object any more.
            unsafe munmap(UnsafeMutableRawPointer(bitPattern: address + UInt(start)), end - start)
            end = start
        }
    }

    /// Valid as long as this object.
    @unsafe
    package var start: UnsafeMutableRawPointer { unsafe base }

    /// Valid as long as this object.
    @unsafe
    package var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    /// Whether the system would give so much more now (address space limit, strict overcommit).
    package static func isAvailable(_ byteCount: Int) -> Bool {
        guard byteCount > 0 else { return true }
        // A mapping of its own that nobody touches.
        let probe = unsafe mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let probe = unsafe probe, unsafe probe != MAP_FAILED else { return false }
        unsafe munmap(probe, byteCount)
        return true
    }
}
