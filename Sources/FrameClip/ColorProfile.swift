// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPNGFile
import Glibc

/// An ICC profile, judged by its primaries and curves, whatever its name is: sRGB's, linear with
/// sRGB's primaries, or neither.
struct ColorProfile {
    private let bytes: [UInt8]
    private static let maxByteCount = 4 << 20

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// From an iCCP chunk: a name, a zero, the method (0) and the packed profile.
    static func packed(_ chunk: [UInt8]) -> ColorStatement {
        guard let zero = chunk.firstIndex(of: 0), zero + 1 < chunk.count, chunk[zero + 1] == 0
        else { return notRead }
        let packed = Array(chunk[(zero + 2)...])
        // A profile packs to a twentieth at best; small chunks need no large memory.
        let room = min(maxByteCount, packed.count * 1100 + 1024)
        var profile = [UInt8](repeating: 0, count: room)
        // Arrays that outlive the call, with their own sizes.
        let count = unsafe pf_inflate(&profile, room, packed, packed.count)
        return ColorProfile(Array(profile.prefix(count))).statement
    }

    private static let notRead = ColorStatement(
        by: "its color profile",
        refusal: "its color profile is neither sRGB nor linear with sRGB's primaries; convert it "
            + "to sRGB")

    // Of red, green and blue, XYZ under D50.
    private static let colorants: [(String, [Double])] = [
        ("rXYZ", [0.43607, 0.22249, 0.01392]), ("gXYZ", [0.38515, 0.71687, 0.09708]),
        ("bXYZ", [0.14307, 0.06061, 0.71410]),
    ]

    var statement: ColorStatement {
        guard bytes.count >= 132, bytes[36..<40].elementsEqual("acsp".utf8),
            let tags = tags()
        else { return Self.notRead }
        var curves = ["kTRC"]
        if bytes[16..<20].elementsEqual("RGB ".utf8) {
            curves = ["rTRC", "gTRC", "bTRC"]
            for (name, expected) in Self.colorants {
                guard let tag = tags[name], tag.count >= 20, tag.starts(with: "XYZ ".utf8) else {
                    return Self.notRead
                }
                for (index, value) in expected.enumerated() {
                    let found = fixed(tag, at: 8 + 4 * index)
                    guard abs(found - value) <= 0.01 else { return Self.notRead }
                }
            }
        } else if !bytes[16..<20].elementsEqual("GRAY".utf8) {
            return Self.notRead
        }
        let kinds = curves.map { name in tags[name].flatMap(curve) }
        guard let first = kinds[0], kinds.allSatisfy({ $0 == first }) else { return Self.notRead }
        return ColorStatement(curve: first, by: "its color profile")
    }

    private func tags() -> [String: ArraySlice<UInt8>]? {
        var tags: [String: ArraySlice<UInt8>] = [:]
        for index in 0..<min(Int(bytes.bigEndian32(at: 128)), 100) {
            let at = 132 + 12 * index
            guard at + 12 <= bytes.count else { return nil }
            let name = String(decoding: bytes[at..<at + 4], as: UTF8.self)
            let start = Int(bytes.bigEndian32(at: at + 4))
            let end = start + Int(bytes.bigEndian32(at: at + 8))
            if end <= bytes.count, tags[name] == nil { tags[name] = bytes[start..<end] }
        }
        return tags
    }

    /// s15Fixed16 so many bytes into a tag.
    private func fixed(_ tag: ArraySlice<UInt8>, at offset: Int) -> Double {
        Double(Int32(bitPattern: tag.bigEndian32(at: tag.startIndex + offset))) / 65536
    }

    /// sRGB's curve or a straight line; nil for any other.
    private func curve(_ tag: ArraySlice<UInt8>) -> ColorStatement.Curve? {
        let points = [0.1, 0.25, 0.5, 0.75, 0.9]
        let values = points.compactMap { value(tag, $0) }
        guard values.count == points.count else { return nil }
        let differs = { (wanted: (Double) -> Double, limit: Double) in
            // Written so that NaN differs.
            zip(points, values).contains { !(abs($1 - wanted($0)) <= limit) }
        }
        if !differs({ $0 }, 0.001) { return .power(1) }
        return differs({ pow(($0 + 0.055) / 1.055, 2.4) }, 0.01) ? nil : .sRGB
    }

    private func value(_ tag: ArraySlice<UInt8>, _ x: Double) -> Double? {
        guard tag.count >= 12 else { return nil }
        let start = tag.startIndex
        if tag.starts(with: "curv".utf8) { return table(tag, x) }
        guard tag.starts(with: "para".utf8) else { return nil }
        let kind = tag.bigEndian16(at: start + 8)
        guard kind <= 4 else { return nil }
        let count = [1, 3, 4, 5, 7][kind]
        guard tag.count >= 12 + 4 * count else { return nil }
        var p = (0..<count).map { fixed(tag, at: 12 + 4 * $0) }
        p += [Double](repeating: 0, count: 7 - count)
        let (g, a, b, c, d, e, f) = (p[0], p[1], p[2], p[3], p[4], p[5], p[6])
        switch kind {
        case 0: return pow(x, g)
        case 1, 2: return a != 0 && x >= -b / a ? pow(a * x + b, g) + c : c
        default: return x >= d ? pow(a * x + b, g) + e : c * x + f
        }
    }

    private func table(_ tag: ArraySlice<UInt8>, _ x: Double) -> Double? {
        let start = tag.startIndex
        let count = Int(tag.bigEndian32(at: start + 8))
        if count == 0 { return x }
        guard count <= (tag.count - 12) / 2 else { return nil }
        if count == 1 { return pow(x, Double(tag.bigEndian16(at: start + 12)) / 256) }
        let at = x * Double(count - 1)
        let low = min(Int(at), count - 2)
        let a = Double(tag.bigEndian16(at: start + 12 + 2 * low))
        let b = Double(tag.bigEndian16(at: start + 14 + 2 * low))
        return (a + (b - a) * (at - Double(low))) / 65535
    }
}
