// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameTypes
import FileFormats

/// `camera.json`, format "frameloom-clip-1", as docs/clips.md describes it: encodings of the planes and
/// one camera a frame. Every key is honoured or refused by name, with the very sentences of
/// `training/camera_file.py`.
struct CameraFile {
    /// What the file states about planes; nil where it says nothing.
    struct Statements {
        var baseColor, finalImage, emissive: ColorStatement.Curve?
        var normalSpace: NormalSpace?
        var normalAxes: NormalAxes?
        var depthKind: DepthKind?
        var unitsPerMetre: Double?
        var depthSky: Int?
        var isSmoothness = false
    }

    struct Frame {
        /// Pixels; those of the planes where the file does not say.
        var width, height: Int?
        var camera: Camera
        /// Pixels, right and down.
        var jitter: SIMD2<Double>
    }

    var path: String
    var framesPerSecond: Double?
    var statements = Statements()
    var frames: [Int: Frame] = [:]

    static let format = "frameloom-clip-1"
    static let comments = ["comment", "description", "generator", "license", "licence", "source"]

    /// - Returns: nil if the clip has no such file.
    static func read(in folder: String) throws(ClipError) -> CameraFile? {
        let path = folder + "/camera.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes = try ClipFiles.read(path)
        do {
            var file = CameraFile(path: path)
            try file.take(ClipJSON.document(bytes))
            return file
        } catch {
            throw .wrong(path: path, sentence: error.sentence)
        }
    }

    mutating func take(_ document: ClipJSON) throws(ClipJSON.Fault) {
        try document.allow(
            ["format", "fps", "encodings", "frames", "cameraConvention"] + Self.comments)
        guard let format = try document.member("format") else {
            throw ClipJSON.Fault("format is missing")
        }
        guard format.value == .string(Self.format) else {
            throw ClipJSON.Fault("format \(format.shown) is not known (\"\(Self.format)\" is)")
        }
        if let convention = try document.member("cameraConvention"),
            convention.value.string?.hasPrefix("OpenGL") != true
        {
            throw ClipJSON.Fault(
                "cameraConvention \(convention.shown) is not supported (\"OpenGL\" is: -Z "
                    + "forward, +Y up)")
        }
        if let rate = try document.member("fps") {
            let value = try rate.number()
            guard value > 0, value <= 1e6 else {
                throw ClipJSON.Fault("fps \(rate.shown) is not above 0 and at most 1000000")
            }
            framesPerSecond = value
        }
        if let encodings = try document.member("encodings") {
            statements = try Statements(encodings)
        }
        guard let frames = try document.member("frames") else {
            throw ClipJSON.Fault("frames is missing")
        }
        guard let entries = frames.value.array else {
            throw ClipJSON.Fault("frames is not a list")
        }
        for (index, entry) in entries.enumerated() {
            try take(frame: ClipJSON(value: entry, place: "frames[\(index)]"))
        }
    }
}

/// How a clip stores depth.
package enum DepthKind: String, Sendable, CaseIterable {
    /// Distance along the viewing direction.
    case planar
    /// Distance along each pixel's ray.
    case distance
    /// Device depth, 1 at the near plane.
    case reversed
}

/// Where the axes of the files' normals lie in the world of right-handed +Y up (docs/clips.md).
struct NormalAxes: Equatable {
    /// For x, y and z: the channel that holds it, and whether it is turned round.
    var channels: [(channel: Int, isNegative: Bool)]

    static let known: [(name: String, axes: NormalAxes)] = [
        ("y-up right-handed", NormalAxes([(0, false), (1, false), (2, false)])),
        ("y-up left-handed", NormalAxes([(0, false), (1, false), (2, true)])),
        ("z-up right-handed", NormalAxes([(0, false), (2, false), (1, true)])),
        ("z-up left-handed", NormalAxes([(1, false), (2, false), (0, true)])),
    ]

    init(_ channels: [(Int, Bool)]) {
        self.channels = channels.map { (channel: $0.0, isNegative: $0.1) }
    }

    static func == (a: Self, b: Self) -> Bool {
        a.channels.elementsEqual(b.channels) { $0 == $1 }
    }

    /// - Parameter normals: RGB8.
    func turned(_ normals: [UInt8]) -> [UInt8] {
        if self == Self.known[0].axes { return normals }
        var result = [UInt8](repeating: 0, count: normals.count)
        for start in stride(from: 0, to: normals.count, by: 3) {
            for (axis, source) in channels.enumerated() {
                let byte = normals[start + source.channel]
                result[start + axis] = source.isNegative ? 255 - byte : byte
            }
        }
        return result
    }
}

extension CameraFile.Statements {
    fileprivate static let colors: [(name: String, curve: ColorStatement.Curve)] = [
        ("srgb", .sRGB), ("srgb8", .sRGB), ("srgb16", .sRGB), ("linear", .power(1)),
        ("linear8", .power(1)), ("linear16", .power(1)),
    ]

    init(_ encodings: ClipJSON) throws(ClipJSON.Fault) {
        try encodings.allow([
            "baseColor", "finalImage", "emissive", "normals", "depth", "roughness", "metallic",
        ])
        let color = { (key: String) throws(ClipJSON.Fault) -> ColorStatement.Curve? in
            let kind = try encodings.choice(key, Self.colors.map(\.name))
            return Self.colors.first { $0.name == kind }?.curve
        }
        baseColor = try color("baseColor")
        finalImage = try color("finalImage")
        emissive = try color("emissive")
        let linear = ["linear", "linear8", "linear16"]
        isSmoothness = try encodings.choice("roughness", linear + ["smoothness"]) == "smoothness"
        _ = try encodings.choice("metallic", linear)
        if let normals = try encodings.member("normals") { try take(normals: normals) }
        if let depth = try encodings.member("depth") { try take(depth: depth) }
    }

    private mutating func take(normals: ClipJSON) throws(ClipJSON.Fault) {
        try normals.allow(["space", "axes", "encoding", "sky"])
        let space = try normals.choice("space", ["world", "view"])
        normalSpace = space == "view" ? .view : space == nil ? nil : .world
        let axes = try normals.choice("axes", NormalAxes.known.map(\.name))
        normalAxes = NormalAxes.known.first { $0.name == axes }?.axes
        _ = try normals.choice("encoding", ["n*0.5+0.5"])
        // Normals of the sky are not read.
        _ = try normals.member("sky")?.whole(0...65535)
    }

    private mutating func take(depth: ClipJSON) throws(ClipJSON.Fault) {
        try depth.allow(["kind", "unitsPerMetre", "sky"])
        depthKind = try depth.choice("kind", DepthKind.allCases.map(\.rawValue))
            .flatMap(DepthKind.init)
        if let units = try depth.member("unitsPerMetre") {
            let value = try units.number()
            guard value >= 1e-6, value <= 1e9 else {
                throw ClipJSON.Fault(
                    "\(units.place) \(units.shown) is not from 0.000001 to 1000000000")
            }
            unitsPerMetre = value
        }
        depthSky = try depth.member("sky")?.whole(0...65535)
    }
}
