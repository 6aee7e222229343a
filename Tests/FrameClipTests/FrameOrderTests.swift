// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import Testing

@Suite struct FrameOrderTests {
    private func frames(_ order: FrameOrder) -> [Int] {
        (0..<order.stepCount).map { order[$0].frame }
    }

    @Test func passesStartAgainWithAJump() {
        let order = FrameOrder(frameCount: 3, passCount: 2, isPingPong: false)
        #expect(frames(order) == [0, 1, 2, 0, 1, 2])
        #expect((0..<6).map { order[$0].isJump } == [true, false, false, true, false, false])
        #expect((0..<6).map { order[$0].pass } == [0, 0, 0, 1, 1, 1])
    }

    @Test func pingPongTurnsRoundWithoutAJump() {
        let order = FrameOrder(frameCount: 4, passCount: 4, isPingPong: true)
        #expect(frames(order) == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0])
        #expect((1..<order.stepCount).allSatisfy { !order[$0].isJump })
        #expect(order[3].pass == 0 && order[4].pass == 1 && order[7].pass == 2)
    }

    /// A still picture is its own neighbour.
    @Test(arguments: [true, false])
    func oneFrameIsRepeatedWithItsHistory(isPingPong: Bool) {
        let order = FrameOrder(frameCount: 1, passCount: 3, isPingPong: isPingPong)
        #expect(frames(order) == [0, 0, 0])
        #expect((0..<3).map { order[$0].isJump } == [true, false, false])
    }
}
