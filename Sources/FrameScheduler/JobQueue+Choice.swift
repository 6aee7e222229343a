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

    struct UserChoice {
        var user: UInt32
        var choice: Choice
        var rank: Rank
    }

    /// Running sessions are not counted.
    func chooseUser() -> UserChoice? {
        var best: UserChoice?
        for (id, user) in users where user.isBusy {
            guard let choice = chooseSession(of: user, runs: holder) else { continue }
            let rank = rank(of: user, for: choice)
            if let best, best.rank < rank { continue }
            best = UserChoice(user: id, choice: choice, rank: rank)
        }
        return best
    }

    /// Whether somebody waits for the running job's workspace whose standing is better than that of
    /// `other`. Of equal standing the one that can run now goes first.
    func isHurried(_ running: RenderJob, before other: UserChoice) -> Bool {
        for (id, user) in users where user.isBusy {
            let waiting = chooseSession(of: user) { id in
                let isWaiting =
                    parties[id]?.setAside == nil
                    && parties[id]?.waiting.first?.workspace == running.workspace
                return isWaiting ? running.session : nil
            }
            guard let waiting else { continue }
            let standings =
                id == other.user
                ? (waiting.rank.standing, other.choice.rank.standing)
                : (rank(of: user, for: waiting).standing, other.rank.standing)
            if standings.0 < standings.1 { return true }
        }
        return false
    }

    func rank(of user: User, for choice: Choice) -> Rank {
        let standing = standing(of: user, running: parties[choice.session])
        return Rank(
            standing: standing, deadline: .max,
            virtualDeadline: user.tag + (standing == .beyondShare ? 0 : choice.needs),
            order: choice.rank.order)
    }

    /// - Parameter runs: who runs for a session to go on; nil: it is no choice.
    func chooseSession(of user: User, runs: (UInt64) -> UInt64?) -> Choice? {
        var best: Choice?
        for id in user.busySessions {
            guard let session = parties[id], !session.isRunning, let job = session.next,
                let runner = runs(id)
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
