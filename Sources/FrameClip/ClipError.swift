// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// Why a clip cannot be read or a picture not be written. Each case names the file.
package enum ClipError: Error, Equatable {
    case unreadable(path: String, reason: String)
    case unwritable(path: String, reason: String)
    /// An existing file is never written over.
    case exists(path: String)
    /// No PNG, or a PNG that is truncated or damaged.
    case broken(path: String, reason: String)
    case missingChannel(folder: String)
    /// A folder of the clip without pictures. `other` is a file in it that is none.
    case emptyChannel(folder: String, other: String?)
    /// Another plane has this frame, or the frames before and after it are there.
    case missingFile(path: String)
    case sameNumber(path: String, other: String)
    case size(path: String, found: FrameSize, expected: FrameSize)
    case pixels(path: String, found: String, wanted: String)
    case camera(path: String, reason: String)
    case missingCamera(path: String, frame: Int)
    case unknownDepthScale(path: String)
    case tooLarge(folder: String, byteCount: Int, limit: Int)
}

extension ClipError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .exists(let path): "\(path) exists already and is not written over"
        case .broken(let path, let reason): "\(path) is not a whole PNG file: \(reason)"
        case .missingChannel(let folder):
            "the clip has no folder \(folder); BaseColor, Normals, Depth and Roughness are "
                + "needed, Metallic and FinalImage are optional"
        case .emptyChannel(let folder, let other):
            if let other {
                "\(folder) holds no PNG pictures named like BaseColor_0000.png "
                    + "(found \(other))"
            } else {
                "\(folder) is empty"
            }
        case .missingFile(let path): "\(path) is missing"
        case .sameNumber(let path, let other):
            "\(path) has the same frame number as \(other)"
        case .size(let path, let found, let expected):
            "\(path) is \(found) pixels, the frames before it are \(expected)"
        case .pixels(let path, let found, let wanted):
            "\(path) holds \(found); this plane is \(wanted)"
        case .camera(let path, let reason): "\(path): \(reason)"
        case .missingCamera(let path, let frame): "\(path) has no camera for frame \(frame)"
        case .unknownDepthScale(let path):
            "the unit of \(path) is not known: state it with --depth-metres-per-unit (for "
                + "example 0.0025 where 400 units are one metre), or in camera.json as "
                + "encodings.depth.unitsPerMetre"
        case .tooLarge(let folder, let byteCount, let limit):
            "\(folder) takes \(byteCount >> 20) MiB decoded, more than the \(limit >> 20) MiB "
                + "allowed; play part of it with --frames"
        }
    }
}
