// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameClip
import FrameTypes

struct ClipCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clip",
        abstract: "Read a recorded clip as play and render do, and show what it holds.")

    @OptionGroup var source: ClipSource

    @Flag(help: "Print it as JSON, with a checksum of every plane of every frame.")
    var json = false

    func run() throws {
        let clip = try source.read()
        let report = ClipReport(clip)
        try printResult(json ? report.json : report.text)
    }
}

/// What a clip holds, once read.
struct ClipReport: Encodable {
    struct Plane: Encodable {
        /// CRC-32 of the bytes; depth as Float32 metres, lowest byte first, 0 for the sky.
        var crc: UInt32
        var least: Double
        var mean: Double
        var most: Double
    }

    struct Frame: Encodable {
        var number: Int
        var planes: [String: Plane]
        /// Of the pixels.
        var skyShare: Double
        var jitter: [Float]
    }

    var name: String
    var width: Int
    var height: Int
    var hasCameras: Bool
    var hasReferences: Bool
    var normalSpace: String
    var frames: [Frame]

    init(_ clip: Clip) {
        name = clip.name
        width = clip.size.width
        height = clip.size.height
        hasCameras = clip.hasCameras
        hasReferences = clip.hasReferences
        normalSpace = clip.layout.normalSpace == .view ? "view" : "world"
        frames = clip.frames.indices.map { Self.frame($0, of: clip) }
    }

    private static func frame(_ index: Int, of clip: Clip) -> Frame {
        var planes: [String: Plane] = [:]
        let names: [(PlaneKind, String)] = [
            (.baseColor, "BaseColor"), (.normals, "Normals"), (.roughness, "Roughness"),
            (.metallic, "Metallic"), (.emissive, "Emissive"),
        ]
        for (kind, name) in names where clip.layout.plane(kind) != nil {
            planes[name] = plane(clip.plane(kind, of: index))
        }
        let metres = clip.metres(of: index)
        let surfaces = metres.filter { $0 > 0 }
        planes["Depth"] = Plane(
            crc: ClipFiles.crc32(
                metres.flatMap { value in
                    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
                }),
            least: Double(surfaces.min() ?? 0),
            mean: surfaces.isEmpty
                ? 0 : surfaces.reduce(0) { $0 + Double($1) } / Double(surfaces.count),
            most: Double(surfaces.max() ?? 0))
        if let reference = clip.frames[index].reference {
            planes["FinalImage"] = plane(reference.bytes)
        }
        return Frame(
            number: clip.frames[index].number, planes: planes,
            skyShare: 1 - Double(surfaces.count) / Double(metres.count),
            jitter: [clip.frames[index].jitter.x, clip.frames[index].jitter.y])
    }

    private static func plane(_ bytes: [UInt8]) -> Plane {
        let sum = bytes.reduce(0) { $0 + Int($1) }
        return Plane(
            crc: ClipFiles.crc32(bytes), least: Double(bytes.min() ?? 0),
            mean: bytes.isEmpty ? 0 : Double(sum) / Double(bytes.count),
            most: Double(bytes.max() ?? 0))
    }

    var json: String { ReportText.json(self) }

    /// For people: the ranges over all frames.
    var text: String {
        let numbers = frames.map(\.number)
        var lines = [
            "Clip       \(printable(name)), \(frames.count) frames "
                + "(\(numbers.first ?? 0) to \(numbers.last ?? 0)), \(width)x\(height)",
            "Cameras    \(hasCameras ? "one a frame" : "none: every frame is a first frame")",
        ]
        for name in [
            "Depth", "BaseColor", "Normals", "Roughness", "Metallic", "Emissive", "FinalImage",
        ] {
            let planes = frames.compactMap { $0.planes[name] }
            let label = name + String(repeating: " ", count: 11 - name.count)
            guard !planes.isEmpty else {
                lines.append("\(label)none")
                continue
            }
            let least = planes.map(\.least).min() ?? 0
            let most = planes.map(\.most).max() ?? 0
            let mean = planes.map(\.mean).reduce(0, +) / Double(planes.count)
            if name == "Depth" {
                let sky = frames.map(\.skyShare).reduce(0, +) / Double(frames.count)
                lines.append(
                    "\(label)\(decimal(least, 2)) to \(decimal(most, 2)) m, mean "
                        + "\(decimal(mean, 2)) m, sky \(decimal(100 * sky, 1)) %")
            } else {
                let space = name == "Normals" ? ", \(normalSpace) space" : ""
                lines.append(
                    "\(label)\(decimal(least, 0)) to \(decimal(most, 0)) of 255, mean "
                        + "\(decimal(mean, 1))\(space)")
            }
        }
        return lines.joined(separator: "\n")
    }
}
