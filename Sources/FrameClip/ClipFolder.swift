// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameTypes

/// The files of a clip in FrameDiffuser's layout: a folder per plane, `BaseColor/BaseColor_0000.png`
/// and so on. Every plane has the same frames, numbered without gaps.
struct ClipFolder {
    enum Channel: String, CaseIterable {
        case baseColor = "BaseColor"
        case normals = "Normals"
        case depth = "Depth"
        case roughness = "Roughness"
        case metallic = "Metallic"
        case finalImage = "FinalImage"
        case emissive = "Emissive"

        var isOptional: Bool { self == .metallic || self == .finalImage || self == .emissive }
    }

    var path: String
    /// Ascending, without gaps.
    var numbers: [Int]
    /// Path by channel and number; every channel that is there has every number.
    private var files: [Channel: [Int: String]]

    init(path: String) throws(ClipError) {
        self.path = path
        files = [:]
        var isDirectory = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw .unreadable(path: path, reason: "there is no such folder")
        }
        guard isDirectory else {
            throw .unreadable(path: path, reason: "it is not a folder")
        }
        for channel in Channel.allCases {
            if let found = try Self.files(of: channel, in: path) { files[channel] = found }
        }
        numbers = Set(files.values.flatMap(\.keys)).sorted()
        try checkNumbering()
    }

    func has(_ channel: Channel) -> Bool { files[channel] != nil }

    func file(_ channel: Channel, _ number: Int) throws(ClipError) -> String {
        guard let file = files[channel]?[number] else {
            throw .missingFile(path: expectedPath(channel, number))
        }
        return file
    }

    private static func files(
        of channel: Channel, in clip: String
    ) throws(ClipError) -> [Int: String]? {
        let folder = clip + "/" + channel.rawValue
        guard FileManager.default.fileExists(atPath: folder) else {
            if channel.isOptional { return nil }
            throw .missingChannel(folder: folder)
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw .unreadable(path: folder, reason: "its files cannot be listed")
        }
        var found: [Int: String] = [:]
        for name in names {
            guard let number = number(of: name) else { continue }
            if let other = found[number] {
                throw .sameNumber(path: folder + "/" + name, other: other)
            }
            found[number] = folder + "/" + name
        }
        if found.isEmpty { throw .emptyChannel(folder: folder, other: names.first) }
        return found
    }

    /// The digits before `.png`; other files in the folder are none of the clip's.
    private static func number(of name: String) -> Int? {
        guard name.lowercased().hasSuffix(".png") else { return nil }
        let stem = name.dropLast(4)
        let digits = stem.reversed().prefix { ("0"..."9").contains($0) }.reversed()
        // Longer runs of digits are times or hashes; they also would not fit an Int.
        return digits.count <= 9 ? Int(String(digits)) : nil
    }

    private func checkNumbering() throws(ClipError) {
        guard let first = numbers.first, let last = numbers.last else { return }
        // A gap in every plane at once is named where the first plane would have it.
        if last - first + 1 != numbers.count {
            for (before, after) in zip(numbers, numbers.dropFirst()) where after != before + 1 {
                throw .missingFile(path: expectedPath(.baseColor, before + 1))
            }
        }
        for channel in Channel.allCases {
            guard let found = files[channel] else { continue }
            for number in numbers where found[number] == nil {
                throw .missingFile(path: expectedPath(channel, number))
            }
        }
    }

    /// Named like its neighbours.
    private func expectedPath(_ channel: Channel, _ number: Int) -> String {
        let neighbour = files[channel]?.min { $0.key < $1.key }?.value
        let folder = path + "/" + channel.rawValue
        let name =
            neighbour?.split(separator: "/").last.map(String.init) ?? channel.rawValue + "_0000.png"
        let stem = name.dropLast(4)
        let width = stem.reversed().prefix { ("0"..."9").contains($0) }.count
        let digits = String(number)
        let padded = String(repeating: "0", count: max(0, width - digits.count)) + digits
        return folder + "/" + stem.dropLast(width) + padded + name.suffix(4)
    }
}
