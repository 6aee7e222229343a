// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Decides which session renders next. A value: no clock, no thread.
///
/// Time is shared twice by `FairClock`: among the users that want it, then among the sessions of the
/// user, all in equal parts. What a user had lately stays with him when his sessions end, until
/// everybody is idle: opening a session anew buys nothing.
///
/// The choice, first of a user, then of one of his sessions: among those *within their share* (tag
/// not above the clock) the one whose next frame would be finished first if it got its share from
/// its tag on, that is with the least *virtual deadline*, tag + cost of the frame; if none is within
/// its share, the one with the least tag, so that the threads never idle while there is work. Before
/// all of them go those that are *light*: they come back after a pause in which the clock passed all
/// that they had, so that they ask for less than their share. A new session is not light before it
/// rendered a frame, and begins at the tag that one of its user's left when it ended. Inside
/// a user, sessions with a frame budget that are within their share come before the others, earliest
/// deadline first: a budget moves time within the user's share and never takes any of another user's.
///
/// After each step, of at most Y (5 ms), a running job gives way to a session chosen by the same rule
/// that comes before it and needs no more time than the running job still does (one with a budget
/// needs only to come before it). So frames of like cost are not cut into pieces. A job set aside
/// keeps its workspace; whoever waits for that workspace lends its place to that job, which
/// then gives way to nobody of lesser standing.
///
/// **What holds**, with c(i) the cost of i's next frame, C the largest cost, n the number of busy
/// parties (users, or sessions of one user):
///
/// 1. *Nobody gets ahead by more than a frame.* A job starts only while tag <= now, or nobody is
///    within his share; a tag grows by the job's own cost: tag - now <= C at any time.
/// 2. *Nobody falls behind without bound.* The clock is the mean of the busy parties' tags, so the sum
///    of tag - now over them is 0 at any time: what some are owed together is what others had too
///    much, at most (n - 1) C, and that is paid first, since a party that is owed has a lesser tag,
///    and so sooner or later the least virtual deadline. Whoever leaves with too much is remembered:
///    a user until the clock has passed his tag, a session by the tag that the next new session of
///    its user takes over. So sessions that are opened anew for each frame, under new names, have no
///    more of the time than one that stays.
/// 3. *A session that asks for less than its share does not wait for longer frames.* Let it submit a
///    frame of cost c at tag = now = v; it is within its share. Another party j starts a frame before
///    it only with a lesser virtual deadline, tag(j) + c(j) < v + c, so it gets at most
///    c + (v - tag(j)) before, and nothing if its frame costs more than that. What runs already is
///    left within Y if it needs c or more. So with d(j) = max(0, v - tag(j)), what j is owed,
///
///        wait <= max(Y, c) + sum of (c + d(j)) over those j with c(j) < c + d(j).
///
///    Beside parties that are owed nothing and render longer frames, the wait is at most a step or
///    the time of its own frame. A light party's wait has no d(j): only other light ones go before,
///    and these have at most their shares by definition.
/// 4. *With budgets.* Sessions of one user within their shares whose frames can be finished in time
///    by any order are finished in time up to Y, since earliest deadline first with preemption finds
///    such an order (Liu and Layland, 1973), in the user's share of the time.
///
/// `JobQueueFairnessTests` measures each of them on a clock of its own.
struct JobQueue {
    struct Session {
        var user: UInt32
        /// Render time charged, nanoseconds, comparable within its user.
        var tag: UInt64 = 0
        /// What it kept when it last paused.
        var credit: UInt64 = 0
        /// Smoothed cost of the last frames, nanoseconds; nil before the first.
        var usualCost: UInt64?
        /// In the order of their submission.
        var waiting: [RenderJob] = []
        /// Started and set aside.
        var setAside: RenderJob?
        var isRunning = false
        /// Counted as busy by the clocks.
        var isBusy = false
        /// Came back after its share had caught up with what it had: it asks for less than its share.
        var isLight = false
        /// Of the job that runs or stands aside, as it was when that started.
        var startedStanding: Standing?

        var wantsTime: Bool { isRunning || setAside != nil || !waiting.isEmpty }
        var next: RenderJob? { setAside ?? waiting.first }
        /// A job set aside asked before all that wait.
        var order: UInt64 { setAside == nil ? (waiting.first?.order ?? 0) + 1 : 0 }
    }

    struct User {
        /// Render time charged, nanoseconds, comparable between users.
        var tag: UInt64 = 0
        var credit: UInt64 = 0
        /// Among his sessions.
        var clock = FairClock()
        var busySessions: Set<UInt64> = []
        var sessionCount = 0
        /// Smoothed cost of his sessions' frames, for sessions that have not rendered one.
        var usualCost: UInt64 = 0
        var isBusy = false
        /// As of a session.
        var isLight = false
        /// Tags above the clock that sessions left behind when they ended.
        var leftTags: [UInt64] = []
    }

