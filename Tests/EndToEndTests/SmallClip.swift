// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameTypes
import TestSupport

/// A window of the demo clip's first frames as a clip of its own: whole frames take unoptimised
/// programs minutes to compare.
enum SmallClip {
    static let size = FrameSize(width: 128, height: 96)
    private static let corner = (x: 192, y: 208)

    static func write(to folder: String, frames: Int) throws {
        for channel in [
            "FinalImage", "BaseColor", "Normals", "Depth", "Roughness", "Metallic",
        ] {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/\(channel)", withIntermediateDirectories: true)
            for frame in 0..<frames {
                let name = "\(channel)/\(channel)_000\(frame).png"
                let whole = try PNGImage(readingFrom: "\(Paths.demoClip)/\(name)")
                try window(of: whole).write(to: "\(folder)/\(name)")
            }
        }
        try writeCameras(to: folder, frames: frames)
    }

    /// Rows and columns of the lamp.
    static let lamp = 30..<50

    /// An emissive plane with a white square.
    static func addLamp(to folder: String, frames: Int) throws {
        try FileManager.default.createDirectory(
            atPath: "\(folder)/Emissive", withIntermediateDirectories: true)
        let bytes = (0..<size.pixelCount * 3).map { index in
            let (x, y) = (index / 3 % size.width, index / 3 / size.width)
            return lamp.contains(x) && lamp.contains(y) ? UInt8(255) : 0
        }
        for frame in 0..<frames {
            try PNGImage(size: size, channels: 3, bytes: bytes)
                .write(to: "\(folder)/Emissive/Emissive_000\(frame).png")
        }
    }

    private static func window(of image: PNGImage) -> PNGImage {
        let pixelBytes = image.channels * image.bitDepth / 8
        let bytes = (0..<size.height).flatMap { row in
            let start = ((corner.y + row) * image.size.width + corner.x) * pixelBytes
            return image.bytes[start..<start + size.width * pixelBytes]
        }
        return PNGImage(
            size: size, channels: image.channels, bitDepth: image.bitDepth, bytes: bytes)
    }

    private static func writeCameras(to folder: String, frames: Int) throws {
        let file = try Data(contentsOf: URL(filePath: Paths.demoClip + "/camera.json"))
        let parsed = try JSONSerialization.jsonObject(with: file)
        guard var clip = parsed as? [String: Any], let all = clip["frames"] as? [[String: Any]]
        else { throw TestFailure("the demo clip's camera.json is no object with frames") }
        clip["frames"] = try all.prefix(frames).map { camera in
            guard let cx = camera["cx"] as? Double, let cy = camera["cy"] as? Double else {
                throw TestFailure("a camera without cx, cy")
            }
            var camera = camera
            camera["width"] = size.width
            camera["height"] = size.height
            camera["cx"] = cx - Double(corner.x)
            camera["cy"] = cy - Double(corner.y)
            return camera
        }
        try JSONSerialization.data(withJSONObject: clip)
            .write(to: URL(filePath: folder + "/camera.json"))
    }
}
