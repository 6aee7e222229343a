// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CTurboJPEG

/// RGBA8 pictures as JPEG, by libjpeg-turbo. Loop thread only.
final class PictureEncoder {
    private let quality: Int32
    private let handle: tjhandle?

    init(quality: Int) {
        self.quality = Int32(clamping: quality)
        handle = tjInitCompress()
    }

    deinit { if let handle { tjDestroy(handle) } }

    /// The most bytes that a picture of this size can take.
    static func maxByteCount(width: Int, height: Int) -> Int {
        Int(clamping: tjBufSize(Int32(clamping: width), Int32(clamping: height), TJSAMP_420.int))
    }

    /// - Parameters:
    ///   - pixels: `height` rows of `rowStride` bytes, RGBA8; alpha is left out.
    ///   - target: at least `maxByteCount` bytes.
    /// - Returns: bytes written; nil if libjpeg-turbo refuses.
    func encode(
        _ pixels: UnsafePointer<UInt8>, width: Int, height: Int, rowStride: Int,
        into target: UnsafeMutablePointer<UInt8>
    ) -> Int? {
        guard let handle else { return nil }
        var size = UInt(Self.maxByteCount(width: width, height: height))
        var place: UnsafeMutablePointer<UInt8>? = target
        // NOREALLOC: `place` stays `target`, whose size was stated.
        let status = tjCompress2(
            handle, pixels, Int32(clamping: width), Int32(clamping: rowStride),
            Int32(clamping: height), TJPF_RGBX.int, &place, &size, TJSAMP_420.int, quality,
            TJFLAG_NOREALLOC)
        return status == 0 ? Int(size) : nil
    }
}

extension TJSAMP {
    fileprivate var int: Int32 { Int32(rawValue) }
}

extension TJPF {
    fileprivate var int: Int32 { Int32(rawValue) }
}
