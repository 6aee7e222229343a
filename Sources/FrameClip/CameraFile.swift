// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameTypes

/// `camera.json`, format "frameloom-clip-1": encodings of the planes and one camera a frame.
struct CameraFile {
    var path: String
    var framesPerSecond: Double?
    var metresPerUnit: Float?
    var normalSpace: NormalSpace?
    var cameras: [Int: Camera]

    /// - Returns: nil if the clip has no such file.
    static func read(in folder: String, size: FrameSize) throws(ClipError) -> CameraFile? {
        let path = folder + "/camera.json"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes = try FileBytes.read(path)
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch {
            throw .camera(path: path, reason: sentence(for: error))
        }
        guard document.format == "frameloom-clip-1" else {
            throw .camera(
                path: path,
                reason: "format \"\(document.format)\" is not known (frameloom-clip-1 is)")
        }
        var file = CameraFile(path: path, framesPerSecond: document.fps, cameras: [:])
        if let encodings = document.encodings { try file.take(encodings) }
        for frame in document.frames {
            guard file.cameras[frame.frame] == nil else {
                throw .camera(path: path, reason: "frame \(frame.frame) is there twice")
            }
            file.cameras[frame.frame] = try frame.camera(path: path, size: size)
        }
        return file
    }

    private mutating func take(_ encodings: Document.Encodings) throws(ClipError) {
        for (name, value, known) in [
            ("baseColor", encodings.baseColor, "srgb8"),
            ("finalImage", encodings.finalImage, "srgb8"),
            ("roughness", encodings.roughness, "linear8"),
            ("metallic", encodings.metallic, "linear8"),
            ("normals.encoding", encodings.normals?.encoding, "n*0.5+0.5"),
            ("depth.kind", encodings.depth?.kind, "planar"),
        ] where value != nil && value != known {
            throw .camera(
                path: path,
                reason: "encodings.\(name) \"\(value ?? "")\" is not supported (\"\(known)\" is)")
        }
        switch encodings.normals?.space {
        case nil: break
        case "world": normalSpace = .world
        case "view": normalSpace = .view
        case .some(let space):
            throw .camera(
                path: path,
                reason: "encodings.normals.space \"\(space)\" is not known (world and view are)")
        }
        if let units = encodings.depth?.unitsPerMetre {
            guard units.isFinite, units > 0 else {
                throw .camera(
                    path: path, reason: "encodings.depth.unitsPerMetre \(units) is not above 0")
            }
            metresPerUnit = Float(1 / units)
        }
    }

    private static func sentence(for error: any Error) -> String {
        switch error {
        case DecodingError.keyNotFound(let key, let context):
            "\(place(context.codingPath + [key])) is missing"
        case DecodingError.typeMismatch(_, let context),
            DecodingError.valueNotFound(_, let context):
            "\(place(context.codingPath)) is not of the right type"
        case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
            "\(place(context.codingPath)): \(context.debugDescription)"
        default: "it is not valid JSON"
        }
    }

    private static func place(_ path: [any CodingKey]) -> String {
        path.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }
            .joined(separator: ".").replacing(".[", with: "[")
    }
}

private struct Document: Decodable {
    var format: String
    var fps: Double?
    var encodings: Encodings?
    var frames: [Frame]

    struct Encodings: Decodable {
        var baseColor, finalImage, roughness, metallic: String?
        var normals: Normals?
        var depth: Depth?
    }

    struct Normals: Decodable {
        var space, encoding: String?
    }

    struct Depth: Decodable {
        var kind: String?
        var unitsPerMetre: Double?
    }

    struct Frame: Decodable {
        var frame: Int
        var width, height: Int?
        var fx, fy, cx, cy: Double
        var near, far: Double?
        var cameraToWorld: [[Double]]

        enum CodingKeys: String, CodingKey {
            case frame, width, height, fx, fy, cx, cy, near, far
            case cameraToWorld = "camera_to_world"
        }

        func camera(path: String, size: FrameSize) throws(ClipError) -> Camera {
            let found = FrameSize(width: width ?? size.width, height: height ?? size.height)
            guard found == size else {
                throw .camera(
                    path: path,
                    reason: "the camera of frame \(frame) is for \(found) pixels, the planes have "
                        + "\(size)")
            }
            guard cameraToWorld.count == 4, cameraToWorld.allSatisfy({ $0.count == 4 }) else {
                throw .camera(
                    path: path,
                    reason: "camera_to_world of frame \(frame) is not 4 rows of 4 numbers")
            }
            let rows = cameraToWorld.map { SIMD4<Double>($0) }
            return Camera(
                fx: fx, fy: fy, cx: cx, cy: cy, near: near ?? 0, far: far ?? 0,
                cameraToWorld: .init(x: rows[0], y: rows[1], z: rows[2], w: rows[3]))
        }
    }
}
