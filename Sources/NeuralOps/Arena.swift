// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Scratch memory of one workspace. Its contents are undefined until written.
///
/// `@unchecked Sendable`: the address and size never change; who writes where is fixed by the plan,
/// in which tiles of one step never write the same floats.
package final class Arena: @unchecked Sendable {
    package let byteCount: Int
    private let memory: MappedMemory
    let base: UnsafeMutablePointer<Float>

    package init(reserving byteCount: Int) throws(MemoryRefusal) {
        self.byteCount = byteCount
        memory = try MappedMemory(byteCount: max(byteCount, 64))
        // Lives as long as `memory`; whole cache lines, so that vectors are aligned.
        base = memory.start.bindMemory(to: Float.self, capacity: max(byteCount, 64) / 4)
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
}

/// Where regions lie that are needed for some time only: two share memory if their times do not
/// meet.
struct ArenaPlan: Sendable {
    struct Region: Sendable {
        var floatCount: Int
        /// First and last step that touches it.
        var time: ClosedRange<Int>
    }

    /// In floats, one per region.
    let offsets: [Int]
    let byteCount: Int

    /// Largest first, each at the lowest place that is free for its whole time.
    init(_ regions: [Region]) {
        let sizes = regions.map { ($0.floatCount + 15) / 16 * 16 }  // whole cache lines
        var offsets = Array(repeating: 0, count: regions.count)
        var placed: [Int] = []
        var end = 0
        for index in regions.indices.sorted(by: { (-sizes[$0], $0) < (-sizes[$1], $1) }) {
            let taken = placed.filter { regions[$0].time.overlaps(regions[index].time) }
                .map { offsets[$0]..<offsets[$0] + sizes[$0] }
                .sorted { $0.lowerBound < $1.lowerBound }
            var start = 0
            for range in taken {
                if range.lowerBound >= start + sizes[index] { break }
                start = max(start, range.upperBound)
            }
            offsets[index] = start
            end = max(end, start + sizes[index])
            placed.append(index)
        }
        self.offsets = offsets
        byteCount = end * 4
    }
}
