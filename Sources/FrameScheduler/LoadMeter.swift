// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// How much of the last second was busy.
struct LoadMeter {
    private static let bucketTime: UInt64 = 100_000_000
    private static let bucketCount: UInt64 = 10

    private var buckets = [UInt64](repeating: 0, count: 10)
    /// Number of the newest bucket since the clock's start.
    private var newest: UInt64 = 0
    private(set) var total: UInt64 = 0

    /// - Parameters:
    ///   - nanoseconds: busy time that ends at `now`; a long one is spread over its buckets.
    mutating func add(_ nanoseconds: UInt64, now: UInt64) {
        total += nanoseconds
        advance(to: now / Self.bucketTime)
        var rest = nanoseconds
        var bucket = now / Self.bucketTime
        var room = now % Self.bucketTime
        for _ in 0..<Self.bucketCount where rest > 0 {
            let part = min(rest, room)
            buckets[Int(bucket % Self.bucketCount)] += part
            rest -= part
            guard bucket > 0 else { return }
            bucket -= 1
            room = Self.bucketTime
        }
    }

    /// 0 to 1, over the nine to ten tenths of a second before `now`.
    mutating func load(now: UInt64) -> Double {
        advance(to: now / Self.bucketTime)
        let span = (Self.bucketCount - 1) * Self.bucketTime + now % Self.bucketTime
        return min(1, Double(buckets.reduce(0, +)) / Double(span))
    }

    private mutating func advance(to bucket: UInt64) {
        guard bucket > newest else { return }
        for step in 0..<min(bucket - newest, Self.bucketCount) {
            buckets[Int((bucket - step) % Self.bucketCount)] = 0
        }
        newest = bucket
    }
}
