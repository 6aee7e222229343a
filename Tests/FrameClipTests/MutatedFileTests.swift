// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameTypes
import Testing

@testable import FrameClip

/// Files of the table of test clips with bytes changed, cut and repeated: read or refused, never a
/// crash, a hang or memory without bound. `FRAMELOOM_MUTATIONS=1000000` tries so many of each kind.
@Suite struct MutatedFileTests {
    private static let count =
        ProcessInfo.processInfo.environment["FRAMELOOM_MUTATIONS"].flatMap(Int.init) ?? 3000

    /// SplitMix64.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let sources: [[UInt8]] = {
        guard let table = ClipTableTests.table else { return [] }
        let files = table.clips.values.flatMap(\.files) + table.sound.map { ($0.key, $0.value) }
        return Set(files.compactMap { $0.1.map([UInt8].init) }).sorted {
            $0.lexicographicallyPrecedes($1)
        }
    }()

    private static func mutated(_ source: [UInt8], _ random: inout Random) -> [UInt8] {
        var bytes = source
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2: bytes.removeSubrange(at..<min(bytes.count, at + 7))
            case 3: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 9)], at: at)
            default: bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][Int.random(in: 0..<5, using: &random)]
            }
        }
        return bytes
    }

    /// PNG with its checksums made right again, so that what lies behind them is reached.
    private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.starts(with: PNGChunks.signature) else { return bytes }
        var bytes = bytes
        var at = 8
        while at + 12 <= bytes.count {
            let end = at + 12 + Int(bytes.bigEndian32(at: at))
            guard end <= bytes.count else { break }
            let sum = ClipFiles.crc32(Array(bytes[at + 4..<end - 4]))
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
        var random = Random(state: 3)
        var (read, refused) = (0, 0)
        for index in 0..<Self.count {
            var bytes = Self.mutated(sources[index % sources.count], &random)
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
        var random = Random(state: 4)
        var (read, refused) = (0, 0)
        for index in 0..<Self.count {
            let bytes = Self.mutated(sources[index % sources.count], &random)
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
