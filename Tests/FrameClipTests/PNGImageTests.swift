// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameTypes
import Testing

@Suite struct PNGImageTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    private func sample(channels: Int, bitDepth: Int) -> PNGImage {
        let size = FrameSize(width: 37, height: 19)
        let count = size.pixelCount * channels * bitDepth / 8
        return PNGImage(
            size: size, channels: channels, bitDepth: bitDepth,
            bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ $0 >> 8) })
    }

    @Test(arguments: [1, 2, 3, 4], [8, 16])
    func comesBackByteForByte(channels: Int, bitDepth: Int) throws {
        let image = sample(channels: channels, bitDepth: bitDepth)
        let path = temporary.path + "/image.png"
        try image.write(to: path)
        #expect(try PNGImage(readingFrom: path) == image)
    }

    /// Written by Pillow from the values 0, 1, 255, 256, 400, 32768, 65534, 65535: sixteen bits come
    /// back as they are, lowest byte first.
    @Test func reads16BitsOfAnotherProgramExactly() throws {
        let file = try #require(
            Data(
                base64Encoded:
                    "iVBORw0KGgoAAAANSUhEUgAAAAQAAAACEAAAAAAKU/78AAAAGklEQVR4nGNgYGBgZPjPyMDAOKGB"
                    + "4f+///8BHQoGDoTbTGkAAAAASUVORK5CYII="))
        let image = try PNGImage(decoding: [UInt8](file), path: "sixteen.png")
        #expect(image.channels == 1 && image.bitDepth == 16)
        let values = stride(from: 0, to: image.bytes.count, by: 2).map {
            Int(image.bytes[$0]) | Int(image.bytes[$0 + 1]) << 8
        }
        #expect(values == [0, 1, 255, 256, 400, 32768, 65534, 65535])
    }

    /// The same eight values with a gAMA chunk of 1/2.2: samples are raw, whatever the file says.
    @Test func aGammaChunkChangesNothing() throws {
        let file = try #require(
            Data(
                base64Encoded:
                    "iVBORw0KGgoAAAANSUhEUgAAAAQAAAACEAAAAAAKU/78AAAABGdBTUEAALGPC/xhBQAAABpJREFU"
                    + "eJxjYGBgYGT4z8jAwDihgeH/v///AR0KBg6E20xpAAAAAElFTkSuQmCC"))
        let image = try PNGImage(decoding: [UInt8](file), path: "gamma.png")
        let values = stride(from: 0, to: image.bytes.count, by: 2).map {
            Int(image.bytes[$0]) | Int(image.bytes[$0 + 1]) << 8
        }
        #expect(values == [0, 1, 255, 256, 400, 32768, 65534, 65535])
    }

    /// Four pixels of a 2-bit palette: red, green, blue, white.
    @Test func aPaletteBecomesRGB() throws {
        let file = try #require(
            Data(
                base64Encoded:
                    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACAgMAAAAP2OW3AAAADFBMVEX/AAAA/wAAAP/////7AGD2"
                    + "AAAADElEQVR4nGMQYNgAAADkAMEnqOhXAAAAAElFTkSuQmCC"))
        let image = try PNGImage(decoding: [UInt8](file), path: "palette.png")
        #expect(image.channels == 3 && image.bitDepth == 8)
        #expect(image.bytes == [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    }

    @Test func everyTruncationIsAnError() throws {
        let file = try sample(channels: 3, bitDepth: 8).encoded(path: "whole.png")
        for count in 0..<file.count {
            #expect {
                try PNGImage(decoding: Array(file[..<count]), path: "cut.png")
            } throws: {
                guard case .broken("cut.png", let reason) = $0 as? ClipError else { return false }
                return !reason.isEmpty
            }
        }
    }

    /// Most damage breaks a checksum; what does not may change pixels, never the process.
    @Test func damagedFilesNeverTrap() throws {
        let file = try sample(channels: 4, bitDepth: 16).encoded(path: "whole.png")
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for _ in 0..<2000 {
            var damaged = file
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                damaged[Int.random(in: 8..<file.count, using: &random)] =
                    UInt8.random(in: 0...255, using: &random)
            }
            do { _ = try PNGImage(decoding: damaged, path: "bad.png") } catch { refused += 1 }
        }
        #expect(refused > 1900)
    }

    @Test func refusesAHeaderThatClaimsAHugePicture() throws {
        var file = try sample(channels: 1, bitDepth: 8).encoded(path: "whole.png")
        // Width in IHDR becomes 2^31 - 1; its checksum is then wrong too, so it is written anew.
        file.replaceSubrange(16..<20, with: [0x7F, 0xFF, 0xFF, 0xFF])
        file.replaceSubrange(29..<33, with: bigEndian(crc32(file[12..<29])))
        #expect(throws: ClipError.self) { try PNGImage(decoding: file, path: "huge.png") }
    }

    /// A small file whose text states 112 MB, which were taken and cleared before it was refused.
    @Test func theLengthOfATextTakesNoMemory() throws {
        var file = try sample(channels: 1, bitDepth: 8).encoded(path: "whole.png")
        file.insert(contentsOf: [7, 0, 0, 3] + [UInt8]("tEXtab".utf8), at: 33)
        let before = try pagesTaken()
        #expect(throws: ClipError.self) { try PNGImage(decoding: file, path: "text.png") }
        #expect(try pagesTaken() - before < 10_000)
    }

    /// By this thread so far (minflt of proc(5)).
    private func pagesTaken() throws -> Int {
        let words = try String(contentsOfFile: "/proc/thread-self/stat", encoding: .utf8)
            .split(separator: ")").last?.split(separator: " ")
        return try #require(words.flatMap { $0.count > 7 ? Int($0[7]) : nil })
    }

    @Test func namesAFileThatIsNoPNG() {
        #expect(throws: ClipError.broken(path: "a.png", reason: "it is no PNG file")) {
            try PNGImage(decoding: [UInt8]("GIF89a, or so".utf8), path: "a.png")
        }
    }

    @Test func neverWritesOverAFile() throws {
        let path = temporary.path + "/there.png"
        try Data([1]).write(to: URL(fileURLWithPath: path))
        #expect(throws: ClipError.exists(path: path)) {
            try sample(channels: 3, bitDepth: 8).write(to: path)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data([1]))
    }

    @Test func namesAFileThatCannotBeWritten() {
        let path = temporary.path + "/none/a.png"
        #expect(
            throws: ClipError.unwritable(path: path, reason: "No such file or directory")
        ) {
            try sample(channels: 3, bitDepth: 8).write(to: path)
        }
    }

    private func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    private func bigEndian(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
}
