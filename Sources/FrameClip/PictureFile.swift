// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CJPEGFile
import FrameTypes

/// What is wrong with a picture's file, as a sentence without the file's name. The same words as in
/// `training/picture_file.py`: a clip is refused alike by both readers (docs/clips.md).
struct PictureFault: Error, Equatable {
    var sentence: String

    init(_ sentence: String) { self.sentence = sentence }
}

/// What a picture's file says before its pixels.
struct PictureHeader {
    enum Kind {
        case png, jpeg
    }

    var kind: Kind
    var width, height: Int
    /// 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    var channels: Int
    /// As stored: 1, 2, 4, 8 or 16.
    var bits: Int
    var isPalette = false
    var color = ColorStatement()

    var size: FrameSize { FrameSize(width: width, height: height) }

    /// As sentences say it: "16-bit grey".
    var pixels: String {
        let names = ["grey", "grey with alpha", "RGB", "RGBA"]
        return "\(bits)-bit \(isPalette ? "palette" : names[channels - 1])"
    }
}

/// A PNG or JPEG file, told by its content.
struct PictureFile {
    static let maxSide = 16384

    let header: PictureHeader
    private let bytes: [UInt8]

    /// Looks at the file without unpacking its pixels.
    init(_ bytes: [UInt8]) throws(PictureFault) {
        self.bytes = bytes
        guard !bytes.isEmpty else { throw PictureFault("is empty") }
        if bytes.starts(with: PNGChunks.signature) {
            header = try PNGChunks(bytes).header()
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            header = try JPEGHeader.read(bytes)
        } else {
            throw PictureFault(Self.foreignSentence(bytes))
        }
        guard max(header.width, header.height) <= Self.maxSide else {
            throw PictureFault(
                "is \(header.size) pixels; a side has at most \(Self.maxSide)")
        }
    }

    /// Samples as stored; less than 8 bits are spread over 0 to 255.
    func decoded() throws(PictureFault) -> PNGImage {
        switch header.kind {
        case .png:
            let broken = PictureFault("is no whole PNG file: its pixels cannot be unpacked")
            guard var image = try? PNGImage(decoding: bytes, path: "") else { throw broken }
            // A palette with transparency comes with alpha.
            if header.isPalette { image = image.withoutAlpha }
            guard image.channels == header.channels else { throw broken }
            return image
        case .jpeg:
            var pixels = [UInt8](repeating: 0, count: header.size.pixelCount * header.channels)
            // Both arrays outlive the call; `pixels` has the size that is passed, which the file
            // must have.
            let status = unsafe jf_read(
                &pixels, UInt32(header.width), UInt32(header.height), UInt32(header.channels),
                bytes, bytes.count)
            guard status == 0 else { throw PictureFault("is no whole JPEG file") }
            return PNGImage(size: header.size, channels: header.channels, bytes: pixels)
        }
    }

    private static func foreignSentence(_ bytes: [UInt8]) -> String {
        let known: [([UInt8], String)] = [
            ([0x76, 0x2F, 0x31, 0x01], "an OpenEXR file"),
            (Array("II*\0".utf8), "a TIFF file"), (Array("MM\0*".utf8), "a TIFF file"),
            (Array("GIF8".utf8), "a GIF file"), (Array("BM".utf8), "a BMP file"),
            (Array("#?RADIANCE".utf8), "a Radiance HDR file"), (Array("DDS ".utf8), "a DDS file"),
            ([0x93] + Array("NUMPY".utf8), "a NumPy file"),
            (Array("version https://git-lfs".utf8), "a Git LFS pointer, not the file itself"),
        ]
        if let name = known.first(where: { bytes.starts(with: $0.0) })?.1 {
            return "is \(name); PNG and JPEG are read"
        }
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            return "is a WebP file; PNG and JPEG are read"
        }
        return "is neither a PNG nor a JPEG file"
    }
}

/// The markers of a JPEG file up to the one that states its size.
enum JPEGHeader {
    static func read(_ file: [UInt8]) throws(PictureFault) -> PictureHeader {
        let broken = PictureFault("is no whole JPEG file")
        var at = 2
        var profile: [UInt8: ArraySlice<UInt8>] = [:]
        while at + 4 <= file.count {
            guard file[at] == 0xFF else { throw broken }
            let marker = file[at + 1]
            if marker == 0xFF {
                at += 1
                continue
            }
            let length = file.bigEndian16(at: at + 2)
            let end = at + 2 + length
            guard marker != 1, !(0xD0...0xDA).contains(marker), length >= 2, end <= file.count
            else { throw broken }
            let data = file[at + 4..<end]
            if marker == 0xE2, data.starts(with: "ICC_PROFILE\0".utf8), data.count > 14 {
                profile[data[data.startIndex + 12]] = data.dropFirst(14)
            }
            if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                return try header(
                    data, profile: profile.sorted { $0.key < $1.key }.flatMap(\.value))
            }
            at = end
        }
        throw broken
    }

    private static func header(
        _ data: ArraySlice<UInt8>, profile: [UInt8]
    ) throws(PictureFault) -> PictureHeader {
        let at = data.startIndex
        guard data.count >= 6 else { throw PictureFault("is no whole JPEG file") }
        let bits = data[at]
        guard bits == 8 else {
            throw PictureFault("is a JPEG file of \(bits) bits; 8 are read")
        }
        let (height, width) = (data.bigEndian16(at: at + 1), data.bigEndian16(at: at + 3))
        guard width > 0, height > 0 else { throw PictureFault("is no whole JPEG file") }
        let channels = Int(data[at + 5])
        guard channels == 1 || channels == 3 else {
            throw PictureFault("is a JPEG file of \(channels) channels; grey and RGB are read")
        }
        return PictureHeader(
            kind: .jpeg, width: width, height: height, channels: channels, bits: 8,
            color: profile.isEmpty ? ColorStatement() : ColorProfile(profile).statement)
    }
}
