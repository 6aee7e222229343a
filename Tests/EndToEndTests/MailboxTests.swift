// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameControl
import FrameTypes
import Synchronization
import TestSupport
import Testing

extension EndToEnd {
    @Suite(.daemon(), .timeLimit(.minutes(3))) struct Mailboxes {
        private let daemon = SharedDaemon.current!
        private let size = FrameSize(width: 96, height: 96)

        /// Far more frames than can be rendered, while the counters are read again and again.
        @Test func latestDropsAndTheCountersAlwaysAgree() throws {
            let size = size
            let session = try RawSession(
                daemon, SyntheticFrame.open(size, mailbox: FL_MAILBOX_LATEST))
            let isEnough = StopSign()
            let writer = Background {
                let frames = (0..<4).map { SyntheticFrame(size, index: $0) }
                var id: UInt64 = 0
                while id == 0 || !isEnough.isSet {
                    id += 1
                    try session.send(id, frames[Int(id % 4)])
                }
                try session.socket.send(WireMessage(FL_CLOSE))
                return id
            }
            let reader = Background { try Answers(of: session) }
            var dropCounts = Set<UInt64>()
            for _ in 0..<300 {
                let stats = try daemon.stats()
                try #require(stats.total.frames.isBalanced, "\(stats.total.frames)")
                for report in stats.sessions {
                    try #require(report.work.frames.isBalanced, "\(report.work.frames)")
                    dropCounts.insert(report.work.frames.dropped)
                }
            }
            isEnough.set()
            let count = try writer.value()
            let answers = try reader.value()
            // Every frame was rendered or dropped, none twice, and the newest was rendered.
            #expect(UInt64(answers.rendered.count) + answers.droppedCount == count)
            #expect(answers.rendered == answers.rendered.sorted())
            #expect(answers.rendered.last == count)
            #expect(Set(answers.rendered).isDisjoint(with: answers.droppedIDs))
            #expect(Set(answers.droppedIDs).count == answers.droppedIDs.count)
            // Drops went on during the whole time.
            #expect(dropCounts.count > 50, "\(dropCounts.count) different numbers of drops")
            let total = try daemon.stats().total.frames
            #expect(total.received >= count && total.dropped >= answers.droppedCount)
        }

        @Test func everyLosesNothing() throws {
            let (daemon, size) = (daemon, size)
            let count: UInt64 = 30
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            let writer = Background {
                for id in 1...count { try session.send(id, SyntheticFrame(size, index: Int(id))) }
            }
            for id in 1...count {
                let picture = try session.picture()
                #expect(picture.frameID == id)
                #expect(picture.info.dropped_count == 0)
                #expect(picture.usedHistory == (id > 1))
            }
            try writer.value()
        }

        /// A frame with a reset is dropped: the cut still happens.
        @Test func aDroppedResetIsNotForgotten() throws {
            let session = try RawSession(
                daemon, SyntheticFrame.open(size, mailbox: FL_MAILBOX_LATEST))
            _ = try session.render(1, SyntheticFrame(size, index: 0))
            for id in UInt64(2)...8 {
                let flags = id == 5 ? FL_FRAME_RESET : 0
                try session.send(id, SyntheticFrame(size, index: Int(id)), flags: flags)
            }
            var last: Picture?
            var pictures: [Picture] = []
            while last?.frameID != 8 {
                last = try session.picture()
                pictures.append(last!)
            }
            let firstAfterCut = try #require(pictures.first { $0.frameID >= 5 })
            #expect(!firstAfterCut.usedHistory)
            #expect(pictures.filter { $0.frameID < 5 }.allSatisfy { $0.usedHistory })
        }
    }
}

/// What came back for a session's frames, until it ended.
private struct Answers: Sendable {
    var rendered: [UInt64] = []
    var droppedIDs: [UInt64] = []
    var droppedCount: UInt64 = 0

    init(of session: RawSession) throws {
        while let message = try session.socket.receive() {
            if UInt32(message.header.type) == FL_CLOSED { return }
            let picture = try Picture(message)
            rendered.append(picture.frameID)
            droppedIDs += picture.droppedIDs
            droppedCount += UInt64(picture.info.dropped_count)
            // The newest are named, as many as there is room for.
            let named = min(picture.info.dropped_count, FL_MAX_DROPPED_IDS)
            guard UInt32(picture.droppedIDs.count) == named else {
                throw TestFailure("\(picture.info.dropped_count) dropped")
            }
        }
        throw TestFailure("closed without FL_CLOSED")
    }
}

/// Lets one thread end another's loop.
private final class StopSign: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
