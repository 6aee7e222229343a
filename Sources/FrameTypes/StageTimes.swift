// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Nanoseconds of the stages of one frame, in the order it meets them.
package struct StageTimes: Sendable, Hashable {
    /// First byte of the frame to its last.
    package var read: UInt64 = 0
    /// Until a render thread began with it.
    package var queue: UInt64 = 0
    package var convert: UInt64 = 0
    package var render: UInt64 = 0
    package var encode: UInt64 = 0

    package init() {}

    /// On the render threads, without the times that the job was set aside.
    package var job: UInt64 { convert + render + encode }

    package mutating func add(_ nanoseconds: UInt64, to stage: RenderStep.Stage) {
        switch stage {
        case .convert: convert += nanoseconds
        case .render: render += nanoseconds
        case .encode: encode += nanoseconds
        }
    }

    package static func += (sum: inout StageTimes, other: StageTimes) {
        sum.read += other.read
        sum.queue += other.queue
        sum.convert += other.convert
        sum.render += other.render
        sum.encode += other.encode
    }
}
