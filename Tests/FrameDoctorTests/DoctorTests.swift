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

    private func examined(_ mistake: Mistake) throws -> FrameDoctor {
        var frames = Self.recorded
        try #require(frames.count > Self.frameLimit)
        mistake.spoil(&frames)
        let palette: Palette = try #require(Self.palette)
        var doctor = FrameDoctor(palette: palette)
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
}
