// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import FrameTypes

/// A folder of the test's own, removed with this object.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/clip-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Writes a small whole clip that tests then damage.
struct ClipFixture {
    var folder: String
    var size = FrameSize(width: 40, height: 32)
    var numbers = 0..<4

    static let planes: [(name: String, channels: Int, bitDepth: Int)] = [
        ("BaseColor", 3, 8), ("Normals", 3, 8), ("Depth", 1, 16), ("Roughness", 1, 8),
        ("Metallic", 1, 8), ("FinalImage", 3, 8),
    ]

    func file(_ plane: String, _ number: Int) -> String {
        folder + "/\(plane)/" + plane + "_" + String(format: "%04d", number) + ".png"
    }

    /// Every plane and frame differ, so that a swapped plane is seen.
    func image(_ plane: Int, _ number: Int) -> PNGImage {
        let shape = Self.planes[plane]
        let count = size.pixelCount * shape.channels * shape.bitDepth / 8
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + plane * 31 + number * 3) }
        return PNGImage(
            size: size, channels: shape.channels, bitDepth: shape.bitDepth, bytes: bytes)
    }

    func write() throws {
        for (index, plane) in Self.planes.enumerated() {
            try FileManager.default.createDirectory(
                atPath: folder + "/" + plane.name, withIntermediateDirectories: true)
            for number in numbers { try image(index, number).write(to: file(plane.name, number)) }
        }
        try writeCameras()
    }

    func cameras() -> [[String: Any]] {
        numbers.map { number in
            [
                "frame": number, "width": size.width, "height": size.height, "fx": 30.5,
                "fy": 31.5, "cx": 20.0, "cy": 16.0, "near": 0.1, "far": 100.0,
                "camera_to_world": [
                    [1.0, 0, 0, Double(number)], [0, 1.0, 0, 2.5], [0, 0, 1.0, -3.0], [0, 0, 0, 1],
                ],
            ]
        }
    }

    func writeCameras(
        _ frames: [[String: Any]]? = nil, encodings: [String: Any]? = nil,
        format: String = "frameloom-clip-1"
    ) throws {
        let document: [String: Any] = [
            "format": format, "fps": 30, "frames": frames ?? cameras(),
            "encodings": encodings ?? [
                "normals": ["space": "world", "encoding": "n*0.5+0.5"],
                "depth": ["kind": "planar", "unitsPerMetre": 400],
            ],
        ]
        let data = try JSONSerialization.data(withJSONObject: document)
        try data.write(to: URL(fileURLWithPath: folder + "/camera.json"))
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }
}

/// The 24 frames that the repository carries.
func repositoryClip() -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path + "/Clips/atrium-flight"
}
