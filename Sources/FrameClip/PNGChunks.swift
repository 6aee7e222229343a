// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPNGFile

/// The chunks of a PNG file, each checked, so that a damaged file is named as such before anything is
/// unpacked.
struct PNGChunks {
    struct Chunk {
        var kind: String
        /// Into the file.
        var data: Range<Int>
    }

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    let chunks: [Chunk]
    private let file: [UInt8]

    /// - Parameter file: begins with the signature.
    init(_ file: [UInt8]) throws(PictureFault) {
        self.file = file
        var chunks: [Chunk] = []
        var at = 8
        while at + 12 <= file.count {
            let length = Int(file.bigEndian32(at: at))
            let end = at + 12 + length
            guard length <= 0x7FFF_FFFF, end <= file.count else { break }
            let kind = String(
                decoding: file[at + 4..<at + 8].map {
                    (33..<127).contains($0) ? $0 : UInt8(ascii: "?")
                }, as: UTF8.self)
            guard Self.checksum(of: file[at + 4..<end - 4]) == file.bigEndian32(at: end - 4) else {
                throw PictureFault("is no whole PNG file: the checksum of \(kind) is wrong")
            }
            chunks.append(Chunk(kind: kind, data: at + 8..<end - 4))
            at = end
            if kind == "IEND" {
                self.chunks = chunks
                return
            }
        }
        throw PictureFault("is no whole PNG file: it ends early")
    }

    /// The first chunk of this kind before the pixels.
    func early(_ kind: String) -> ArraySlice<UInt8>? {
        for chunk in chunks {
            if chunk.kind == "IDAT" { return nil }
            if chunk.kind == kind { return file[chunk.data] }
        }
        return nil
    }

    func header() throws(PictureFault) -> PictureHeader {
        let wrong = PictureFault("is no whole PNG file: its header is wrong")
        guard let first = chunks.first, first.kind == "IHDR", first.data.count == 13 else {
            throw wrong
        }
        let at = first.data.lowerBound
        let (width, height) = (Int(file.bigEndian32(at: at)), Int(file.bigEndian32(at: at + 4)))
        let (bits, color) = (Int(file[at + 8]), file[at + 9])
        guard width > 0, height > 0, Self.depths(of: color).contains(bits), file[at + 10] == 0,
            file[at + 11] == 0, file[at + 12] <= 1, chunks.contains(where: { $0.kind == "IDAT" })
        else { throw wrong }
        if color == 3 {
            let palettes = chunks.filter { $0.kind == "PLTE" }
            guard palettes.count == 1, !palettes[0].data.isEmpty,
                palettes[0].data.count.isMultiple(of: 3)
            else { throw wrong }
        }
        let channels = [0: 1, 2: 3, 3: 3, 4: 2, 6: 4][color] ?? 1
        return PictureHeader(
            kind: .png, width: width, height: height, channels: channels, bits: bits,
            isPalette: color == 3, color: ColorStatement(of: self))
    }

    private static func depths(of color: UInt8) -> [Int] {
        switch color {
        case 0: [1, 2, 4, 8, 16]
        case 3: [1, 2, 4, 8]
        case 2, 4, 6: [8, 16]
        default: []
        }
    }

    private static func checksum(of bytes: ArraySlice<UInt8>) -> UInt32 {
        // The slice is lent for the call.
        unsafe bytes.withUnsafeBufferPointer { unsafe pf_crc($0.baseAddress, $0.count) }
    }
}

extension RandomAccessCollection where Element == UInt8, Index == Int {
    /// - Precondition: four bytes are there.
    func bigEndian32(at index: Int) -> UInt32 {
        UInt32(self[index]) << 24 | UInt32(self[index + 1]) << 16 | UInt32(self[index + 2]) << 8
            | UInt32(self[index + 3])
    }

    /// - Precondition: two bytes are there.
    func bigEndian16(at index: Int) -> Int { Int(self[index]) << 8 | Int(self[index + 1]) }
}
