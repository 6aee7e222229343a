// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FoundationEssentials

/// `planes.json` of a model's folder: what the planes of its training looked like, written by
/// `training/doctor.py palette`. A model may have none.
package enum PaletteFile {
    package static let name = "planes.json"
    package static let format = "frameloom-planes-1"
    /// Of the file; the real ones have 8 kB.
    package static let byteLimit = 1 << 18

    package enum Problem: Error, Equatable, CustomStringConvertible {
        case unreadable(path: String, reason: String)

        package var description: String {
            switch self {
            case .unreadable(let path, let reason): "cannot use \(path): \(reason)"
            }
        }
    }

    /// - Returns: nil if there is no such file.
    package static func read(_ path: String) throws(Problem) -> Palette? {
        guard FileBytes.exists(path) else { return nil }
        let bytes: [UInt8]
        do {
            bytes = try FileBytes.read(path, limit: byteLimit)
        } catch {
            throw .unreadable(path: path, reason: error.reason)
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(bytes))
        } catch {
            throw .unreadable(path: path, reason: "it is not the JSON expected (\(error))")
        }
        guard document.format == format, document.colorLevels == Palette.colorLevels,
            document.roughnessLevels == Palette.roughnessLevels
        else {
            throw .unreadable(
                path: path,
                reason: "it is not in format \(format) with \(Palette.colorLevels) levels of color "
                    + "and \(Palette.roughnessLevels) of roughness")
        }
        guard let palette = Palette(shares: document.shares, typicalScore: document.typicalScore)
        else {
            throw .unreadable(
                path: path, reason: "shares are not \(Palette.shareCount) numbers from 0 to 1")
        }
        return palette
    }

    private struct Document: Decodable {
        var format: String
        var colorLevels, roughnessLevels: Int
        var typicalScore: Float
        var shares: [Float]
    }
}