    /// The lesser comes first.
    enum Standing: Int, Comparable {
        case light, withinShare, beyondShare

        static func < (left: Standing, right: Standing) -> Bool { left.rawValue < right.rawValue }
    }

    /// Who comes first: the lesser.
    struct Rank: Comparable {
        var standing: Standing
        var deadline: UInt64
        var virtualDeadline: UInt64
        var order: UInt64

        static func < (left: Rank, right: Rank) -> Bool {
            (left.standing, left.deadline, left.virtualDeadline, left.order)
                < (right.standing, right.deadline, right.virtualDeadline, right.order)
        }
    }

    var parties: [UInt64: Session] = [:]
    var users: [UInt32: User] = [:]
    var clock = FairClock()
    /// Smoothed cost of the last frames of a model and size, nanoseconds, whoever they were for: what
    /// is expected of a session's first frame.
    var usualCosts: [WorkspaceKey: UInt64] = [:]
    private static let mostUsualCosts = 256
    /// Whose job holds a workspace.
    var holders: [WorkspaceKey: UInt64] = [:]
    private var submissions: UInt64 = 0
    private(set) var waitingCount = 0
    private(set) var setAsideCount = 0
    /// Whether a running job should look for a successor: something was submitted, or enough time
    /// was charged for the clocks to matter.
    private var chargedSinceLook: UInt64 = 0
    private var hasNews = false

    /// Looking at every busy session after every step of some microseconds would cost more than it
    /// can bring; nanoseconds.
    private static let lookInterval: UInt64 = 500_000

    mutating func submit(_ job: RenderJob) {
        if parties[job.session] == nil { add(job.session, of: job.user) }
        var job = job
        job.order = submissions
        parties[job.session]?.waiting.append(job)
        submissions += 1
        waitingCount += 1
        hasNews = true
        noteBusy(job.session)
    }

    /// Takes the job whose turn it is, to start or to resume; its workspace and session are held until
    /// `end` or `setAside`.
    mutating func takeNext() -> RenderJob? {
        guard let session = choose() else { return nil }
        return take(session)
    }

    /// The session that `running` should give way to now, if there is one.
    mutating func successor(of running: RenderJob) -> UInt64? {
        guard waitingCount + setAsideCount > 0 else { return nil }
        guard hasNews || chargedSinceLook >= Self.lookInterval else { return nil }
        hasNews = false
        chargedSinceLook = 0
        guard let own = parties[running.session], let ownUser = users[own.user] else {
            return nil
        }
        let rest = remaining(of: running, own, ownUser)
        guard let best = chooseUser(), let session = parties[best.choice.runner],
            let other = users[session.user]
        else { return nil }
        let needed = remaining(of: session, other)
        if best.user == own.user {
            let ownRank = rank(of: own, ownUser, needs: rest, running.deadline)
            guard best.choice.rank < ownRank else { return nil }
            let isUrgent = best.choice.rank.deadline < .max
            guard isUrgent || needed <= rest else { return nil }
        } else {
            // Without a deadline: budgets do not count between users.
            let ownRank = Rank(
                standing: standing(of: ownUser, running: own), deadline: .max,
                virtualDeadline: ownUser.tag + rest, order: 0)
            guard best.rank < ownRank, needed <= rest else { return nil }
        }
        return isHurried(running, before: best) ? nil : best.choice.runner
    }

    /// Puts the running job aside, and takes the job of its successor.
    mutating func setAside(_ running: RenderJob, for successor: UInt64) -> RenderJob? {
        var running = running
        running.timesSetAside += 1
        parties[running.session]?.setAside = running
        parties[running.session]?.isRunning = false
        setAsideCount += 1
        return take(successor)
    }

    /// A session's job ran for so long.
    mutating func charge(_ session: UInt64, _ nanoseconds: UInt64) {
        guard var party = parties[session], party.isBusy, var user = users[party.user]
        else { return }
        user.clock.charge(&party.tag, nanoseconds)
        clock.charge(&user.tag, nanoseconds)
        parties[session] = party
        users[party.user] = user
        chargedSinceLook += nanoseconds
    }

    /// The running job is over; `cost` in nanoseconds if it ran to its end.
    mutating func end(_ job: RenderJob, cost: UInt64?) {
        if holders[job.workspace] == job.session { holders[job.workspace] = nil }
        parties[job.session]?.isRunning = false
        parties[job.session]?.startedStanding = nil
        if let cost, let session = parties[job.session] {
            let before = session.usualCost ?? cost
            parties[job.session]?.usualCost = before - before / 4 + cost / 4
            let usual = users[session.user]?.usualCost ?? cost
            users[session.user]?.usualCost =
                usual == 0 ? cost : usual - usual / 4 + cost / 4
            note(cost, of: job.workspace)
        }
        noteBusy(job.session)
        // One frame: whoever wants more at once is as everybody else.
        parties[job.session]?.isLight = false
        users[job.user]?.isLight = false
    }

