// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameTypes

/// Writes frames of a session as a clip folder: FrameDiffuser's layout and `camera.json`, ready for
/// `play` and for training. Rows from the top, whatever the origin of the session.
package struct ClipWriter {
    private let folder: String
    private let layout: GBufferLayout
    private let unitsPerMetre: Double
    private let framesPerSecond: Double
    private var cameras: [Camera?] = []
    private var written: [String] = []

    package var frameCount: Int { cameras.count }

    /// Makes the folder, which must be new or empty.
    package init(
        folder: String, layout: GBufferLayout, unitsPerMetre: Double, framesPerSecond: Double
    ) throws(ClipError) {
        self.folder = folder
        self.layout = layout
        self.unitsPerMetre = unitsPerMetre
        self.framesPerSecond = framesPerSecond
        if let found = try? FileManager.default.contentsOfDirectory(atPath: folder), !found.isEmpty
        {
            throw .exists(path: folder)
        }
        for channel in channels {
            let path = "\(folder)/\(channel.rawValue)"
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true)
            } catch {
                throw .unwritable(path: path, reason: "the folder cannot be made")
            }
        }
    }

    private var channels: [ClipFolder.Channel] {
        [.baseColor, .normals, .depth, .roughness]
            + (layout.plane(.metallic) == nil ? [] : [.metallic])
            + (layout.plane(.emissive) == nil ? [] : [.emissive]) + [.finalImage]
    }

    /// Adds a frame. After an error the files of this frame are gone, and those before are whole.
    /// - Parameters:
    ///   - planes: as the layout says.
    ///   - picture: RGBA8, packed rows, in the origin of the layout.
    ///   - camera: that the planes were drawn with, its jitter in `cx` and `cy`.
    package mutating func write(
        planes: [UInt8], picture: [UInt8], camera: Camera?
    ) throws(ClipError) {
        precondition(
            planes.count == layout.byteCount && picture.count == layout.size.pixelCount * 4,
            "a frame of another size")
        written = []
        do throws(ClipError) {
            for channel in channels {
                let image =
                    channel == .finalImage
                    ? PNGImage(size: layout.size, channels: 3, bytes: color(picture, finalImage))
                    : self.image(channel, planes, camera)
                let digits = String(cameras.count)
                let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
                let path = "\(folder)/\(channel.rawValue)/\(channel.rawValue)_\(zeros)\(digits).png"
                try image.write(to: path)
                written.append(path)
            }
        } catch {
            removeLastFrame()
            throw error
        }
        cameras.append(camera)
    }

    /// Writes `camera.json`. On a full disk the last frame gives its room to it.
    package mutating func finish() throws(ClipError) {
        do throws(ClipError) {
            try writeCameras()
        } catch {
            guard !cameras.isEmpty else { throw error }
            removeLastFrame()
            cameras.removeLast()
            try writeCameras()
        }
    }

    private mutating func removeLastFrame() {
        for path in written { try? FileManager.default.removeItem(atPath: path) }
        written = []
    }

    // MARK: Planes

    private var finalImage: PlaneLayout {
        PlaneLayout(
            kind: .known, format: .rgba8sRGB, rowStride: layout.size.width * 4, offset: 0)
    }

    private func image(
        _ channel: ClipFolder.Channel, _ planes: [UInt8], _ camera: Camera?
    ) -> PNGImage {
        func plane(_ kind: PlaneKind) -> PlaneLayout {
            guard let plane = layout.plane(kind) else {
                preconditionFailure("a session without a required plane")
            }
            return plane
        }
        let size = layout.size
        switch channel {
        case .baseColor:
            return PNGImage(size: size, channels: 3, bytes: color(planes, plane(.baseColor)))
        case .normals: return PNGImage(size: size, channels: 3, bytes: normals(planes))
        case .depth:
            return PNGImage(
                size: size, channels: 1, bitDepth: 16, bytes: depth(planes, plane(.depth), camera))
        case .roughness:
            return PNGImage(size: size, channels: 1, bytes: grey(planes, plane(.roughness)))
        case .emissive:
            return PNGImage(size: size, channels: 3, bytes: emission(planes, plane(.emissive)))
        default: return PNGImage(size: size, channels: 1, bytes: grey(planes, plane(.metallic)))
        }
    }

    /// Calls with the position of every pixel, rows from the top.
    private func eachPixel(_ plane: PlaneLayout, _ body: (Int) -> Void) {
        for row in 0..<layout.size.height {
            let stored = layout.origin == .bottomLeft ? layout.size.height - 1 - row : row
            var position = plane.offset + stored * plane.rowStride
            for _ in 0..<layout.size.width {
                body(position)
                position += plane.format.bytesPerPixel
            }
        }
    }

    private func color(_ bytes: [UInt8], _ plane: PlaneLayout) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(layout.size.pixelCount * 3)
        eachPixel(plane) { result += bytes[$0..<$0 + 3] }
        return result
    }

    private func grey(_ bytes: [UInt8], _ plane: PlaneLayout) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(layout.size.pixelCount)
        eachPixel(plane) { result.append(bytes[$0]) }
        return result
    }

    /// Files hold 8 bits: what shines brighter than a picture's white is stored as white.
    private func emission(_ bytes: [UInt8], _ plane: PlaneLayout) -> [UInt8] {
        guard plane.format == .rgba16Float else { return color(bytes, plane) }
        var result: [UInt8] = []
        result.reserveCapacity(layout.size.pixelCount * 3)
        eachPixel(plane) { position in
            for channel in 0..<3 {
                let at = position + 2 * channel
                let half = Float16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8)
                let light = half.isNaN ? 0 : Double(half)
                result.append(ColorStatement.Curve.srgbByte(linear: light))
            }
        }
        return result
    }

    private func normals(_ bytes: [UInt8]) -> [UInt8] {
        guard let plane = layout.plane(.normals) else { return [] }
        if plane.format == .rgb8UNorm { return color(bytes, plane) }
        var result: [UInt8] = []
        result.reserveCapacity(layout.size.pixelCount * 3)
        eachPixel(plane) { position in
            let word = Self.word(bytes, position)
            for shift in [0, 10, 20] as [UInt32] {
                result.append(UInt8(((word >> shift & 1023) * 255 + 511) / 1023))
            }
        }
        return result
    }

    /// Units of 1 / `unitsPerMetre`, 0 for the sky; what is farther than 16 bits reach stays there.
    private func depth(_ bytes: [UInt8], _ plane: PlaneLayout, _ camera: Camera?) -> [UInt8] {
        let conversion = DepthConversion(layout.depth.overruled(by: camera))
        var result: [UInt8] = []
        result.reserveCapacity(layout.size.pixelCount * 2)
        eachPixel(plane) { position in
            let value =
                plane.format == .r16
                ? Float(UInt16(bytes[position]) | UInt16(bytes[position + 1]) << 8)
                : Float(bitPattern: Self.word(bytes, position))
            let metres = conversion.metres(value)
            let units =
                metres == 0 ? 0 : max(1, min(65535, (Double(metres) * unitsPerMetre).rounded()))
            result.append(UInt8(truncatingIfNeeded: Int(units)))
            result.append(UInt8(truncatingIfNeeded: Int(units) >> 8))
        }
        return result
    }

    private static func word(_ bytes: [UInt8], _ position: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[position + $1]) << UInt32(8 * $1) }
    }

    // MARK: camera.json

    private struct Document: Encodable {
        struct Normals: Encodable {
            var space: String
            var axes = "y-up right-handed"
            var encoding = "n*0.5+0.5"
        }
        struct Depth: Encodable {
            var kind = "planar"
            var unitsPerMetre: Double
            var sky = 0
        }
        struct Encodings: Encodable {
            var baseColor = "srgb8"
            var finalImage = "srgb8"
            var normals: Normals
            var depth: Depth
            var roughness = "linear8"
            var metallic = "linear8"
            /// nil: there is no such folder.
            var emissive: String?
        }
        struct Frame: Encodable {
            var frame, width, height: Int
            var fx, fy, cx, cy, near, far: Double
            var cameraToWorld: [[Double]]

            enum CodingKeys: String, CodingKey {
                case frame, width, height, fx, fy, cx, cy, near, far
                case cameraToWorld = "camera_to_world"
            }
        }

        var format = "frameloom-clip-1"
        var fps: Double
        var encodings: Encodings
        var cameraConvention =
            "OpenGL: -Z forward, +Y up; camera_to_world row-major, column vectors; pixel centres at "
            + "+0.5, origin top-left"
        var frames: [Frame]
    }

    private func writeCameras() throws(ClipError) {
        let path = folder + "/camera.json"
        let known = cameras.compactMap { $0 }
        let size = layout.size
        let frames = known.enumerated().map { index, camera in
            let rows = camera.cameraToWorld
            return Document.Frame(
                frame: index, width: size.width, height: size.height, fx: camera.fx, fy: camera.fy,
                cx: camera.cx, cy: camera.cy, near: camera.near, far: camera.far,
                cameraToWorld: [rows.x, rows.y, rows.z, rows.w].map { row in
                    (0..<4).map { row[$0] }
                })
        }
        let document = Document(
            fps: framesPerSecond,
            encodings: .init(
                normals: .init(space: layout.normalSpace == .view ? "view" : "world"),
                depth: .init(unitsPerMetre: unitsPerMetre),
                emissive: layout.plane(.emissive) == nil ? nil : "srgb8"),
            // A clip has a camera for every frame or for none.
            frames: known.count == cameras.count ? frames : [])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(document) else {
            throw .unwritable(path: path, reason: "a camera has a number that JSON cannot hold")
        }
        try ClipFiles.write([UInt8](data), to: path)
    }
}
