// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CPNGFile
import Glibc

/// What a picture's file says about its colors: sRGB, a power of light with sRGB's primaries (so also
/// linear), something else, or nothing. The same rules as in `training/color_statement.py`.
struct ColorStatement: Equatable {
    enum Curve: Equatable {
        case sRGB
        /// Samples are light to this power; 1 is linear.
        case power(Double)

        var description: String {
            switch self {
            case .sRGB: "sRGB"
            case .power(1): "linear"
            case .power(let gamma): "gamma \(fixed(gamma, digits: 5))"
            }
        }
    }

    /// nil where nothing is said.
    var curve: Curve?
    /// What says so: "its gAMA chunk".
    var by = ""
    /// Why the colors cannot be read.
    var refusal: String?

    init(curve: Curve? = nil, by: String = "", refusal: String? = nil) {
        self.curve = curve
        self.by = by
        self.refusal = refusal
    }

    /// In the order of the PNG specification: cICP, iCCP, sRGB, then gAMA with cHRM.
    init(of chunks: PNGChunks) {
        if let points = chunks.early("cICP") {
            self.init(codePoints: Array(points))
        } else if let packed = chunks.early("iCCP") {
            self = ColorProfile.packed(Array(packed))
        } else if chunks.early("sRGB") != nil {
            self.init(curve: .sRGB, by: "its sRGB chunk")
        } else {
            self.init(gamma: chunks.early("gAMA"), chromaticities: chunks.early("cHRM"))
        }
    }

    private init(codePoints points: [UInt8]) {
        let by = "its cICP chunk"
        if points == [1, 13, 0, 1] {
            self.init(curve: .sRGB, by: by)
        } else if points == [1, 8, 0, 1] {
            self.init(curve: .power(1), by: by)
        } else {
            let numbers = points.prefix(4).map(String.init).joined(separator: ", ")
            self.init(
                by: by,
                refusal: "\(by) says \(numbers); sRGB (1, 13, 0, 1) and linear (1, 8, 0, 1) are "
                    + "read")
        }
    }

    private init(gamma: ArraySlice<UInt8>?, chromaticities: ArraySlice<UInt8>?) {
        let sRGB = [0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06]
        if let chromaticities, chromaticities.count == 32 {
            for (index, expected) in sRGB.enumerated() {
                let at = chromaticities.startIndex + 4 * index
                let found = Double(chromaticities.bigEndian32(at: at)) / 100000
                guard abs(found - expected) > 0.005 else { continue }
                self.init(
                    by: "its cHRM chunk",
                    refusal: "its cHRM chunk says other primaries than sRGB's; convert it to sRGB")
                return
            }
        }
        guard let gamma, gamma.count == 4 else {
            self.init()
            return
        }
        let stated = gamma.bigEndian32(at: gamma.startIndex)
        guard (10000...500000).contains(stated) else {
            self.init(
                by: "its gAMA chunk",
                refusal: "its gAMA chunk says \(stated); 10000 to 500000 are read")
            return
        }
        let value = Double(stated) / 100000
        self.init(
            curve: abs(value - 0.45455) <= 0.02 ? .sRGB : .power(value), by: "its gAMA chunk")
    }
}

extension ColorStatement.Curve {
    /// 8-bit sRGB of every sample from 0 to `top`.
    func table(top: Int) -> [UInt8]? {
        guard case .power(let gamma) = self else { return nil }
        return (0...top).map { sample in
            let value = Double(sample) / Double(top)
            return Self.srgbByte(linear: gamma == 1 ? value : pow(value, 1 / gamma))
        }
    }

    /// Linear light, 1 the brightest that a picture shows; what is beyond, or no number, is cut off.
    static func srgbByte(linear light: Double) -> UInt8 {
        let curved = light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055
        return UInt8(max(0, min(255, curved * 255 + 0.5)))
    }
}

/// With so many digits behind the point, rounded.
private func fixed(_ value: Double, digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let whole = Int((value * scale).rounded())
    let rest = String(whole % Int(scale))
    return "\(whole / Int(scale))." + String(repeating: "0", count: digits - rest.count) + rest
}
