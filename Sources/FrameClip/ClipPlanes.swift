// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Files of planes as the bytes that a clip holds. Read by content, not by name; every bit is kept,
/// and what does not fit is refused with the file's name and what was found.
struct ClipPlanes {
    var size: FrameSize
    var stated: CameraFile.Statements

    static func file(_ path: String) throws(ClipError) -> PictureFile {
        let bytes = try ClipFiles.read(path)
        do {
            return try PictureFile(bytes)
        } catch {
            throw .wrong(path: path, sentence: error.sentence)
        }
    }

    /// RGB8 sRGB.
    func color(
        _ path: String, _ stated: ColorStatement.Curve?, key: String
    ) throws(ClipError) -> [UInt8] {
        let file = try sized(path)
        let curve = try curve(of: file.header.color, path, stated, key: key)
        let image = try decoded(file, path)
        guard let table = curve.table(top: image.bitDepth == 8 ? 255 : 65535) else {
            return image.eightBit.rgb
        }
        let bytes =
            image.bitDepth == 8
            ? image.bytes.map { table[Int($0)] } : image.samples16.map { table[Int($0)] }
        return PNGImage(size: size, channels: image.channels, bytes: bytes).rgb
    }

    /// RGB8 in the axes of right-handed +Y up.
    func normals(_ path: String) throws(ClipError) -> [UInt8] {
        let file = try sized(path)
        guard file.header.channels >= 3 else {
            throw .wrong(
                path: path, sentence: "holds \(file.header.pixels); normals have three channels")
        }
        let bytes = try decoded(file, path).eightBit.rgb
        return stated.normalAxes?.turned(bytes) ?? bytes
    }

    func roughness(_ path: String) throws(ClipError) -> [UInt8] {
        let bytes = try grey(path, "Roughness")
        return stated.isSmoothness ? bytes.map { 255 - $0 } : bytes
    }

    /// R8.
    func grey(_ path: String, _ plane: String) throws(ClipError) -> [UInt8] {
        try oneChannel(decoded(sized(path), path), path, plane).eightBit.bytes
    }

    /// Values as stored, sky as 0.
    /// - Returns: also what the largest value of the file's depth of bits is.
    func depth(_ path: String) throws(ClipError) -> (values: [UInt16], top: Int) {
        let file = try sized(path)
        let header = file.header
        guard header.kind == .png else {
            throw .wrong(
                path: path,
                sentence: "is a JPEG file, which changes depth; PNG of 8 or 16 bits is read")
        }
        guard !header.isPalette, header.bits >= 8 else {
            throw .wrong(
                path: path,
                sentence: "holds \(header.pixels); depth is grey of 8 or 16 bits")
        }
        let image = try oneChannel(decoded(file, path), path, "Depth")
        var values = image.bitDepth == 16 ? image.samples16 : image.bytes.map(UInt16.init)
        if let sky = stated.depthSky {
            for index in values.indices where Int(values[index]) == sky { values[index] = 0 }
        }
        return (values, image.bitDepth == 16 ? 65535 : 255)
    }

    // MARK: Steps

    /// The size is compared before anything is unpacked.
    private func sized(_ path: String) throws(ClipError) -> PictureFile {
        let file = try Self.file(path)
        guard file.header.size == size else {
            throw .wrong(
                path: path, sentence: "is \(file.header.size) pixels, the clip has \(size)")
        }
        return file
    }

    private func decoded(_ file: PictureFile, _ path: String) throws(ClipError) -> PNGImage {
        do {
            return try file.decoded()
        } catch {
            throw .wrong(path: path, sentence: error.sentence)
        }
    }

    private func curve(
        of color: ColorStatement, _ path: String, _ stated: ColorStatement.Curve?, key: String
    ) throws(ClipError) -> ColorStatement.Curve {
        if let refusal = color.refusal { throw .wrong(path: path, sentence: refusal) }
        guard let found = color.curve, let stated else { return stated ?? color.curve ?? .sRGB }
        guard found == stated else {
            throw .wrong(
                path: path,
                sentence: "\(color.by) says \(found.description), camera.json says "
                    + "\(stated.description) (encodings.\(key)): one is wrong")
        }
        return stated
    }

    private func oneChannel(
        _ image: PNGImage, _ path: String, _ plane: String
    ) throws(ClipError) -> PNGImage {
        guard image.channels > 1 else { return image }
        let first = image.channel(0..<1)
        if image.channels >= 3 {
            guard first == image.channel(1..<2), first == image.channel(2..<3) else {
                throw .wrong(
                    path: path,
                    sentence: "holds RGB whose channels differ; \(plane) is one channel, write it "
                        + "as grey")
            }
        }
        return PNGImage(size: size, channels: 1, bitDepth: image.bitDepth, bytes: first)
    }
}

/// Depth that is not planar, as planar metres.
struct StoredDepth {
    var kind: DepthKind
    /// The largest value of the file's depth of bits.
    var top: Int
    var camera: CameraFile.Frame
    var size: FrameSize
    var origin: RowOrigin
    var metresPerUnit: Float

    /// - Parameter index: of the pixel, rows in the order of the file.
    /// - Returns: 0 for the sky.
    func metres(_ value: UInt16, at index: Int) -> Float {
        guard value > 0 else { return 0 }
        let lens = camera.camera
        if kind == .reversed {
            let conversion = DepthConversion(
                .deviceReversed(near: lens.near, far: lens.far > 0 ? lens.far : .infinity))
            return conversion.metres(Float(value) / Float(top))
        }
        let distance = Float(value) * metresPerUnit
        guard kind == .distance else { return distance }
        let row = index / size.width
        let fromTop = origin == .topLeft ? row : size.height - 1 - row
        let x = (Double(index % size.width) + 0.5 - (lens.cx - camera.jitter.x)) / lens.fx
        let y = (Double(fromTop) + 0.5 - (lens.cy - camera.jitter.y)) / lens.fy
        return Float(Double(distance) / (x * x + y * y + 1).squareRoot())
    }
}

extension PNGImage {
    /// RGB of an RGBA picture; other pictures as they are.
    package var withoutAlpha: PNGImage {
        guard channels == 4 else { return self }
        return PNGImage(size: size, channels: 3, bitDepth: bitDepth, bytes: channel(0..<3))
    }

    /// Three channels, grey as equal ones; alpha is left out.
    fileprivate var rgb: [UInt8] {
        if channels == 3 { return bytes }
        if channels == 4 { return channel(0..<3) }
        return channel(0..<1).flatMap { [$0, $0, $0] }
    }

    /// 16-bit samples rounded to 8 bits.
    fileprivate var eightBit: PNGImage {
        guard bitDepth == 16 else { return self }
        return PNGImage(
            size: size, channels: channels,
            bytes: samples16.map { UInt8((UInt32($0) * 255 + 32767) / 65535) })
    }

    fileprivate var samples16: [UInt16] {
        stride(from: 0, to: bytes.count, by: 2).map {
            UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
        }
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
}
