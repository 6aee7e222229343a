// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Decides which session renders next. A value: no clock, no thread.
///
/// Fair by measured cost. Each session is charged the render time that it used; the one that
/// attained least goes first, and within a session frames keep their order. A session that comes to
/// the queue, new or after a pause, starts no lower than the least charged session that is busy then:
/// nobody saves up time. Among sessions less than `slack` apart the earliest deadline goes first.
///
/// After each step a running job gives way to one of another session if that session attained less
/// and is expected to need at most half of what the running job still needs. So a frame of a second
/// lets frames of milliseconds pass, while frames of like cost are not cut into pieces, which would
/// make both late. The job set aside keeps its workspace.
struct JobQueue {
    /// Differences of attained time that do not count as unfair, nanoseconds.
    static let slack: UInt64 = 50_000_000

    private struct Share {
        /// Render time charged, nanoseconds, comparable between sessions.
        var attained: UInt64
        /// Smoothed cost of the last frames, nanoseconds; nil before the first.
        var usualCost: UInt64?
        /// In the order of their submission.
        var waiting: [RenderJob] = []
        /// Started and set aside.
        var setAside: RenderJob?
        var isRunning = false

        var isBusy: Bool { isRunning || setAside != nil || !waiting.isEmpty }
        var next: RenderJob? { setAside ?? waiting.first }
    }

    private var shares: [UInt64: Share] = [:]
    private var heldWorkspaces: Set<WorkspaceKey> = []
    /// What the least charged busy session had attained; never falls.
    private var floor: UInt64 = 0
    private var submissions: UInt64 = 0
    private(set) var waitingCount = 0
    private(set) var setAsideCount = 0

    mutating func submit(_ job: RenderJob) {
        raiseFloor()
        var share = shares[job.session] ?? Share(attained: floor)
        if !share.isBusy { share.attained = max(share.attained, floor) }
        var job = job
        job.order = submissions
        share.waiting.append(job)
        shares[job.session] = share
        submissions += 1
        waitingCount += 1
    }

    /// Takes the job whose turn it is, to start or to resume; its workspace and session are held until `end` or `setAside`.
    mutating func takeNext() -> RenderJob? {
        guard let session = choose(where: { _ in true }) else { return nil }
        return take(session)
    }

    /// The session that `running` should give way to now, if there is one.
    func successor(of running: RenderJob) -> UInt64? {
        let session = running.session
        guard waitingCount + setAsideCount > 0, let share = shares[session] else { return nil }
        let rest = remaining(of: running, share)
        let deadline = running.deadline ?? .max
        return choose { other in
            guard other.attained < share.attained, remaining(of: other) <= rest / 2
            else { return false }
            return other.attained + Self.slack < share.attained
                || other.next?.deadline ?? .max <= deadline
        }
    }

    /// Puts the running job aside, and takes the job of its successor.
    mutating func setAside(_ running: RenderJob, for successor: UInt64) -> RenderJob? {
        var running = running
        running.timesSetAside += 1
        shares[running.session]?.setAside = running
        shares[running.session]?.isRunning = false
        setAsideCount += 1
        return take(successor)
    }

    mutating func charge(_ session: UInt64, _ nanoseconds: UInt64) {
        shares[session]?.attained += nanoseconds
    }

    /// The running job is over; `cost` in nanoseconds if it ran to its end.
    mutating func end(_ job: RenderJob, cost: UInt64?) {
        raiseFloor()
        heldWorkspaces.remove(job.workspace)
        shares[job.session]?.isRunning = false
        guard let cost else { return }
        let before = shares[job.session]?.usualCost ?? cost
        shares[job.session]?.usualCost = before - before / 4 + cost / 4
    }

    /// Takes all jobs of a session that have not started.
    mutating func removeWaiting(of session: UInt64) -> [RenderJob] {
        guard let waiting = shares[session]?.waiting else { return [] }
        waitingCount -= waiting.count
        shares[session]?.waiting = []
        return waiting
    }

    /// Takes the job of a session that was set aside. Its workspace stays held until `end`.
    mutating func removeSetAside(of session: UInt64) -> RenderJob? {
        guard let running = shares[session]?.setAside else { return nil }
        setAsideCount -= 1
        shares[session]?.setAside = nil
        return running
    }

    /// Forgets a session that has no job left.
    mutating func forget(_ session: UInt64) {
        if shares[session]?.isBusy == false { shares[session] = nil }
    }

    var sessions: [UInt64] { Array(shares.keys) }

    // MARK: Choice

    private mutating func take(_ session: UInt64) -> RenderJob? {
        guard var share = shares[session] else { return nil }
        defer { shares[session] = share }
        share.isRunning = true
        if let job = share.setAside {
            share.setAside = nil
            setAsideCount -= 1
            return job
        }
        let job = share.waiting.removeFirst()
        waitingCount -= 1
        heldWorkspaces.insert(job.workspace)
        return job
    }

    /// The session to render next among those that can be: earliest deadline among the least charged
    /// within `slack`, then the least charged, then the first to ask.
    private func choose(where isWanted: (Share) -> Bool) -> UInt64? {
        var least: UInt64?
        for share in shares.values where canRun(share) && isWanted(share) {
            least = min(least ?? .max, share.attained)
        }
        guard let least else { return nil }
        var best: (session: UInt64, rank: (UInt64, UInt64, UInt64))?
        for (session, share) in shares
        where share.attained <= least + Self.slack && canRun(share) && isWanted(share) {
            // A job set aside asked before all that wait.
            let order = share.setAside == nil ? (share.waiting.first?.order ?? 0) + 1 : 0
            let rank = (share.next?.deadline ?? .max, share.attained, order)
            if let best, best.rank <= rank { continue }
            best = (session, rank)
        }
        return best?.session
    }

    private func canRun(_ share: Share) -> Bool {
        guard !share.isRunning else { return false }
        if share.setAside != nil { return true }
        guard let first = share.waiting.first else { return false }
        return !heldWorkspaces.contains(first.workspace)
    }

    /// Expected time that a share's next job needs. An unknown one counts as short: it is measured
    /// while it runs, and can be set aside itself.
    private func remaining(of share: Share) -> UInt64 {
        if let running = share.setAside { return remaining(of: running, share) }
        return share.usualCost ?? 0
    }

    private func remaining(of running: RenderJob, _ share: Share) -> UInt64 {
        let spent = running.work.times.job
        if let usualCost = share.usualCost, usualCost > spent { return usualCost - spent }
        let left = UInt64(running.work.steps.count - running.work.stepsRun)
        return spent / UInt64(max(running.work.stepsRun, 1)) * left
    }

    private mutating func raiseFloor() {
        var least: UInt64 = .max
        for share in shares.values where share.isBusy { least = min(least, share.attained) }
        if least < .max { floor = max(floor, least) }
    }
}
