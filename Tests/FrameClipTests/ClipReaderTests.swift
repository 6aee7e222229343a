// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameTypes
import Testing

@Suite struct ClipReaderTests {
    private let temporary: TemporaryFolder
    private let fixture: ClipFixture

    init() throws {
        temporary = try TemporaryFolder()
        fixture = ClipFixture(folder: temporary.path + "/walk")
        try fixture.write()
    }

    private func read(_ options: ClipOptions = ClipOptions()) throws -> Clip {
        try ClipReader(folder: fixture.folder, options: options).read()
    }

    private func error(_ options: ClipOptions = ClipOptions()) throws -> ClipError? {
        do {
            _ = try read(options)
            return nil
        } catch let error as ClipError {
            return error
        }
    }

    private func sentence() throws -> String? {
        guard case .wrong(_, let sentence) = try error() else { return nil }
        return sentence
    }

    @Test func payloadHoldsEveryPlaneByteForByte() throws {
        let clip = try read()
        #expect(clip.name == "walk")
        #expect(clip.framesPerSecond == 30)
        #expect(
            clip.layout.planes.map(\.kind) == [.baseColor, .normals, .depth, .roughness, .metallic])
        #expect(clip.layout.depth == .linear(metresPerUnit: 1 / 400, far: .infinity))
        #expect(clip.layout.byteCount == fixture.size.pixelCount * 10)
        for (index, frame) in clip.frames.enumerated() {
            #expect(frame.number == index)
            for (plane, layout) in clip.layout.planes.enumerated() {
                let bytes = fixture.image(plane, index).bytes
                #expect(Array(frame.payload[layout.offset..<layout.offset + bytes.count]) == bytes)
            }
            #expect(frame.reference == fixture.image(5, index))
        }
    }

    @Test func camerasKeepTheirNumbers() throws {
        let clip = try read()
        let camera = try #require(clip.frames[3].camera)
        #expect(camera.fx == 30.5 && camera.fy == 31.5 && camera.cx == 20 && camera.cy == 16)
        #expect(camera.near == 0.1 && camera.far == 100)
        #expect(camera.cameraToWorld.x == [1, 0, 0, 3])
        #expect(camera.cameraToWorld.y == [0, 1, 0, 2.5])
        #expect(camera.cameraToWorld.z == [0, 0, 1, -3])
        #expect(camera.cameraToWorld.w == [0, 0, 0, 1])
    }

    @Test func metallicReferencesAndCamerasAreOptional() throws {
        try fixture.remove(fixture.folder + "/Metallic")
        try fixture.remove(fixture.folder + "/FinalImage")
        try fixture.remove(fixture.folder + "/camera.json")
        var options = ClipOptions()
        options.metresPerUnit = 0.01
        options.origin = .bottomLeft
        options.far = 50
        options.frameLimit = 2
        let clip = try read(options)
        #expect(clip.frames.count == 2)
        #expect(!clip.hasCameras && !clip.hasReferences)
        #expect(clip.layout.plane(.metallic) == nil)
        #expect(clip.layout.depth == .linear(metresPerUnit: 0.01, far: 50))
        #expect(clip.layout.origin == .bottomLeft)
    }

    /// The last plane: a layout without it is the start of the same payload.
    @Test func anEmissivePlaneIsOptionalToo() throws {
        #expect(try read().layout.plane(.emissive) == nil)
        try FileManager.default.createDirectory(
            atPath: fixture.folder + "/Emissive", withIntermediateDirectories: true)
        func image(_ number: Int) -> PNGImage {
            let bytes = (0..<fixture.size.pixelCount * 3).map {
                UInt8(truncatingIfNeeded: $0 + number)
            }
            return PNGImage(size: fixture.size, channels: 3, bitDepth: 8, bytes: bytes)
        }
        for number in fixture.numbers {
            try image(number).write(to: fixture.file("Emissive", number))
        }
        let clip = try read()
        let plane = try #require(clip.layout.plane(.emissive))
        #expect(plane == clip.layout.planes.last && plane.format == .rgb8sRGB)
        for (index, frame) in clip.frames.enumerated() {
            #expect(Array(frame.payload[plane.offset...]) == image(index).bytes)
        }
        let without = clip.withoutEmissive
        #expect(without.layout == (try read(hiding: "Emissive")).layout)
        #expect(without.withoutEmissive.layout == without.layout)
        #expect(without.gbuffer(1, frameID: 1).storage.byteCount >= without.layout.byteCount)
        try FileManager.default.removeItem(atPath: fixture.file("Emissive", 2))
        #expect(
            try error()
                == .wrong(path: fixture.folder + "/Emissive", sentence: "frame 2 is missing"))
    }

    private func read(hiding channel: String) throws -> Clip {
        let hidden = fixture.folder + "/hidden"
        try FileManager.default.moveItem(atPath: fixture.folder + "/" + channel, toPath: hidden)
        defer {
            try? FileManager.default.moveItem(
                atPath: hidden, toPath: fixture.folder + "/" + channel)
        }
        return try read()
    }

    @Test func aStatedOptionWinsOverTheCameraFile() throws {
        var options = ClipOptions()
        options.metresPerUnit = 0.5
        options.normalSpace = .view
        options.far = 50
        let clip = try read(options)
        #expect(clip.layout.depth == .linear(metresPerUnit: 0.5, far: 50))
        #expect(clip.layout.normalSpace == .view)
        #expect(clip.frames.allSatisfy { $0.camera?.far == 50 })
        #expect(
            clip.said == [
                "a depth unit is 0.5 m as the option says; camera.json says 400.0 units a metre",
                "the normals' space is view as the option says; camera.json says world",
                "depth at or beyond 50.0 m is sky as the option says; camera.json says 100.0",
            ])
    }

    @Test func asksForTheDepthScaleInsteadOfGuessing() throws {
        try fixture.writeCameras(encodings: [:])
        #expect(try sentence()?.hasPrefix("the depth has no known scale") == true)
    }

    @Test func namesAChannelThatIsMissing() throws {
        for channel in ["BaseColor", "Normals", "Depth", "Roughness"] {
            let hidden = fixture.folder + "/hidden"
            try FileManager.default.moveItem(atPath: fixture.folder + "/" + channel, toPath: hidden)
            #expect(
                try error()
                    == .wrong(path: fixture.folder, sentence: "the folder \(channel) is missing"))
            try FileManager.default.moveItem(atPath: hidden, toPath: fixture.folder + "/" + channel)
        }
        #expect(try error() == nil)
    }

    @Test func namesAFolderThatIsNotThereOrIsAFile() throws {
        let none = fixture.folder + "/none"
        #expect(throws: ClipError.wrong(path: none, sentence: "there is no such folder")) {
            try ClipReader(folder: none)
        }
        let file = fixture.file("Depth", 0)
        #expect(throws: ClipError.wrong(path: file, sentence: "is not a folder")) {
            try ClipReader(folder: file)
        }
    }

    @Test func namesAChannelWithoutPictures() throws {
        let folder = fixture.folder + "/Metallic"
        for number in fixture.numbers { try fixture.remove(fixture.file("Metallic", number)) }
        #expect(try error() == .wrong(path: folder, sentence: "is empty"))
        try Data().write(to: URL(fileURLWithPath: folder + "/Metallic_0000.exr"))
        #expect(try sentence()?.contains("(found Metallic_0000.exr; EXR files are not") == true)
    }

    @Test func namesAFrameThatOnePlaneLacks() throws {
        for (plane, _, _) in ClipFixture.planes {
            let path = fixture.file(plane, 2)
            try fixture.remove(path)
            #expect(
                try error()
                    == .wrong(path: "\(fixture.folder)/\(plane)", sentence: "frame 2 is missing"))
            let index = try #require(ClipFixture.planes.firstIndex { $0.name == plane })
            try fixture.image(index, 2).write(to: path)
        }
    }

    @Test func namesAGapInTheNumberingOfAllPlanes() throws {
        for (plane, _, _) in ClipFixture.planes { try fixture.remove(fixture.file(plane, 1)) }
        #expect(try sentence() == "the numbering has a gap: frame 1 is missing")
    }

    @Test func namesTwoFilesOfOneNumber() throws {
        let path = fixture.folder + "/Depth/Depth_2.png"
        try fixture.image(2, 2).write(to: path)
        #expect(
            try error()
                == .wrong(
                    path: path, sentence: "has the same frame number as Depth_0002.png"))
    }

    @Test func namesAPictureOfAnotherSize() throws {
        let path = fixture.file("Roughness", 1)
        try fixture.remove(path)
        let other = FrameSize(width: 32, height: 40)
        try PNGImage(
            size: other, channels: 1, bytes: [UInt8](repeating: 0, count: other.pixelCount)
        ).write(to: path)
        #expect(
            try error()
                == .wrong(path: path, sentence: "is 32x40 pixels, the clip has 40x32"))
    }

    @Test func namesAPlaneOfTheWrongKind() throws {
        let path = fixture.file("Normals", 1)
        try fixture.remove(path)
        try fixture.image(2, 1).write(to: path)
        #expect(
            try error()
                == .wrong(
                    path: path, sentence: "holds 16-bit grey; normals have three channels"))
    }

    @Test func namesATruncatedPicture() throws {
        let path = fixture.file("Normals", 3)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
        #expect(try sentence() == "is no whole PNG file: it ends early")
    }

    @Test func readsAGreyPlaneStoredAsRGB() throws {
        let path = fixture.file("Roughness", 0)
        try fixture.remove(path)
        let grey = fixture.image(3, 0).bytes
        try PNGImage(size: fixture.size, channels: 3, bytes: grey.flatMap { [$0, $0, $0] })
            .write(to: path)
        let clip = try read()
        let offset = try #require(clip.layout.plane(.roughness)).offset
        #expect(Array(clip.frames[0].payload[offset..<offset + grey.count]) == grey)
    }

    @Test func refusesAGreyPlaneThatIsColored() throws {
        let path = fixture.file("Roughness", 0)
        try fixture.remove(path)
        try fixture.image(0, 0).write(to: path)
        #expect(try sentence()?.hasPrefix("holds RGB whose channels differ") == true)
    }

    @Test func depthOfEightBitsKeepsItsNumbers() throws {
        let grey = fixture.image(3, 1).bytes
        for number in fixture.numbers {
            let path = fixture.file("Depth", number)
            try fixture.remove(path)
            try PNGImage(size: fixture.size, channels: 1, bytes: grey).write(to: path)
        }
        let clip = try read()
        let offset = try #require(clip.layout.plane(.depth)).offset
        #expect(
            Array(clip.frames[1].payload[offset..<offset + grey.count * 2])
                == grey.flatMap { [$0, 0] })
    }

    @Test func refusesMoreThanTheMemoryAllowedBeforeDecoding() throws {
        let needed = fixture.size.pixelCount * 13 * 4
        var options = ClipOptions()
        options.byteLimit = needed
        #expect(try error(options) == nil)
        options.byteLimit = needed - 1
        #expect(
            try error(options)
                == .tooLarge(folder: fixture.folder, byteCount: needed, limit: needed - 1))
    }

    @Test func theRepositorysClipIsWhole() throws {
        var options = ClipOptions()
        options.frameLimit = 2
        let reader = try ClipReader(folder: repositoryClip(), options: options)
        let clip = try reader.read()
        #expect(clip.size == FrameSize(width: 512, height: 512))
        #expect(clip.hasCameras && clip.hasReferences && clip.frames.count == 2)
        #expect(try ClipReader(folder: repositoryClip() + "/").frameCount == 24)
    }
}
