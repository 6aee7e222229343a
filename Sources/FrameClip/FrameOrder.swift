// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Which frame of a clip comes when, over several passes.
///
/// Forward passes start again at the first frame: the camera jumps, so that frame is to be rendered
/// without history. Ping-pong passes turn round at the ends, where neighbours are neighbours in time.
package struct FrameOrder: Sendable, Equatable {
    package struct Step: Sendable, Equatable {
        /// Index into the clip's frames.
        package var frame: Int
        /// From 0.
        package var pass: Int
        /// The frame before it in this order is not its neighbour in the clip.
        package var isJump: Bool
    }

    package let frameCount: Int
    package let passCount: Int
    package let isPingPong: Bool

    /// - Parameters:
    ///   - frameCount: at least 1.
    ///   - passCount: at least 1.
    package init(frameCount: Int, passCount: Int, isPingPong: Bool) {
        precondition(frameCount > 0 && passCount > 0, "an order needs a frame and a pass")
        self.frameCount = frameCount
        self.passCount = passCount
        // With one frame there is nothing to turn round.
        self.isPingPong = isPingPong && frameCount > 1
    }

    /// Steps of every pass after the first: a ping-pong pass does not repeat the frame that it
    /// turns round at.
    private var laterPassCount: Int { isPingPong ? frameCount - 1 : frameCount }

    package var stepCount: Int { frameCount + (passCount - 1) * laterPassCount }

    package subscript(index: Int) -> Step {
        precondition((0..<stepCount).contains(index), "no such step")
        guard index >= frameCount else { return Step(frame: index, pass: 0, isJump: index == 0) }
        let later = index - frameCount
        let pass = 1 + later / laterPassCount
        let position = later % laterPassCount
        guard isPingPong else {
            return Step(frame: position, pass: pass, isJump: position == 0 && frameCount > 1)
        }
        let frame = pass.isMultiple(of: 2) ? position + 1 : frameCount - 2 - position
        return Step(frame: frame, pass: pass, isJump: false)
    }
}