    private mutating func note(_ cost: UInt64, of workspace: WorkspaceKey) {
        // Frames that render only what changed say nothing about those of others.
        guard workspace.owner == nil else { return }
        let usual = usualCosts[workspace]
        if usual == nil, usualCosts.count >= Self.mostUsualCosts { usualCosts = [:] }
        usualCosts[workspace] = usual.map { $0 - $0 / 4 + cost / 4 } ?? cost
    }

    /// Takes all jobs of a session that have not started.
    mutating func removeWaiting(of session: UInt64) -> [RenderJob] {
        guard let waiting = parties[session]?.waiting else { return [] }
        waitingCount -= waiting.count
        parties[session]?.waiting = []
        noteBusy(session)
        return waiting
    }

    /// Takes the job of a session that was set aside. Its workspace stays held until `end`.
    mutating func removeSetAside(of session: UInt64) -> RenderJob? {
        guard let running = parties[session]?.setAside else { return nil }
        setAsideCount -= 1
        parties[session]?.setAside = nil
        noteBusy(session)
        return running
    }

    /// Forgets a session that has no job left.
    mutating func forget(_ session: UInt64) {
        guard let found = parties[session], !found.wantsTime else { return }
        parties[session] = nil
        users[found.user]?.sessionCount -= 1
        if let now = users[found.user]?.clock.now, found.tag > now {
            users[found.user]?.leftTags.removeAll { $0 <= now }
            // More than anybody can open in a frame's time.
            if users[found.user]?.leftTags.count ?? 0 < 256 {
                users[found.user]?.leftTags.append(found.tag)
            }
        }
        forgetUserIfDone(found.user)
    }

    var sessions: [UInt64] { Array(parties.keys) }

    // MARK: Clocks

    /// A new session begins where one of its user's left off that had more than its share.
    private mutating func add(_ id: UInt64, of userID: UInt32) {
        var user = users[userID] ?? User()
        var session = Session(user: userID)
        user.sessionCount += 1
        let now = user.clock.now
        user.leftTags.removeAll { $0 <= now }
        if let most = user.leftTags.max(), let index = user.leftTags.firstIndex(of: most) {
            session.tag = user.leftTags.remove(at: index)
        }
        users[userID] = user
        parties[id] = session
    }

    /// Lets the clocks know whether a session wants time.
    private mutating func noteBusy(_ id: UInt64) {
        guard var session = parties[id], session.isBusy != session.wantsTime,
            var user = users[session.user]
        else { return }
        session.isBusy = session.wantsTime
        if session.wantsTime {
            user.busySessions.insert(id)
            // A first frame proves nothing: sessions can be opened by the dozen.
            session.isLight = session.usualCost != nil && session.tag <= user.clock.now
            user.clock.join(&session.tag, credit: session.credit)
        } else {
            user.busySessions.remove(id)
            session.credit = user.clock.leave(session.tag)
        }
        if user.isBusy == user.busySessions.isEmpty {
            user.isBusy.toggle()
            if user.isBusy {
                user.isLight = user.tag <= clock.now
                clock.join(&user.tag, credit: user.credit)
            } else {
                user.credit = clock.leave(user.tag)
            }
        }
        parties[id] = session
        users[session.user] = user
        if clock.busyCount == 0 { forgive() }
    }

    /// Everybody is idle: whoever had more than his share took it from nobody.
    private mutating func forgive() {
        for (id, user) in users {
            if user.sessionCount == 0 {
                users[id] = nil
            } else {
                users[id]?.tag = min(user.tag, clock.now)
            }
        }
    }

    /// A user without sessions is remembered while others are busy: what he had more than his share,
    /// and that he had less. Of the latter only so many.
    private mutating func forgetUserIfDone(_ id: UInt32) {
        guard let user = users[id], user.sessionCount == 0 else { return }
        let isOwed = user.tag <= clock.now
        if clock.busyCount == 0 || isOwed && users.count > Self.mostUsersRemembered {
            users[id] = nil
        }
    }

    private static let mostUsersRemembered = 64

    // MARK: Choice

    private mutating func take(_ id: UInt64) -> RenderJob? {
        guard var session = parties[id], session.next != nil else { return nil }
        defer { parties[id] = session }
        session.isRunning = true
        hasNews = true
        if let job = session.setAside {
            session.setAside = nil
            setAsideCount -= 1
            return job
        }
        session.startedStanding = users[session.user].map { standing(of: session, $0) }
        let job = session.waiting.removeFirst()
        waitingCount -= 1
        holders[job.workspace] = id
        return job
    }
}
