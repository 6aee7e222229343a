// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Whose job is next: first the user, then one of his sessions.
extension JobQueue {
    func choose() -> UInt64? { chooseUser()?.choice.runner }

    /// Whose turn it is among one user's sessions.
    struct Choice {
        /// Its job runs: of the session itself, or of the one that holds its workspace.
        var runner: UInt64
        var session: UInt64
        var rank: Rank
        /// Expected time of the session's own job.
        var needs: UInt64
    }

    /// Running sessions are not counted.
    func chooseUser() -> (user: UInt32, choice: Choice, rank: Rank)? {
        var best: (user: UInt32, choice: Choice, rank: Rank)?
        for (id, user) in users where user.isBusy {
            guard let choice = chooseSession(of: user) else { continue }
            let standing = standing(of: user, running: parties[choice.session])
            let rank = Rank(
                standing: standing, deadline: .max,
                virtualDeadline: user.tag + (standing == .beyondShare ? 0 : choice.needs),
                order: choice.rank.order)
            if let best, best.rank < rank { continue }
            best = (id, choice, rank)
        }
        return best
    }

    func chooseSession(of user: User) -> Choice? {
        var best: Choice?
        for id in user.busySessions {
            guard let session = parties[id], !session.isRunning, let job = session.next,
                let runner = holder(of: id)
            else { continue }
            let needs = remaining(of: session, user)
            let rank = rank(of: session, user, needs: needs, job.deadline)
            if let best, best.rank < rank { continue }
            best = Choice(runner: runner, session: id, rank: rank, needs: needs)
        }
        return best
    }

    /// What was started within its share stays within it to its end: it was counted in advance.
    func standing(of session: Session, _ user: User) -> Standing {
        if let started = session.startedStanding { return started }
        guard session.tag <= user.clock.now else { return .beyondShare }
        return session.isLight ? .light : .withinShare
    }

    func standing(of user: User, running session: Session?) -> Standing {
        guard user.tag > clock.now else { return user.isLight ? .light : .withinShare }
        // One frame's work can take it beyond.
        let isStarted = session?.startedStanding != nil
        return isStarted && user.isLight ? .withinShare : .beyondShare
    }

    /// Beyond its share only the tag counts.
    func rank(
        of session: Session, _ user: User, needs: UInt64, _ deadline: UInt64?
    ) -> Rank {
        let standing = standing(of: session, user)
        guard standing != .beyondShare else {
            return Rank(
                standing: standing, deadline: .max, virtualDeadline: session.tag,
                order: session.order)
        }
        return Rank(
            standing: standing, deadline: deadline ?? .max, virtualDeadline: session.tag + needs,
            order: session.order)
    }

    /// Who has to run for the session to go on: itself, or the one whose job, set aside, holds its
    /// workspace. nil if that one is running.
    func holder(of id: UInt64) -> UInt64? {
        guard let session = parties[id], session.setAside == nil,
            let workspace = session.waiting.first?.workspace, let holder = holders[workspace]
        else { return id }
        return parties[holder]?.setAside == nil ? nil : holder
    }

    /// Expected time that a session's next job needs. Of an unknown one what frames of that model and
    /// size cost lately, or those of its user; 0 for a first one, which is measured while it runs and
    /// can be set aside itself.
    func remaining(of session: Session, _ user: User) -> UInt64 {
        if let running = session.setAside { return remaining(of: running, session, user) }
        return session.usualCost ?? session.waiting.first.flatMap { usualCosts[$0.workspace] }
            ?? user.usualCost
    }

    func remaining(of running: RenderJob, _ session: Session, _ user: User) -> UInt64 {
        let spent = running.work.times.job
        let usual = session.usualCost ?? usualCosts[running.workspace]
        if let usual, usual > spent { return usual - spent }
        let left = UInt64(running.work.steps.count - running.work.stepsRun)
        return spent / UInt64(max(running.work.stepsRun, 1)) * left
    }
}
