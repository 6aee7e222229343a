// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Testing

@testable import frameloom

/// Answers as a test says; the real renderers cannot be told to drop or fail a certain frame.
private final class ScriptedRenderer: FrameRenderer {
    enum Answer { case picture, failure, drop }

    var description = RendererDescription()
    private let answer: (UInt64) -> Answer
    private(set) var sent: [FrameToRender] = []
    private(set) var mostInFlight = 0
    private var waiting: [FrameToRender] = []

    init(_ answer: @escaping (UInt64) -> Answer) { self.answer = answer }

    func send(_ frame: FrameToRender) {
        sent.append(frame)
        waiting.append(frame)
        mostInFlight = max(mostInFlight, waiting.count)
    }

    func receive(into pixels: inout [UInt8], waitingNanoseconds: UInt64) -> RenderReply? {
        while !waiting.isEmpty {
            let frame = waiting.removeFirst()
            switch answer(frame.id) {
            case .drop: continue
            case .failure: return RenderReply(id: frame.id, outcome: .failed("no"))
            case .picture:
                for index in pixels.indices { pixels[index] = UInt8(frame.id) }
                var reply = RenderReply(id: frame.id, outcome: .picture)
                reply.historyFrame = frame.isReset || frame.id == 1 ? nil : frame.id - 1
                reply.stages.render = 10
                reply.age = frame.id == 1 ? nil : 25
                return reply
            }
        }
        sleep(nanoseconds: min(waitingNanoseconds, 1_000_000))
        return nil
    }

    func finish() {}
}

@Suite(.timeLimit(.minutes(1))) struct ClipRunTests {
    private func clip(frames: Int) -> Clip {
        let size = FrameSize(width: 4, height: 2)
        let layout = GBufferLayout(
            size: size, origin: .topLeft, normalSpace: .world,
            depth: .linear(metresPerUnit: 1, far: .infinity), motion: nil, planes: [],
            byteCount: 0)
        return Clip(
            name: "plain", layout: layout,
            frames: (0..<frames).map { Clip.Frame(number: $0, payload: []) })
    }

    private func run(
        frames: Int, passes: Int = 1, maxInFlight: Int = 2, framesPerSecond: Double? = nil,
        stallSeconds: Int = 60, _ answer: @escaping (UInt64) -> ScriptedRenderer.Answer
    ) throws -> (ClipRun.Outcome, ScriptedRenderer) {
        let renderer = ScriptedRenderer(answer)
        let order = FrameOrder(frameCount: frames, passCount: passes, isPingPong: false)
        let run = ClipRun(
            clip: clip(frames: frames), order: order, renderer: renderer,
            settings: .init(
                framesPerSecond: framesPerSecond, maxInFlight: maxInFlight,
                stallSeconds: stallSeconds, keepsPictures: true, preview: nil))
        try run.run(progress: Progress(label: "Test", total: order.stepCount))
        return (run.outcome, renderer)
    }

    @Test func everyFrameIsSentOnceInOrderAndKept() throws {
        let (outcome, renderer) = try run(frames: 5) { _ in .picture }
        #expect(renderer.sent.map(\.id) == [1, 2, 3, 4, 5])
        #expect(renderer.sent.map(\.clipFrame) == [0, 1, 2, 3, 4])
        #expect(renderer.sent.allSatisfy { !$0.isReset })
        #expect(renderer.mostInFlight == 2)
        #expect(outcome.sent == 5 && outcome.rendered == 5)
        #expect(outcome.dropped == 0 && outcome.failed == 0 && outcome.withHistory == 4)
        #expect(outcome.firstPass.map { $0.first } == [1, 2, 3, 4, 5])
        #expect(outcome.lastPass.isEmpty)
        #expect(outcome.latency.count == 5)
        #expect(outcome.stages.render == 50)
    }

    @Test func theDaemonsShareIsWhatTheDenoiserDidNotTake() throws {
        let (outcome, _) = try run(frames: 5) { _ in .picture }
        #expect(outcome.daemonShare.count == 4)
        #expect(outcome.daemonShare.ns(atPercentile: 50) == 15)
        #expect(outcome.cpuNanoseconds > 0)
    }

    @Test func laterPassesResetAndOnlyTheFirstAndLastAreKept() throws {
        let (outcome, renderer) = try run(frames: 3, passes: 4) { _ in .picture }
        #expect(renderer.sent.map(\.id) == Array(1...12))
        #expect(renderer.sent.filter(\.isReset).map(\.id) == [4, 7, 10])
        #expect(outcome.firstPass.map { $0.first } == [1, 2, 3])
        #expect(outcome.lastPass.map { $0.first } == [10, 11, 12])
    }

    @Test func anOlderFrameWithoutAnAnswerCountsAsDropped() throws {
        let (outcome, _) = try run(frames: 6, maxInFlight: 3) {
            [2, 3, 5].contains($0) ? .drop : .picture
        }
        #expect(outcome.rendered == 3 && outcome.dropped == 3 && outcome.failed == 0)
        #expect(outcome.firstPass.map(\.isEmpty) == [false, true, true, false, true, false])
    }

    @Test func aFailedFrameDoesNotEndTheRun() throws {
        let (outcome, _) = try run(frames: 4) { $0 == 2 ? .failure : .picture }
        #expect(outcome.rendered == 3 && outcome.failed == 1 && outcome.dropped == 0)
        #expect(outcome.failure == "no")
    }

    @Test func aPacedRunTakesItsTime() throws {
        let (outcome, _) = try run(frames: 6, framesPerSecond: 100) { _ in .picture }
        // Five spaces of 10 ms between six frames.
        #expect(outcome.nanoseconds >= 50_000_000)
    }

    @Test func anInterruptedRunKeepsWhatWasUnderWay() throws {
        let renderer = ScriptedRenderer { _ in .picture }
        let run = ClipRun(
            clip: clip(frames: 9),
            order: FrameOrder(frameCount: 9, passCount: 1, isPingPong: false), renderer: renderer,
            settings: .init(
                maxInFlight: 2, keepsPictures: true, isInterrupted: { renderer.sent.count == 4 }))
        try run.run(progress: Progress(label: "Test", total: 9))
        #expect(run.outcome.sent == 4 && run.outcome.rendered == 4)
        #expect(
            run.outcome.firstPass.map(\.isEmpty) == [
                false, false, false, false, true, true, true, true, true,
            ])
    }

    @Test func silenceEndsTheRunWithTheOldestFramesNumber() {
        #expect {
            _ = try run(frames: 3, stallSeconds: 0) { _ in .drop }
        } throws: {
            guard case .stalled(frame: 1, _) = $0 as? RunError else { return false }
            return true
        }
    }
}
