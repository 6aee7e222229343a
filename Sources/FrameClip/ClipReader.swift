// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Reads a clip folder into memory, checking everything on the way.
package struct ClipReader {
    private let folder: ClipFolder
    private let options: ClipOptions
    private let size: FrameSize
    private let cameras: CameraFile?
    private let layout: GBufferLayout
    private let numbers: ArraySlice<Int>

    /// Looks at the names of the files, the first base color and `camera.json`.
    package init(folder path: String, options: ClipOptions = ClipOptions()) throws(ClipError) {
        let trimmed = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        folder = try ClipFolder(path: trimmed)
        self.options = options
        let first = try folder.file(.baseColor, folder.numbers[0])
        size = try PNGImage.size(of: FileBytes.read(first), path: first)
        cameras = try CameraFile.read(in: trimmed, size: size)
        guard let scale = options.metresPerUnit ?? cameras?.metresPerUnit else {
            throw .unknownDepthScale(path: trimmed + "/Depth")
        }
        layout = Self.layout(
            size: size, hasMetallic: folder.has(.metallic), hasEmissive: folder.has(.emissive),
            origin: options.origin,
            normalSpace: options.normalSpace ?? cameras?.normalSpace ?? .world,
            depth: .linear(metresPerUnit: scale, far: options.far ?? .infinity))
        numbers = folder.numbers.prefix(max(1, options.frameLimit ?? .max))
        let bytes = decodedByteCount
        guard bytes <= options.byteLimit else {
            throw .tooLarge(folder: trimmed, byteCount: bytes, limit: options.byteLimit)
        }
    }

    package var frameCount: Int { numbers.count }

    /// What the decoded clip takes.
    package var decodedByteCount: Int {
        let reference = folder.has(.finalImage) ? size.pixelCount * 3 : 0
        return numbers.count * (layout.byteCount + reference)
    }

    /// - Parameter progress: called after each frame with how many are done.
    package func read(progress: (Int) -> Void = { _ in }) throws(ClipError) -> Clip {
        var frames: [Clip.Frame] = []
        frames.reserveCapacity(numbers.count)
        for number in numbers {
            frames.append(try readFrame(number))
            progress(frames.count)
        }
        let name = folder.path.split(separator: "/").last.map(String.init) ?? folder.path
        return Clip(
            name: name, layout: layout, frames: frames, framesPerSecond: cameras?.framesPerSecond)
    }

    private func readFrame(_ number: Int) throws(ClipError) -> Clip.Frame {
        var payload: [UInt8] = []
        payload.reserveCapacity(layout.byteCount)
        payload += try color(.baseColor, number)
        payload += try color(.normals, number)
        payload += try depth(number)
        payload += try grey(.roughness, number)
        if folder.has(.metallic) { payload += try grey(.metallic, number) }
        if folder.has(.emissive) { payload += try color(.emissive, number) }

        var camera: Camera?
        if let cameras {
            camera = cameras.cameras[number]
            // A file with encodings alone is fine; one that stops early is not.
            if camera == nil && !cameras.cameras.isEmpty {
                throw .missingCamera(path: cameras.path, frame: number)
            }
        }
        var reference: PNGImage?
        if folder.has(.finalImage) {
            reference = PNGImage(size: size, channels: 3, bytes: try color(.finalImage, number))
        }
        return Clip.Frame(
            number: number, payload: payload, camera: camera, reference: reference)
    }

    // MARK: Planes

    private func image(
        _ channel: ClipFolder.Channel, _ number: Int
    ) throws(ClipError) -> (PNGImage, path: String) {
        let path = try folder.file(channel, number)
        let image = try PNGImage(readingFrom: path)
        guard image.size == size else {
            throw .size(path: path, found: image.size, expected: size)
        }
        return (image, path)
    }

    /// 8-bit RGB; an alpha channel is left out.
    private func color(
        _ channel: ClipFolder.Channel, _ number: Int
    ) throws(ClipError) -> [UInt8] {
        let (image, path) = try image(channel, number)
        guard image.bitDepth == 8, image.channels >= 3 else {
            throw .pixels(path: path, found: image.pixelDescription, wanted: "8-bit RGB")
        }
        return image.channels == 3 ? image.bytes : image.channel(0..<3)
    }

    /// 16 bit, lowest byte first. 8-bit depth is widened without a change of its numbers.
    private func depth(_ number: Int) throws(ClipError) -> [UInt8] {
        let (image, path) = try image(.depth, number)
        guard let grey = image.greySamples else {
            throw .pixels(path: path, found: image.pixelDescription, wanted: "16-bit grey")
        }
        if image.bitDepth == 16 { return grey }
        var widened = [UInt8](repeating: 0, count: grey.count * 2)
        for index in grey.indices { widened[index * 2] = grey[index] }
        return widened
    }

    private func grey(
        _ channel: ClipFolder.Channel, _ number: Int
    ) throws(ClipError) -> [UInt8] {
        let (image, path) = try image(channel, number)
        guard image.bitDepth == 8, let grey = image.greySamples else {
            throw .pixels(path: path, found: image.pixelDescription, wanted: "8-bit grey")
        }
        return grey
    }

    private static func layout(
        size: FrameSize, hasMetallic: Bool, hasEmissive: Bool, origin: RowOrigin,
        normalSpace: NormalSpace, depth: DepthEncoding
    ) -> GBufferLayout {
        var formats: [(kind: PlaneKind, format: PixelFormat)] = [
            (.baseColor, .rgb8sRGB), (.normals, .rgb8UNorm), (.depth, .r16), (.roughness, .r8),
        ]
        if hasMetallic { formats.append((.metallic, .r8)) }
        // The last, so that a layout without it is the start of the same payload.
        if hasEmissive { formats.append((.emissive, .rgb8sRGB)) }
        return GBufferLayout(
            packed: formats, size: size, origin: origin, normalSpace: normalSpace, depth: depth)
    }
}

extension PNGImage {
    /// RGB of an RGBA picture; other pictures as they are.
    package var withoutAlpha: PNGImage {
        guard channels == 4 else { return self }
        return PNGImage(size: size, channels: 3, bitDepth: bitDepth, bytes: channel(0..<3))
    }

    /// Some of the channels of every pixel.
    fileprivate func channel(_ wanted: Range<Int>) -> [UInt8] {
        let sampleBytes = bitDepth / 8
        let range = wanted.lowerBound * sampleBytes..<wanted.upperBound * sampleBytes
        let stride = channels * sampleBytes
        var result: [UInt8] = []
        result.reserveCapacity(size.pixelCount * range.count)
        for start in Swift.stride(from: 0, to: bytes.count, by: stride) {
            result += bytes[start + range.lowerBound..<start + range.upperBound]
        }
        return result
    }

    /// One sample a pixel: of a grey picture, or of an RGB one that is grey in every pixel (as some
    /// tools write single planes). nil for anything else.
    fileprivate var greySamples: [UInt8]? {
        if channels == 1 { return bytes }
        let first = channel(0..<1)
        if channels >= 3 {
            guard first == channel(1..<2), first == channel(2..<3) else { return nil }
        }
        return first
    }
}
