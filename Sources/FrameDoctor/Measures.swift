// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What the doctor saw, whether or not something is wrong. Shares are 0 to 1, means over the frames.
package struct Measures: Sendable {
    /// Frames looked at.
    package var frames = 0
    /// Frames that moved by half a pixel or more, or turned, against an earlier one.
    package var movingFrames = 0
    /// Of the pixels.
    package var skyShare = 0.0
    /// Of the surfaces: their normals face away from the viewer. nil without cameras.
    package var awayShare: Double?
    /// Of the surfaces: found in an earlier frame by depth and camera. nil without cameras.
    package var historyShare: Double?
    /// Mean difference of base color there, of 255.
    package var baseColorError: Double?

    private var sky = 0.0
    private var away = (sum: 0.0, count: 0)
    private var found = (history: 0.0, error: 0.0, count: 0)

    mutating func add(_ look: FrameLook) {
        sky += look.skyShare
        skyShare = sky / Double(max(1, frames))
        if let share = look.awayShare {
            away = (away.sum + share, away.count + 1)
            awayShare = away.sum / Double(away.count)
        }
    }

    mutating func add(_ comparison: Comparison) {
        if comparison.movement >= 0.5 { movingFrames += 1 }
        found = (
            found.history + comparison.history, found.error + comparison.error, found.count + 1
        )
        historyShare = found.history / Double(found.count)
        baseColorError = found.error / Double(found.count)
    }
}
