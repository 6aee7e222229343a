// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CMemory
import FrameScheduler
import FrameSocket

/// What happens by the clock: fifty times a second, in slices.
extension Server {
    /// Between two ticks, nanoseconds: longer than any turn of the loop.
    private static let gap: UInt64 = 1_000_000_000

    func tick() {
        forgiveGap()
        tickSomeClients()
        control?.tick(now: EventLoop.now)
        trimMemory()
        feedWatchdog()
        tellStatus()
        if let drainDeadline, EventLoop.now >= drainDeadline {
            log.warning("clients did not take their pictures in time; ending")
            endNow()
        }
    }

    /// A stopped process or a machine that stood is no client's fault: what they sent meanwhile waits
    /// in their sockets, and their limits in time must not run out before it is read.
    private func forgiveGap() {
        let now = EventLoop.now
        defer { lastTick = now }
        guard now - lastTick > Self.gap else { return }
        let gap = now - lastTick
        log.notice("did not run for a while", metadata: ["ms": "\(gap / 1_000_000)"])
        for client in clients.values { client.forgive(gap) }
        control?.forgive(gap)
        if let deadline = drainDeadline { drainDeadline = deadline + gap }
    }

    /// Steps take milliseconds: a step of seconds means that a render thread hangs, and the service
    /// manager should know.
    private func feedWatchdog() {
        let now = EventLoop.now
        guard now - lastFed >= 500_000_000, scheduler.stalledTime(now: now) < 5_000_000_000 else {
            return
        }
        lastFed = now
        manager.watchdog()
    }

    /// Everybody about ten times a second, as far as the turn's budget goes.
    private func tickSomeClients() {
        let slice = max(1, tickOrder.count / 5)
        for _ in 0..<slice where loop.workTime < EventLoop.turnBudget {
            if nextTick >= tickOrder.count {
                tickOrder.removeAll { clients[$0] == nil }
                nextTick = 0
            }
            guard nextTick < tickOrder.count else { return }
            let client = clients[tickOrder[nextTick]]
            nextTick += 1
            client?.tick(now: EventLoop.now)
        }
    }

    /// The heap's share of what ended sessions let go of; larger pieces went back by themselves.
    private func trimMemory() {
        let now = EventLoop.now
        guard hasFreedMemory, now - lastTrim > 2_000_000_000 else { return }
        hasFreedMemory = false
        lastTrim = now
        preparation.run({ fm_trim_heap() }) {}
    }

    private func tellStatus() {
        guard EventLoop.now - toldStatusAt >= 5_000_000_000 else { return }
        toldStatusAt = EventLoop.now
        let text = status
        guard text != toldStatus, !isDraining else { return }
        toldStatus = text
        manager.status(text)
    }
}
