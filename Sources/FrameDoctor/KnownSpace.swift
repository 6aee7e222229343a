// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FoundationEssentials

/// The box of the world that holds the surfaces of a model's training. Camera, depth and normals that
/// are wrong all in the same way (another engine's axes, centimetres) fit each other in everything
/// else.
package struct KnownSpace: Sendable, Equatable {
    /// Corners, metres in the daemon's axes.
    package let low, high: SIMD3<Double>

    /// - Returns: nil if it is no box.
    package init?(low: SIMD3<Double>, high: SIMD3<Double>) {
        guard (0..<3).allSatisfy({ low[$0] < high[$0] && (high[$0] - low[$0]).isFinite }) else {
            return nil
        }
        self.low = low
        self.high = high
    }

    /// Of the model in a folder.
    /// - Returns: nil where its manifest cannot be read or says nothing of it.
    package static func read(modelFolder: String) -> KnownSpace? {
        guard let bytes = try? FileBytes.read(modelFolder + "/model.json", limit: 1 << 22),
            let model = try? JSONDecoder().decode(Manifest.self, from: Data(bytes)),
            let box = model.placeGrid ?? model.probes, box.low.count == 3, box.high.count == 3
        else { return nil }
        return KnownSpace(
            low: SIMD3(box.low[0], box.low[1], box.low[2]),
            high: SIMD3(box.high[0], box.high[1], box.high[2]))
    }

    private struct Manifest: Decodable {
        struct Box: Decodable {
            var low, high: [Double]

            enum CodingKeys: String, CodingKey {
                case low = "bounds_min"
                case high = "bounds_max"
            }
        }

        var placeGrid, probes: Box?
    }

    /// Of a frame's surfaces, those that lie inside if the world is what each alternative says; nil
    /// without a camera or with hardly a surface.
    func shares(of frame: DoctorFrame) -> [OtherWorld: Double]? {
        guard let camera = frame.camera else { return nil }
        let places = frame.samples.compactMap { sample -> SIMD3<Double>? in
            let z = Double(frame.depth[sample.y * frame.size.width + sample.x])
            guard z > 0 else { return nil }
            let ray = camera.ray(Double(sample.x) + 0.5, Double(sample.y) + 0.5)
            return camera.position + camera.turned(ray * z)
        }
        guard places.count >= 100 else { return nil }
        var shares: [OtherWorld: Double] = [:]
        for world in OtherWorld.all {
            let inside = places.count { place in
                let there = world.place(place)
                return (0..<3).allSatisfy { low[$0] <= there[$0] && there[$0] <= high[$0] }
            }
            shares[world] = Double(inside) / Double(places.count)
        }
        return shares
    }
}

/// What the client's world may be in place of what it stated. Worlds that turn about the vertical or
/// are mirrored fill nearly the same box and cannot be told.
struct OtherWorld: Hashable, Sendable {
    var axes = SignedAxes.same
    /// Metres of the daemon for a metre as stated.
    var scale = 1.0

    static let stated = OtherWorld()

    /// Simple ones first.
    static let all: [OtherWorld] = {
        let scales = [0.01, 100, 0.3048, 3.2808, 0.001, 0.1, 10]
        let upwards = SignedAxes.all.filter { ["x, z, -y", "y, z, -x"].contains($0.text) }
        let scaled = scales.map { OtherWorld(scale: $0) }
        let turned = upwards.map { OtherWorld(axes: $0) }
        return [.stated] + turned + scaled + upwards.map { OtherWorld(axes: $0, scale: 0.01) }
    }()

    func place(_ stated: SIMD3<Double>) -> SIMD3<Double> {
        let turned = SIMD3(stated[axes.axes.x], stated[axes.axes.y], stated[axes.axes.z])
        return turned * axes.signs * scale
    }

    /// "Z is up, as in Blender, and a metre is 100".
    var text: String {
        var words: [String] = []
        if axes != .same { words.append(axes.owner ?? axes.text) }
        if scale != 1 { words.append("lengths times \(short(scale))") }
        return words.joined(separator: ", ")
    }
}
