// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Glibc
import Synchronization
import Testing

@testable import FrameSocket

@Suite(.timeLimit(.minutes(1))) struct EventLoopTests {
    @Test func noWakeOfFourThreadsIsLost() throws {
        let loop = try EventLoop()
        let sent = Atomic(0)
        var (calls, seen) = (0, 0)
        let waker = try loop.makeWaker {
            calls += 1
            seen = sent.load(ordering: .acquiring)
            if seen == 40_000 { loop.stop() }
        }
        let done = try whileRunning(loop) {
            DispatchQueue.concurrentPerform(iterations: 4) { _ in
                for _ in 0..<10_000 {
                    sent.add(1, ordering: .releasing)
                    waker.wake()
                }
            }
            // The loop stops by the last wake; this one would only hide that it was lost.
            usleep(200_000)
            return true
        }
        loop.close()
        _ = done
        #expect(seen == 40_000)
        #expect(calls >= 1 && calls <= 40_000)
        waker.wake()
    }

    @Test func timersCallOnceOrAgainAndAgain() throws {
        let loop = try EventLoop()
        var (once, often, never) = (0, 0, 0)
        let start = EventLoop.now
        var onceAt: UInt64 = 0
        let single = try loop.makeTimer {
            once += 1
            onceAt = EventLoop.now
        }
        let stopped = try loop.makeTimer { never += 1 }
        var dropped: LoopTimer? = try loop.makeTimer { never += 1 }
        let repeating = try loop.makeTimer {
            often += 1
            if often == 5 { loop.stop() }
        }
        single.start(after: 15)
        repeating.start(after: 10, every: 10)
        stopped.start(after: 5)
        stopped.stop()
        dropped?.start(after: 5)
        dropped = nil
        loop.run()
        loop.close()
        single.start(after: 1)
        #expect(once == 1 && often == 5 && never == 0)
        #expect(onceAt - start >= 14_000_000)
    }

    @Test func signalsReachTheirHandler() throws {
        let loop = try EventLoop()
        var numbers: [Int32] = []
        try loop.onSignals([SIGHUP, SIGUSR1]) { number in
            numbers.append(number)
            if numbers.count == 2 { loop.stop() }
        }
        _ = try whileRunning(loop) {
            kill(getpid(), SIGHUP)
            usleep(20_000)
            kill(getpid(), SIGUSR1)
            usleep(100_000)
            return true
        }
        loop.close()
        #expect(numbers == [SIGHUP, SIGUSR1])
    }

    @Test func signalThatCannotBeCaughtIsRefused() throws {
        let loop = try EventLoop()
        #expect(throws: SocketError.self) { try loop.onSignals([SIGKILL]) { _ in } }
        loop.close()
    }

    @Test func turnThatBlocksTheLoopIsMeasured() throws {
        let loop = try EventLoop()
        var blocked: [UInt64] = []
        var sleeps = 0
        loop.onBlocked = { turn in
            blocked.append(turn.time)
            sleeps += turn.sleeps
            #expect(turn.worked < 60_000_000, "it slept most of the time: \(turn)")
        }
        loop.blockedThreshold = 60_000_000
        let slow = try loop.makeTimer { usleep(80_000) }
        var turns = 0
        let quick = try loop.makeTimer { turns += 1 }
        let end = try loop.makeTimer { loop.stop() }
        slow.start(after: 20)
        quick.start(after: 1, every: 5)
        end.start(after: 250)
        loop.run()
        loop.close()
        // Waiting is not counted: it took more than twice as long as the slow turn.
        #expect(blocked.contains { $0 >= 75_000_000 && $0 < 150_000_000 }, "\(blocked)")
        #expect(blocked.reduce(0, +) < 200_000_000, "\(blocked)")
        #expect(loop.longestTurn >= 75_000_000)
        #expect(sleeps >= 1)
        #expect(turns > 3)
    }

    @Test func turnThatWorksIsToldFromOneThatWaits() throws {
        let loop = try EventLoop()
        var turns: [EventLoop.Turn] = []
        loop.onBlocked = { turns.append($0) }
        loop.blockedThreshold = 30_000_000
        let slow = try loop.makeTimer {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            let end = time.tv_sec * 1_000_000_000 + time.tv_nsec + 40_000_000
            while time.tv_sec * 1_000_000_000 + time.tv_nsec < end {
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            }
            loop.stop()
        }
        slow.start(after: 1)
        loop.run()
        loop.close()
        #expect(turns.contains { $0.worked >= 39_000_000 }, "\(turns)")
        #expect(loop.recentMostWork >= 39_000_000)
    }

    /// A timer that is started sets libuv's clock forward: as long as a turn was measured by it, one
    /// that worked for 260 ms was told as 12.
    @Test func turnThatStartsATimerIsMeasuredFromItsBeginning() throws {
        let loop = try EventLoop()
        var timer: LoopTimer?
        let waker = try loop.makeWaker {
            usleep(60_000)
            timer = try? loop.makeTimer { loop.stop() }
            timer?.start(after: 1)
        }
        waker.wake()
        loop.run()
        loop.close()
        #expect(timer != nil)
        #expect(loop.longestTurn >= 59_000_000, "\(loop.longestTurn)")
    }

    @Test func blockingSocketHandlerIsMeasured() throws {
        var longest: UInt64 = 0
        var watched: EventLoop?
        _ = try serve({ loop, listener in
            watched = loop
            listener.start(
                onConnection: { _ in usleep(80_000) }, onError: { Issue.record($0) })
        }) { path -> Int? in
            guard let client = Client(path) else { return nil }
            usleep(150_000)
            client.close()
            return 0
        }
        longest = watched?.longestTurn ?? 0
        #expect(longest >= 75_000_000)
    }

    @Test func deferredWorkIsDoneInOrderAndInSlices() throws {
        let loop = try EventLoop()
        var done: [Int] = []
        var turns: Set<UInt64> = []
        for piece in 0..<40 {
            loop.later {
                done.append(piece)
                turns.insert(loop.turn)
                usleep(500)
                // What is added meanwhile comes after all that was there.
                if piece == 0 { loop.later { done.append(1_000) } }
            }
        }
        let end = try loop.makeTimer { loop.stop() }
        end.start(after: 300)
        loop.run()
        loop.close()
        #expect(done == Array(0..<40) + [1_000])
        #expect(turns.count >= 10)
    }

    @Test func loopIsLetGoOfWithoutAClose() throws {
        weak var remains: EventLoop?
        do {
            let loop = try EventLoop()
            remains = loop
            let timer = try loop.makeTimer {}
            timer.start(after: 10_000)
            _ = try loop.makeWaker {}
        }
        #expect(remains == nil)
    }
}
