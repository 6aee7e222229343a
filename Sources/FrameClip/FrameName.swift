// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What the name of a plane's file says: the frame's number before the ending, whatever stands before
/// it. The same rule as `frame_number` of `training/clip.py`.
struct FrameName {
    var number: Int
    var isPNG: Bool

    /// Endings of pictures that are not read.
    static let foreignEndings: Set<String> = [
        "exr", "hdr", "tif", "tiff", "tga", "bmp", "webp", "dds", "npy", "pfm", "gif",
    ]

    /// - Returns: nil for a hidden file, another ending, or no number of 1 to 9 digits.
    init?(_ name: String) {
        let ending = Self.ending(of: name)
        guard !name.hasPrefix("."), ["png", "jpg", "jpeg"].contains(ending) else { return nil }
        let stem = Array(name.utf8.dropLast(ending.utf8.count + 1))
        let digits = stem.reversed().prefix(while: Self.isDigit).reversed()
        guard (1...9).contains(digits.count),
            let magnitude = Int(String(decoding: digits, as: UTF8.self))
        else { return nil }
        let before = stem.dropLast(digits.count)
        var isNegative = false
        if before.last == UInt8(ascii: "-") {
            // A minus after a letter or digit is a dash between words.
            isNegative = before.dropLast().last.map { !Self.isWord($0) } ?? true
        }
        number = isNegative ? -magnitude : magnitude
        isPNG = ending == "png"
    }

    static func ending(of name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return name[name.index(after: dot)...].lowercased()
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isWord(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
