// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameTypes
import TestSupport
import Testing

@testable import FrameClip

/// The readers of a clip's files, with files of the table of test clips that are nearly right: see
/// `Mutation`.
@Suite(.timeLimit(.minutes(60))) struct MutatedFileTests {
    private static let sources: [[UInt8]] = {
        guard let table = ClipTableTests.table else { return [] }
        let files = table.clips.values.flatMap(\.files) + table.sound.map { ($0.key, $0.value) }
        return Set(files.compactMap { $0.1.map([UInt8].init) }).sorted {
            $0.lexicographicallyPrecedes($1)
        }
    }()

    /// PNG with its checksums made right again, so that what lies behind them is reached.
    private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.starts(with: PNGChunks.signature) else { return bytes }
        var bytes = bytes
        var at = 8
        while at + 12 <= bytes.count {
            let end = at + 12 + Int(bytes.bigEndian32(at: at))
            guard end <= bytes.count else { break }
            let sum = FileBytes.crc32(Array(bytes[at + 4..<end - 4]))
            for byte in 0..<4 {
                bytes[end - 4 + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * byte))
            }
            at = end
        }
        return bytes
    }

    @Test func pictures() throws {
        let sources = Self.sources.filter { $0.first != UInt8(ascii: "{") }
        try #require(sources.count > 50)
        var random = SeededGenerator(seed: 3)
        var (read, refused) = (0, 0)
        for index in 0..<Mutation.count {
            var bytes = Mutation.of(sources[index % sources.count], &random)
            if index.isMultiple(of: 2) { bytes = Self.sealed(bytes) }
            do {
                let file = try PictureFile(bytes)
                // A clip compares the size before it unpacks.
                guard file.header.size.pixelCount <= 4096 else { continue }
                _ = try file.decoded()
                read += 1
            } catch {
                refused += 1
            }
        }
        #expect(read > 0 && refused > 0)
    }

    @Test func cameraFiles() throws {
        let sources = Self.sources.filter { $0.first == UInt8(ascii: "{") }
        try #require(sources.count > 20)
        var random = SeededGenerator(seed: 4)
        var (read, refused) = (0, 0)
        for index in 0..<Mutation.count {
            let bytes = Mutation.of(sources[index % sources.count], &random)
            do {
                var file = CameraFile(path: "camera.json")
                try file.take(ClipJSON.document(bytes))
                read += 1
            } catch {
                refused += 1
            }
        }
        #expect(read > 0 && refused > 0)
    }
}
