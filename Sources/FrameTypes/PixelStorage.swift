// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Pixel memory with one owner at a time.
///
/// The session's buffers are made when its size is agreed and go round: the loop thread fills one
/// from the socket, hands it to a render job, and takes it back with the job's result.
///
/// Only the current owner touches the bytes; ownership passes through the scheduler's lock.
@safe
package final class PixelStorage: Sendable {
    private let memory: MappedMemory
    package var byteCount: Int { memory.byteCount }

    /// Zero-filled, aligned to a cache line; large ones cost nothing until they are touched.
    package init(reserving byteCount: Int) throws(MemoryRefusal) {
        memory = try MappedMemory(byteCount: byteCount)
    }

    /// For programs that can do nothing without it: ends them where the system refuses the memory.
    /// Never for a size that a client of the daemon decides.
    package convenience init(byteCount: Int) {
        do {
            try self.init(reserving: byteCount)
        } catch {
            fatalError("\(error)")
        }
    }

    /// The whole memory, for reading it from a socket and for kernels; valid as long as this object.
    @unsafe
    package var bytes: UnsafeMutableRawBufferPointer {
        unsafe memory.bytes
    }

    /// A copy, for tests and files.
    package func copiedBytes() -> [UInt8] {
        // Initialised bytes for as long as `self` lives.
        unsafe [UInt8](memory.bytes)
    }

    /// Copies all of another storage of the same size.
    package func copy(_ source: PixelStorage) {
        precondition(source.byteCount == byteCount, "a copy of another size")
        // Both hold `byteCount` initialised bytes for as long as their objects live.
        unsafe memory.start.copyMemory(from: source.memory.start, byteCount: byteCount)
    }

    /// Copies a part of another storage to the same place. The range must lie inside of both.
    package func copy(_ source: PixelStorage, _ range: Range<Int>) {
        precondition(
            range.lowerBound >= 0 && range.upperBound <= min(byteCount, source.byteCount),
            "copy outside of the pixel storage")
        // Both ranges were checked on the line above, and hold initialised bytes.
        unsafe memory.start.advanced(by: range.lowerBound).copyMemory(
            from: source.memory.start.advanced(by: range.lowerBound), byteCount: range.count)
    }

    /// Copies `source`, or its first `count` bytes, to `offset`. The range must lie inside.
    package func copy(_ source: [UInt8], first count: Int? = nil, at offset: Int = 0) {
        let count = count ?? source.count
        precondition(
            offset >= 0 && count >= 0 && count <= source.count && count <= byteCount - offset,
            "copy outside of the pixel storage")
        // The range was checked on the line above.
        unsafe source.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe memory.start.advanced(by: offset).copyMemory(from: start, byteCount: count)
        }
    }

    /// Copies of single pixels: `byteCount` bytes at each sum of a row's and a column's offset, rows
    /// slowest. All of them must lie inside.
    package func gathered(
        rowOffsets: [Int], columnOffsets: [Int], byteCount size: Int
    ) -> [UInt8] {
        guard let top = rowOffsets.min(), let bottom = rowOffsets.max(),
            let left = columnOffsets.min(), let right = columnOffsets.max(), size > 0
        else { return [] }
        precondition(
            top >= 0 && left >= 0 && bottom <= byteCount && right <= byteCount
                && bottom + right + size <= byteCount, "pixels outside of the pixel storage")
        let total = rowOffsets.count * columnOffsets.count * size
        return unsafe [UInt8](unsafeUninitializedCapacity: total) { target, count in
            var next = 0
            for row in rowOffsets {
                for column in columnOffsets {
                    for byte in 0..<size {
                        // The largest sum was checked above; `target` has room for all.
                        unsafe target.initializeElement(
                            at: next,
                            to: memory.start.load(
                                fromByteOffset: row + column + byte, as: UInt8.self))
                        next += 1
                    }
                }
            }
            count = next
        }
    }
}
