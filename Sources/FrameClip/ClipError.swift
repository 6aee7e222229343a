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
    /// A clip that docs/clips.md refuses; the sentence is the training tools' too.
    case wrong(path: String, sentence: String)
    case tooLarge(folder: String, byteCount: Int, limit: Int)
}

extension ClipError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
        case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
        case .exists(let path): "\(path) exists already and is not written over"
        case .broken(let path, let reason): "\(path) is not a whole PNG file: \(reason)"
        case .wrong(let path, let sentence): "\(path): \(sentence)"
        case .tooLarge(let folder, let byteCount, let limit):
            "\(folder) takes \(byteCount >> 20) MiB decoded, more than the \(limit >> 20) MiB "
                + "allowed; play part of it with --frames"
        }
    }
}
