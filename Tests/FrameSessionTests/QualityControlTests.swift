// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes
import Testing

@testable import FrameSession

/// When a session's level of quality falls and rises, by a clock that only these tests move.
@Suite struct QualityControlTests {
    /// Thirty pictures a second through one control.
    private struct Run {
        var control: QualityControl
        var now: UInt64 = 1_000_000_000
        var changes: [(FrameQuality, at: Double)] = []

        init(_ levels: [FrameQuality] = [.full, .half, .quarter]) {
            control = QualityControl(levels)
        }

        /// - Parameter isMiss: of the n-th picture.
        mutating func pictures(
            _ seconds: Double, budget: UInt64? = nil, renderTime: UInt64 = 1_000_000,
            isMiss: (Int) -> Bool
        ) {
            for index in 0..<Int(seconds * 30) {
                now += 1_000_000_000 / 30
                let picture = QualityControl.Picture(
                    isMiss: isMiss(index), age: renderTime + 500_000, renderTime: renderTime,
                    budget: budget)
                if let level = control.note(picture, now: now) {
                    changes.append((level, Double(now) / 1e9))
                }
            }
        }
    }

    @Test func fallsAfterASecondOfMissesAndNotBefore() {
        var run = Run()
        run.pictures(0.9) { _ in true }
        #expect(run.control.quality == .full)
        run.pictures(0.3) { _ in true }
        #expect(run.control.quality == .half)
        run.pictures(2) { _ in true }
        #expect(run.control.quality == .quarter)
        run.pictures(10) { _ in true }
        #expect(run.control.quality == .quarter && run.changes.count == 2)
    }

    @Test func aFewMissesAreNoReason() {
        var run = Run()
        run.pictures(60) { $0 % 3 == 0 }
        #expect(run.changes.isEmpty)
        // Nor are many that are over within a second.
        run.pictures(2) { _ in false }
        run.pictures(0.8) { _ in true }
        run.pictures(60) { _ in false }
        #expect(run.changes.isEmpty)
    }

    @Test func risesAfterFiveCalmSeconds() {
        var run = Run()
        run.pictures(1.2) { _ in true }
        run.pictures(4.5) { _ in false }
        #expect(run.control.quality == .half)
        run.pictures(1) { _ in false }
        #expect(run.control.quality == .full)
        run.pictures(30) { _ in false }
        #expect(run.control.quality == .full && run.changes.count == 2)
    }

    /// One miss and the calm begins anew.
    @Test func calmIsWithoutAMiss() {
        var run = Run()
        run.pictures(1.2) { _ in true }
        run.pictures(30) { $0 % 120 == 0 }
        #expect(run.control.quality == .half)
    }

    /// A daemon that cannot hold the better level tries it less and less often, and never flickers.
    @Test func aLevelThatCannotBeHeldIsTriedLessAndLessOften() {
        var run = Run()
        for _ in 0..<300 {
            let isFull = run.control.quality == .full
            run.pictures(1) { _ in isFull }
        }
        let rises = run.changes.filter { $0.0 == .full }.map(\.at)
        #expect(rises.count >= 4 && rises.count <= 10, "\(run.changes)")
        let waits = zip(rises.dropFirst(), rises).map { $0 - $1 }
        for (later, earlier) in zip(waits.dropFirst(), waits) { #expect(later >= earlier - 2) }
        #expect((waits.last ?? 0) > 40)
        // One that could be held makes the wait short again.
        run.pictures(80) { _ in false }
        #expect(run.control.quality == .full)
        run.pictures(60) { _ in false }
        run.pictures(1.2) { _ in true }
        #expect(run.control.quality == .half)
        run.pictures(6) { _ in false }
        #expect(run.control.quality == .full)
    }

    /// A rise that failed counts, however far the level falls then.
    @Test func aSecondFallKeepsTheWait() {
        var run = Run()
        run.pictures(1.2) { _ in true }
        run.pictures(5.5) { _ in false }
        #expect(run.control.quality == .full)
        run.pictures(3) { _ in true }
        #expect(run.control.quality == .quarter)
        run.pictures(8) { _ in false }
        #expect(run.control.quality == .quarter)
        run.pictures(3) { _ in false }
        #expect(run.control.quality == .half)
    }

    /// Four times the light takes up to four times as long: where that would not fit, nothing is tried.
    @Test func risesOnlyWhereThereIsRoomInTheBudget() {
        var run = Run([.half, .quarter])
        let budget: UInt64 = 20_000_000
        run.pictures(1.2, budget: budget) { _ in true }
        #expect(run.control.quality == .quarter)
        run.pictures(60, budget: budget, renderTime: 4_500_000) { _ in false }
        #expect(run.control.quality == .quarter)
        run.pictures(6, budget: budget, renderTime: 3_500_000) { _ in false }
        #expect(run.control.quality == .half)
    }

    @Test func aSessionWithOneLevelStays() {
        var run = Run([.half])
        run.pictures(20) { _ in true }
        #expect(run.control.quality == .half && run.changes.isEmpty)
    }

    // MARK: The session

    private func opened(
        _ levels: [FrameQuality], budget: UInt64? = nil, mayFall: Bool = true
    ) -> SessionHarness {
        var client = SessionHarness()
        client.layout = SessionHarness.layout(size: FrameSize(width: 128, height: 128))
        var request = OpenRequest(layout: client.layout, frameBudgetNanoseconds: budget)
        request.quality = levels[0]
        request.mayFall = mayFall
        client.receive(.open(request, history: nil))
        var admission = SessionHarness.admitted
        admission.qualities = levels
        client.perform(client.session.admitted(admission, now: client.now))
        return client
    }

    /// The history of each frame is its light's, and says so.
    @Test func framesAreRenderedAtTheLevelThatHolds() throws {
        var client = opened([.half, .quarter], budget: 1_000_000)
        var sizes: [FrameSize] = []
        for id in 1...80 as ClosedRange<UInt64> {
            client.sendFrame(id) { $0.camera = Self.camera }
            let job = try #require(client.jobs.first)
            #expect(job.quality == client.session.quality)
            client.now += 50_000_000
            client.render()
            client.writeAll()
            sizes.append(try #require(client.session.history).size)
        }
        #expect(sizes.first == FrameSize(width: 64, height: 64))
        #expect(sizes.last == FrameSize(width: 32, height: 32))
        #expect(client.session.history?.camera?.fx == 25)
        #expect(client.qualityChanges == [.quarter])
        let frames = client.session.counters.frames
        #expect(frames.halfLight + frames.quarterLight == 80 && frames.quarterLight > 40)
    }

    @Test func theReplySaysWhatWasGranted() throws {
        for (levels, features) in [
            ([FrameQuality.half], FrameQuality.half.feature),
            (
                [.full, .half, .quarter],
                FrameQuality.full.feature | OpenedReply.mayFallFeature
            ),
        ] {
            let client = opened(levels)
            guard case .opened(let reply) = try #require(client.replies.first) else {
                Issue.record("no FL_OPENED")
                continue
            }
            #expect(reply.features == features)
        }
    }

    private static let camera = Camera(
        fx: 100, fy: 100, cx: 64, cy: 64, near: 0, far: 0,
        cameraToWorld: Camera.Rows(
            x: SIMD4(1, 0, 0, 0), y: SIMD4(0, 1, 0, 0), z: SIMD4(0, 0, 1, 0), w: SIMD4(0, 0, 0, 1)))
}
