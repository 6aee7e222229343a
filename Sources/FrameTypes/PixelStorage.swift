// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Pixel memory with one owner at a time.
///
/// The session's buffers are made when its size is agreed and go round: the loop thread fills one
/// from the socket, hands it to a render job, and takes it back with the job's result.
///
/// `@unchecked Sendable`: the address and size never change, and only the current owner touches the
/// bytes; ownership passes through the scheduler's lock.
@safe
package final class PixelStorage: @unchecked Sendable {
    package let byteCount: Int
    private let base: UnsafeMutableRawPointer

    /// Zero-filled, aligned to a cache line.
    package init(byteCount: Int) {
        self.byteCount = byteCount
        // The pointer lives as long as this object; nothing else frees it.
        unsafe base = UnsafeMutableRawPointer.allocate(
            byteCount: max(byteCount, 1), alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 1))
    }

    deinit { unsafe base.deallocate() }

    /// The whole memory, for reading it from a socket and for kernels; valid as long as this object.
    @unsafe
    package var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    /// A copy, for tests and files.
    package func copiedBytes() -> [UInt8] {
        // `base` holds `byteCount` initialised bytes for as long as `self` lives.
        unsafe [UInt8](UnsafeRawBufferPointer(start: base, count: byteCount))
    }

    /// Copies all of another storage of the same size.
    package func copy(_ source: PixelStorage) {
        precondition(source.byteCount == byteCount, "a copy of another size")
        // Both hold `byteCount` initialised bytes for as long as their objects live.
        unsafe base.copyMemory(from: source.base, byteCount: byteCount)
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
            unsafe base.advanced(by: offset).copyMemory(from: start, byteCount: count)
        }
    }
}
