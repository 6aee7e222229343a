// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameTypes
import Testing

/// What can be wrong with `camera.json`, each said with the file's name.
@Suite struct CameraFileTests {
    private let temporary: TemporaryFolder
    private let fixture: ClipFixture

    init() throws {
        temporary = try TemporaryFolder()
        fixture = ClipFixture(folder: temporary.path + "/walk")
        try fixture.write()
    }

    private var path: String { fixture.folder + "/camera.json" }

    private func reason() throws -> String? {
        do {
            _ = try ClipReader(folder: fixture.folder).read()
            return nil
        } catch {
            guard case .wrong(path, let sentence) = error else { return "\(error)" }
            return sentence
        }
    }

    @Test func namesTheFrameThatHasNoCamera() throws {
        try fixture.writeCameras(fixture.cameras().dropLast())
        #expect(try reason() == "frame 3 has no camera")
    }

    @Test func encodingsWithoutCamerasAreEnough() throws {
        try fixture.writeCameras([])
        #expect(try !ClipReader(folder: fixture.folder).read().hasCameras)
    }

    @Test func namesAFrameThatIsThereTwice() throws {
        try fixture.writeCameras(fixture.cameras() + fixture.cameras().suffix(1))
        #expect(try reason() == "frame 3 is there twice")
    }

    @Test func namesACameraForAnotherSize() throws {
        var frames = fixture.cameras()
        frames[1]["width"] = 64
        try fixture.writeCameras(frames)
        #expect(
            try reason() == "the camera of frame 1 is for 64x32 pixels, the planes have 40x32")
    }

    @Test(arguments: [[[1.0]], [[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]])
    func namesAMatrixOfTheWrongShape(matrix: [[Double]]) throws {
        var frames = fixture.cameras()
        frames[2]["camera_to_world"] = matrix
        try fixture.writeCameras(frames)
        #expect(try reason() == "frames[2].camera_to_world is not 4 rows of 4 numbers")
    }

    @Test func namesAMissingOrWrongField() throws {
        var frames = fixture.cameras()
        frames[2]["fx"] = nil
        try fixture.writeCameras(frames)
        #expect(try reason() == "frames[2].fx is missing")
        frames[2]["fx"] = "wide"
        try fixture.writeCameras(frames)
        #expect(try reason() == "frames[2].fx is not a number")
    }

    @Test func refusesEncodingsAndFormatsThatItDoesNotKnow() throws {
        try fixture.writeCameras(format: "frameloom-clip-9")
        #expect(try reason()?.contains("frameloom-clip-9") == true)
        for (encodings, name) in [
            (
                ["depth": ["kind": "radial", "unitsPerMetre": 400]],
                "encodings.depth.kind \"radial\""
            ),
            (["depth": ["unitsPerMetre": 0]], "encodings.depth.unitsPerMetre 0"),
            (["normals": ["space": "tangent"]], "encodings.normals.space \"tangent\""),
            (["baseColor": "acescg"], "encodings.baseColor \"acescg\""),
        ] as [([String: Any], String)] {
            try fixture.writeCameras(encodings: encodings)
            #expect(try reason()?.contains(name) == true)
        }
    }

    @Test(arguments: ["", "{", "[1,2]", "null", "\u{0}"])
    func refusesAFileThatIsNoDocument(text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        #expect(try reason() != nil)
    }
}
