// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

extension CameraFile {
    // The limits of the protocol (FrameProtocol/Limits.swift), so that what is read can be sent.
    private static let maxPixels = 1e6
    private static let maxMetres = 1e9
    private static let maxJitter = 16.0

    mutating func take(frame entry: ClipJSON) throws(ClipJSON.Fault) {
        try entry.allow([
            "frame", "width", "height", "fx", "fy", "cx", "cy", "near", "far", "camera_to_world",
            "jitter", "projection",
        ])
        let number = try entry.needed("frame").whole(-999_999_999...999_999_999)
        guard frames[number] == nil else {
            throw ClipJSON.Fault("frame \(number) is there twice")
        }
        _ = try entry.choice("projection", ["perspective"])
        let width = try entry.member("width")?.whole(1...65535)
        let height = try entry.member("height")?.whole(1...65535)
        var pixels: [Double] = []
        for name in ["fx", "fy", "cx", "cy"] { pixels.append(try entry.needed(name).number()) }
        for (name, value) in zip(["fx", "fy"], pixels) {
            guard value > 0, value <= Self.maxPixels else {
                throw ClipJSON.Fault(
                    "\(entry.place).\(name) \(try entry.needed(name).shown) is not above 0 and at "
                        + "most 1000000 pixels")
            }
        }
        for (name, value) in zip(["cx", "cy"], pixels.dropFirst(2)) {
            guard abs(value) <= Self.maxPixels else {
                throw ClipJSON.Fault(
                    "\(entry.place).\(name) \(try entry.needed(name).shown) is not within 1000000 "
                        + "pixels")
            }
        }
        let near = try Self.distance(entry, "near")
        let far = try Self.distance(entry, "far")
        guard near == 0 || far == 0 || near < far else {
            throw ClipJSON.Fault(
                "\(entry.place).near \(try entry.needed("near").shown) is not below far "
                    + "\(try entry.needed("far").shown)")
        }
        let rows = try Self.matrix(entry)
        let jitter = try Self.jitter(entry)
        frames[number] = Frame(
            width: width, height: height,
            camera: Camera(
                fx: pixels[0], fy: pixels[1], cx: pixels[2], cy: pixels[3], near: near, far: far,
                cameraToWorld: rows),
            jitter: jitter)
    }

    /// Metres; 0 where nothing is stated.
    private static func distance(
        _ entry: ClipJSON, _ name: String
    ) throws(ClipJSON.Fault) -> Double {
        guard let member = try entry.member(name), member.value != .null else { return 0 }
        let value = try member.number()
        guard value >= 0, value <= maxMetres else {
            throw ClipJSON.Fault(
                "\(member.place) \(member.shown) is not 0 to 1000000000 metres")
        }
        return value
    }

    private static func jitter(_ entry: ClipJSON) throws(ClipJSON.Fault) -> SIMD2<Double> {
        guard let member = try entry.member("jitter") else { return .zero }
        let values = member.value.array?.compactMap(\.double) ?? []
        guard values.count == 2, member.value.array?.count == 2,
            values.allSatisfy({ abs($0) <= maxJitter })
        else {
            throw ClipJSON.Fault("\(member.place) is not two numbers from -16 to 16")
        }
        return SIMD2(values[0], values[1])
    }

    private static func matrix(_ entry: ClipJSON) throws(ClipJSON.Fault) -> Camera.Rows {
        let member = try entry.needed("camera_to_world")
        let place = member.place
        let lists = member.value.array ?? []
        let rows = lists.map { $0.array?.compactMap(\.double) ?? [] }
        guard rows.count == 4, rows.allSatisfy({ $0.count == 4 }),
            lists.allSatisfy({ $0.array?.count == 4 })
        else {
            throw ClipJSON.Fault("\(place) is not 4 rows of 4 numbers")
        }
        let m = rows.map { SIMD4<Double>($0) }
        guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }),
            m[..<3].allSatisfy({ abs($0.w) <= maxMetres })
        else {
            throw ClipJSON.Fault("\(place) holds a number that is too large")
        }
        for (index, wanted) in [0.0, 0, 0, 1].enumerated() where abs(m[3][index] - wanted) > 1e-6 {
            throw ClipJSON.Fault("\(place): the last row is not 0, 0, 0, 1 (transposed?)")
        }
        for first in 0..<3 {
            for second in first..<3 {
                let product = (m[first] * m[second] * SIMD4(1, 1, 1, 0)).sum()
                // Written so that NaN fails.
                guard abs(product - (first == second ? 1 : 0)) <= 1e-3 else {
                    throw ClipJSON.Fault(
                        "\(place): the first three rows are no rotation (scaled or sheared?)")
                }
            }
        }
        let determinant =
            m[0].x * (m[1].y * m[2].z - m[1].z * m[2].y)
            - m[0].y * (m[1].x * m[2].z - m[1].z * m[2].x)
            + m[0].z * (m[1].x * m[2].y - m[1].y * m[2].x)
        guard determinant > 0 else {
            throw ClipJSON.Fault("\(place) mirrors (its determinant is -1, not 1)")
        }
        return .init(x: m[0], y: m[1], z: m[2], w: m[3])
    }
}
