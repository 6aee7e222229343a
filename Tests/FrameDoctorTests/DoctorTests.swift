// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameDoctor
import FrameTypes
import Foundation
import Testing

/// The table of mistakes and verdicts on the demo clip. Of another clip:
///
///     FRAMELOOM_DOCTOR_CLIP=DATA/val/walk00 swift test --filter FrameDoctorTests
@Suite(.serialized) struct DoctorTests {
    /// A finding must be said after so many frames; each moves.
    static let frameLimit = 11

    private static let root = String(
        #filePath.dropLast("/Tests/FrameDoctorTests/DoctorTests.swift".count))

    private static let recorded: [StatedFrame] = {
        let named = ProcessInfo.processInfo.environment["FRAMELOOM_DOCTOR_CLIP"]
        var options = ClipOptions()
        options.frameLimit = frameLimit + 1
        guard
            let clip = try? ClipReader(
                folder: named ?? root + "/Clips/atrium-flight", options: options
            ).read(), let frames = try? StatedFrame.frames(of: clip)
        else { return [] }
        return frames
    }()

    private static let palette = try? PaletteFile.read(
        root + "/Models/atrium/planes.json")

    private static let space = KnownSpace.read(modelFolder: root + "/Models/atrium")

    private func examined(_ mistake: Mistake) throws -> FrameDoctor {
        var frames = Self.recorded
        try #require(frames.count > Self.frameLimit)
        mistake.spoil(&frames)
        let palette: Palette = try #require(Self.palette)
        let space: KnownSpace = try #require(Self.space)
        var doctor = FrameDoctor(palette: palette, space: space)
        for (index, frame) in frames.enumerated() {
            let looked = try #require(DoctorFrame(frame.gbuffer(index), turn: index))
            doctor.examine(looked)
            if doctor.finding != nil { return doctor }
        }
        doctor.finish()
        return doctor
    }

    @Test(arguments: Mistake.wrong) func saysWhatIsWrong(_ mistake: Mistake) throws {
        let doctor = try examined(mistake)
        let finding = doctor.finding
        print("| \(mistake) | \(finding?.text ?? "nothing") | \(finding?.frames ?? 0) |")
        #expect(finding?.name == mistake.verdict)
        #expect((finding?.frames ?? 0) <= Self.frameLimit)
    }

    @Test(arguments: Mistake.right) func saysNothingOfWhatIsRight(_ mistake: Mistake) throws {
        let doctor = try examined(mistake)
        print("| \(mistake) | \(doctor.finding?.text ?? "nothing") | |")
        #expect(doctor.finding == nil)
    }

    /// A busy daemon leaves frames out: what it looked at tells as much, later.
    @Test(arguments: [Finding.Name.upsideDown, .cameraLate, nil])
    func leftOutFramesDoNotMatter(_ verdict: Finding.Name?) throws {
        var frames = Self.recorded
        try #require(frames.count > Self.frameLimit)
        if let mistake = Mistake.wrong.first(where: { $0.verdict == verdict }) {
            mistake.spoil(&frames)
        }
        var doctor = FrameDoctor(space: Self.space)
        // Of each three, the second is left out, whose camera is known.
        for (index, frame) in frames.enumerated() where index % 3 != 1 {
            let between = frames[max(0, index - 1)].camera
            doctor.examine(
                try #require(DoctorFrame(frame.gbuffer(index), turn: index)),
                leftOut: index % 3 == 2 ? LeftOutCameras(first: between, last: between) : nil)
        }
        doctor.finish()
        #expect(doctor.finding?.name == verdict)
    }

    /// What moves by itself needs no camera.
    @Test func motionIsToldWithoutCameras() throws {
        let mistake = try #require(Mistake.wrong.first { $0.verdict == .motionSign })
        var frames = Self.recorded
        mistake.spoil(&frames)
        var doctor = FrameDoctor()
        for (index, frame) in frames.enumerated() {
            var gbuffer = frame.gbuffer(index)
            gbuffer.camera = nil
            doctor.examine(try #require(DoctorFrame(gbuffer, turn: index)))
        }
        #expect(doctor.finding?.name == .motionSign)
    }

    @Test func motionThatPointsToAnotherFrameIsNotJudged() throws {
        let mistake = try #require(Mistake.wrong.first { $0.verdict == .motionSign })
        var frames = Self.recorded
        mistake.spoil(&frames)
        var doctor = FrameDoctor()
        for (index, frame) in frames.enumerated() {
            var gbuffer = frame.gbuffer(index)
            gbuffer.motionFrom = 1000
            doctor.examine(try #require(DoctorFrame(gbuffer, turn: index)))
        }
        #expect(doctor.finding == nil)
        let verdict = doctor.verdicts.first { $0.subject == .motion }
        #expect(verdict?.outcome == .untold("no motion plane is sent"))
    }
}
