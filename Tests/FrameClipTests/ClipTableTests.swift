// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameTypes
import Testing

/// The table of test clips (training/make_clip_table.py): this reader answers as written there.
/// training/tests/test_clips.py answers the same table.
@Suite struct ClipTableTests {
    struct Table: Decodable {
        var size: [Int]
        var sound: [String: Data]
        var planes: [[String: Data]]
        var clips: [String: Entry]
    }

    struct Entry: Decodable {
        var files: [String: Data?]
        var refusal: Refusal?
        var numbers: [Int]?
        var planes: [[String: Data]]?
        var absent: [String]?
    }

    struct Refusal: Decodable {
        var path, sentence: String
    }

    static let table: Table? = {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("ClipTable/clips.json")
        return try? JSONDecoder().decode(Table.self, from: Data(contentsOf: file))
    }()

    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    private func write(_ table: Table, _ entry: Entry) throws -> String {
        var files: [String: Data?] = [:]
        for (name, content) in table.sound { files[name] = content }
        for (name, content) in entry.files { files[name] = content }
        let folder = temporary.path + "/clip"
        for case (let name, .some(let content)) in files {
            let path = URL(fileURLWithPath: "\(folder)/\(name)")
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try content.write(to: path)
        }
        return folder
    }

    @Test(arguments: (table?.clips.keys).map(Array.init)?.sorted() ?? ["no table"])
    func answersTheTable(name: String) throws {
        let table = try #require(Self.table)
        let entry = try #require(table.clips[name])
        let folder = try write(table, entry)
        if let refusal = entry.refusal {
            let path = refusal.path.isEmpty ? folder : "\(folder)/\(refusal.path)"
            #expect(throws: ClipError.wrong(path: path, sentence: refusal.sentence)) {
                try ClipReader(folder: folder).read()
            }
            return
        }
        let clip = try ClipReader(folder: folder).read()
        #expect(clip.size == FrameSize(width: table.size[0], height: table.size[1]))
        #expect(clip.frames.map(\.number) == entry.numbers)
        for (index, sound) in table.planes.enumerated() {
            let changed = entry.planes?[index] ?? [:]
            var wanted = sound.merging(changed, uniquingKeysWith: { $1 })
            for plane in entry.absent ?? [] { wanted[plane] = nil }
            for plane in Self.planes {
                #expect(
                    Self.found(plane, clip, index) == wanted[plane] ?? Data(),
                    "\(plane) of frame \(index)")
            }
        }
    }

    private static let planes = [
        "BaseColor", "Normals", "Depth", "Roughness", "Metallic", "Emissive", "FinalImage",
    ]

    private static func found(_ plane: String, _ clip: Clip, _ index: Int) -> Data {
        switch plane {
        case "BaseColor": Data(clip.plane(.baseColor, of: index))
        case "Normals": Data(clip.plane(.normals, of: index))
        case "Roughness": Data(clip.plane(.roughness, of: index))
        case "Emissive": Data(clip.plane(.emissive, of: index))
        case "Metallic": Data(clip.plane(.metallic, of: index))
        case "Depth":
            Data(
                clip.metres(of: index).flatMap { metres in
                    [0, 8, 16, 24].map {
                        UInt8(truncatingIfNeeded: metres.bitPattern >> UInt32($0))
                    }
                })
        default: Data(clip.frames[index].reference?.bytes ?? [])
        }
    }
}
