// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameTypes
import FileFormats

/// The files of a clip in FrameDiffuser's layout: a folder per plane, `BaseColor/BaseColor_0000.png`
/// and so on. Every plane has the same frames, numbered without gaps (docs/clips.md).
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

    /// - Parameter step: from one frame's number to the next.
    init(path: String, step: Int = 1) throws(ClipError) {
        self.path = path
        files = [:]
        guard FileManager.default.fileExists(atPath: path) else {
            throw .wrong(path: path, sentence: "there is no such folder")
        }
        guard Self.isFolder(path) else { throw .wrong(path: path, sentence: "is not a folder") }
        try Self.refuseNearNames(in: path)
        for channel in Channel.allCases {
            if let found = try Self.files(of: channel, in: path) { files[channel] = found }
        }
        numbers = Set(files.values.flatMap(\.keys)).sorted()
        try checkNumbering(step)
    }

    func has(_ channel: Channel) -> Bool { files[channel] != nil }

    func file(_ channel: Channel, _ number: Int) throws(ClipError) -> String {
        guard let file = files[channel]?[number] else {
            throw Self.missing(path + "/" + channel.rawValue, number)
        }
        return file
    }

    private static func missing(_ folder: String, _ number: Int) -> ClipError {
        .wrong(path: folder, sentence: "frame \(number) is missing")
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && isDirectory
    }

    /// A folder with a slip in its name would count as absent.
    private static func refuseNearNames(in clip: String) throws(ClipError) {
        let known = Channel.allCases.map(\.rawValue)
        for bytes in try ClipFiles.names(in: clip) {
            let name = ClipFiles.escaped(bytes)
            guard !known.contains(name), let near = NearestName.of(name, among: known),
                NearestName.distance(String(name.prefix(64)), near) <= 2,
                isFolder(clip + "/" + name), !isFolder(clip + "/" + near)
            else { continue }
            throw .wrong(
                path: clip + "/" + name, sentence: "is no plane of a clip; did you mean \(near)?")
        }
    }

    private static func files(
        of channel: Channel, in clip: String
    ) throws(ClipError) -> [Int: String]? {
        let folder = clip + "/" + channel.rawValue
        guard isFolder(folder) else {
            if channel.isOptional { return nil }
            throw .wrong(path: clip, sentence: "the folder \(channel.rawValue) is missing")
        }
        let listed = try ClipFiles.names(in: folder).filter { $0.first != UInt8(ascii: ".") }
        var names: [String] = []
        for bytes in listed {
            guard let name = String(validating: bytes, as: UTF8.self) else {
                throw .wrong(
                    path: folder,
                    sentence: "the name of \(ClipFiles.escaped(bytes)) is not UTF-8; rename it")
            }
            names.append(name)
        }
        var found: [Int: (name: String, isPNG: Bool)] = [:]
        for name in names {
            guard let frame = FrameName(name) else { continue }
            // A PNG goes before a JPEG of the same frame.
            if let other = found[frame.number] {
                guard other.isPNG != frame.isPNG else {
                    throw .wrong(
                        path: folder + "/" + name,
                        sentence: "has the same frame number as \(other.name)")
                }
                if other.isPNG { continue }
            }
            found[frame.number] = (name, frame.isPNG)
        }
        if found.isEmpty { throw .wrong(path: folder, sentence: emptySentence(names)) }
        return found.mapValues { folder + "/" + $0.name }
    }

    private static func emptySentence(_ names: [String]) -> String {
        guard let first = names.first else { return "is empty" }
        let ending = FrameName.ending(of: first)
        let hint =
            FrameName.foreignEndings.contains(ending)
            ? "; \(ending.uppercased()) files are not read, docs/clips.md says how to convert them"
            : ""
        return "holds no frames: PNG or JPEG files whose names end in a number, like "
            + "Depth_0000.png (found \(first)\(hint))"
    }

    private func checkNumbering(_ step: Int) throws(ClipError) {
        for (before, after) in zip(numbers, numbers.dropFirst()) where after != before + step {
            guard after > before + step else {
                throw .wrong(
                    path: path,
                    sentence: "frame \(after) follows \(before), though the option says steps of "
                        + "\(step)")
            }
            throw .wrong(
                path: path,
                sentence: "the numbering has a gap: frame \(before + step) is missing")
        }
        for channel in Channel.allCases {
            guard let found = files[channel] else { continue }
            for number in numbers where found[number] == nil {
                throw Self.missing(path + "/" + channel.rawValue, number)
            }
        }
    }
}
