// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Shares the loop thread's time among clients and among users. A value: no clock.
///
/// While the loop has time left nobody is held back. When it is busy, a client may use a quarter of
/// its time and all clients of a user half of it; whoever is over is not read until it has passed. A
/// client alone in the daemon may use all of it. Messages without pixels cost the sender a hundredth
/// of what they cost here, so that they have a rate of their own at any time.
struct LoopBudget {
    /// Time used lately, as a bucket that fills with use and runs out at a rate.
    struct Account: Sendable {
        /// Nanoseconds.
        private var level: UInt64 = 0
        private var since: UInt64 = 0

        /// - Parameter share: of the time, 1 / `share` of it runs out.
        mutating func add(_ nanoseconds: UInt64, now: UInt64, share: UInt64) {
            level = current(now: now, share: share) + nanoseconds
            since = now
        }

        func current(now: UInt64, share: UInt64) -> UInt64 {
            let drained = (now > since ? now - since : 0) / share
            return level > drained ? level - drained : 0
        }
    }

    /// What may be used at once, nanoseconds.
    static let burst: UInt64 = 20_000_000
    /// One n-th of the time.
    static let clientShare: UInt64 = 4
    static let userShare: UInt64 = 2
    /// Messages without pixels: so many at once, and one more in each so many nanoseconds.
    static let messageBurst: UInt64 = 64
    static let messageTime: UInt64 = 10_000_000

    /// Up to so much a user's clients have used little; a frame of 512x512 takes half of it.
    static let light: UInt64 = 1_000_000

    private var users: [UInt32: Account] = [:]
    /// Of the loop as a whole; over it the loop counts as busy.
    private var whole = Account()

    /// Notes that reading and performing for a client took so long.
    mutating func charge(
        _ client: inout Account, user: UInt32, _ nanoseconds: UInt64, now: UInt64
    ) {
        whole.add(nanoseconds, now: now, share: 2)
        client.add(nanoseconds, now: now, share: Self.clientShare)
        if users.count > 256 {
            users = users.filter { $0.value.current(now: now, share: Self.userShare) > 0 }
        }
        users[user, default: Account()].add(nanoseconds, now: now, share: Self.userShare)
    }

    /// - Parameter isAlone: nobody else is connected.
    func mayRead(_ client: Account, user: UInt32, isAlone: Bool, now: UInt64) -> Bool {
        if isAlone || whole.current(now: now, share: 2) < Self.burst { return true }
        let used = users[user]?.current(now: now, share: Self.userShare) ?? 0
        return client.current(now: now, share: Self.clientShare) < Self.burst
            && (users.count == 1 || used < Self.burst)
    }

    func isLight(user: UInt32, now: UInt64) -> Bool {
        (users[user]?.current(now: now, share: Self.userShare) ?? 0) < Self.light
    }

    /// Counts one message without pixels. An account of its own.
    static func noteMessage(_ account: inout Account, now: UInt64) {
        account.add(messageTime, now: now, share: 1)
    }

    static func mayRead(messages account: Account, now: UInt64) -> Bool {
        account.current(now: now, share: 1) < messageBurst * messageTime
    }
}
