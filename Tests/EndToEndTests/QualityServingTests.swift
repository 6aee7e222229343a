// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameControl
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// Levels of quality through the real daemon.
    @Suite(.daemon(), .timeLimit(.minutes(3))) struct QualityServing {
        private let daemon = SharedDaemon.current!
        private let size = FrameSize(width: 192, height: 160)

        private func open(_ features: UInt64, budget: UInt32 = 0) -> fl_open {
            var open = SyntheticFrame.open(size)
            open.features = features
            open.frame_budget_us = budget
            return open
        }

        private func level(of picture: Picture) -> UInt32 {
            picture.flags & (FL_PICTURE_HALF | FL_PICTURE_QUARTER)
        }

        @Test(arguments: [
            (FL_FEATURE_QUALITY_FULL, 0 as UInt32, "full"),
            (FL_FEATURE_QUALITY_HALF, FL_PICTURE_HALF, "half"),
            (FL_FEATURE_QUALITY_QUARTER, FL_PICTURE_QUARTER, "quarter"),
        ])
        func everyPictureSaysItsLevel(feature: UInt64, flag: UInt32, name: String) throws {
            let session = try RawSession(daemon)
            let opened = try session.open(open(feature))
            #expect(opened.features == feature)
            for id in 1...3 as ClosedRange<UInt64> {
                let picture = try session.render(id, SyntheticFrame(size, index: Int(id)))
                #expect(level(of: picture) == flag)
                #expect(picture.usedHistory == (id > 1))
                #expect(picture.pixels.count == size.pixelCount * 4)
                #expect(Set(picture.pixels).count > 8, "a picture of something")
            }
            let report = try #require(
                daemon.stats().sessions.first { $0.id == opened.session_id })
            #expect(report.quality == name && report.agreedQuality == name)
            let frames = report.work.frames
            #expect(frames.halfLight == (name == "half" ? 3 : 0))
            #expect(frames.quarterLight == (name == "quarter" ? 3 : 0))
        }

        /// A client that says nothing gets what the daemon is configured for, and no surprise in
        /// FL_OPENED.
        @Test func nothingStatedIsFull() throws {
            let session = try RawSession(daemon)
            #expect(try session.open(open(0)).features == 0)
            #expect(level(of: try session.render(1, SyntheticFrame(size, index: 1))) == 0)
        }

        /// No picture can be made within a microsecond: the level falls to the lowest, where it is
        /// allowed, and the session goes on.
        @Test func aSessionThatAllowsItFallsWhileItIsLate() throws {
            let features = FL_FEATURE_QUALITY_FULL | FL_FEATURE_QUALITY_MAY_FALL
            let session = try RawSession(daemon)
            let opened = try session.open(open(features, budget: 1))
            #expect(opened.features == features)
            var levels: [UInt32] = []
            var id: UInt64 = 0
            while levels.last != FL_PICTURE_QUARTER {
                id += 1
                let picture = try session.render(id, SyntheticFrame(size, index: Int(id)))
                #expect(picture.usedHistory == (id > 1), "frame \(id) began anew")
                if levels.last != level(of: picture) { levels.append(level(of: picture)) }
            }
            #expect(levels == [0, FL_PICTURE_HALF, FL_PICTURE_QUARTER])
            let report = try #require(
                daemon.stats().sessions.first { $0.id == opened.session_id })
            #expect(report.quality == "quarter" && report.agreedQuality == "full")
        }

        /// Frames that came faster than they could be rendered lower the level; five seconds without
        /// bring it back.
        @Test func theLevelRisesWhenTheTroubleIsOver() throws {
            let session = try RawSession(daemon)
            var features = open(FL_FEATURE_QUALITY_FULL | FL_FEATURE_QUALITY_MAY_FALL)
            features.mailbox = UInt8(FL_MAILBOX_LATEST)
            _ = try session.open(features)
            var id: UInt64 = 0
            // The same one each time: making it takes longer than rendering it.
            let frame = SyntheticFrame(size, index: 1)
            func render(_ count: Int) throws -> UInt32 {
                for _ in 0..<count {
                    id += 1
                    try session.send(id, frame)
                }
                var picture = try session.picture()
                while picture.frameID < id { picture = try session.picture() }
                return level(of: picture)
            }
            let end = ContinuousClock.now + .seconds(90)
            while try render(6) == 0 { try #require(ContinuousClock.now < end, "it does not fall") }
            while try render(1) != 0 {
                try #require(ContinuousClock.now < end, "it does not rise")
                usleep(20_000)
            }
        }
    }

    @Suite(.daemon("render.lowers_quality=false"), .timeLimit(.minutes(2)))
    struct KeptQuality {
        @Test func theConfigurationCanForbidToFall() throws {
            var open = SyntheticFrame.open(FrameSize(width: 128, height: 128))
            open.features = FL_FEATURE_QUALITY_FULL | FL_FEATURE_QUALITY_MAY_FALL
            let opened = try RawSession(SharedDaemon.current!).open(open)
            #expect(opened.features == FL_FEATURE_QUALITY_FULL)
        }
    }

    @Suite(.daemon("render.quality=half"), .timeLimit(.minutes(2)))
    struct ConfiguredQuality {
        private let daemon = SharedDaemon.current!

        /// The configuration holds for sizes that can have it; what a client states goes before it.
        @Test func holdsForClientsThatStateNone() throws {
            for (side, features, flag) in [
                (128, 0 as UInt64, FL_PICTURE_HALF), (48, 0, 0),
                (128, FL_FEATURE_QUALITY_FULL, 0),
            ] {
                let size = FrameSize(width: side, height: side)
                var open = SyntheticFrame.open(size)
                open.features = features
                let session = try RawSession(daemon, open)
                let picture = try session.render(1, SyntheticFrame(size, index: 1))
                #expect(picture.flags & (FL_PICTURE_HALF | FL_PICTURE_QUARTER) == flag)
            }
        }
    }
}
