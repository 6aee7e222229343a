// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Scratch memory of one render thread, for what a tile needs only while it runs: small enough to
/// stay in that core's own cache, and the same from tile to tile.
///
/// `@unchecked Sendable`: the address never changes, and only the thread that was given it touches
/// the bytes.
@safe
package final class WorkerMemory: @unchecked Sendable {
    /// Tiles are planned to need no more than this.
    package static let byteCount = 1 << 20

    private let base: UnsafeMutableRawPointer

    package init() {
        // Lives as long as this object; whole pages.
        unsafe base = UnsafeMutableRawPointer.allocate(
            byteCount: Self.byteCount, alignment: 4096)
    }

    deinit { unsafe base.deallocate() }

    /// Undefined when a tile starts.
    @unsafe
    package var floats: UnsafeMutablePointer<Float> {
        unsafe base.assumingMemoryBound(to: Float.self)
    }
}
