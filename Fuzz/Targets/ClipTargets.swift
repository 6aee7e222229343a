// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

@testable import FrameClip

/// Files of a clip folder.
enum ClipTargets {
    /// Pixels that an input may claim: decoding takes its time, and the header is what is tried here.
    private static let pixelLimit = 1 << 18

    /// A PNG or JPEG plane, as the clip reader takes it, and PNG alone, as pictures are read.
    static func picture(_ input: [UInt8]) {
        if let file = try? PictureFile(input), file.header.size.pixelCount <= pixelLimit {
            _ = try? file.decoded()
        }
        if let size = try? PNGImage.size(of: input, path: "input"), size.pixelCount <= pixelLimit {
            _ = try? PNGImage(decoding: input, path: "input")
        }
    }

    static func camera(_ input: [UInt8]) {
        guard let document = try? ClipJSON.document(input) else { return }
        var file = CameraFile(path: "camera.json")
        try? file.take(document)
    }
}
