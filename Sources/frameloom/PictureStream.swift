// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FrameClip
import FrameTypes
import Glibc

/// Pictures on standard output, one after the other as they come, for another program to read.
final class PictureStream {
    enum Format: String, CaseIterable {
        /// YUV4MPEG2, 4:4:4, BT.601 limited range: what players take for it where nothing else is said.
        case y4m
        /// RGBA8 rows, nothing around them.
        case raw
    }

    private let size: FrameSize
    private let format: Format
    private let isBottomUp: Bool
    private var isStarted = false
    private var planes: [UInt8]
    private let framesPerSecond: Double

    /// - Parameter framesPerSecond: what the stream's header says; the pictures come as they come.
    init(size: FrameSize, origin: RowOrigin, framesPerSecond: Double, format: Format) {
        self.size = size
        self.format = format
        self.framesPerSecond = framesPerSecond
        isBottomUp = origin == .bottomLeft
        planes = [UInt8](repeating: 0, count: format == .y4m ? size.pixelCount * 3 : 0)
        // A reader that ends is an error of the write, which ends the run in order.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Blocks while the reader takes nothing.
    /// - Parameter rgba: packed rows in the origin of the clip.
    func write(_ rgba: [UInt8]) throws {
        switch format {
        case .raw:
            if isBottomUp {
                for row in (0..<size.height).reversed() {
                    try put(rgba[row * size.width * 4..<(row + 1) * size.width * 4])
                }
            } else {
                try put(rgba[...])
            }
        case .y4m:
            if !isStarted { try put(ArraySlice(header.utf8)) }
            convert(rgba)
            try put(ArraySlice("FRAME\n".utf8))
            try put(planes[...])
        }
        isStarted = true
    }

    private var header: String {
        let rate = Int((framesPerSecond * 1000).rounded())
        let whole = rate % 1000 == 0
        return "YUV4MPEG2 W\(size.width) H\(size.height) F\(whole ? rate / 1000 : rate):"
            + "\(whole ? 1 : 1000) Ip A1:1 C444 XCOLORRANGE=LIMITED\n"
    }

    /// BT.601 in 16-bit fixed point; each sum of coefficients is exact, so that white is 235 and gray
    /// has no color.
    private func convert(_ rgba: [UInt8]) {
        let count = size.pixelCount
        for row in 0..<size.height {
            let from = (isBottomUp ? size.height - 1 - row : row) * size.width
            for column in 0..<size.width {
                let at = (from + column) * 4
                let (r, g, b) = (Int(rgba[at]), Int(rgba[at + 1]), Int(rgba[at + 2]))
                let to = row * size.width + column
                planes[to] = UInt8(16 + (16829 * r + 33039 * g + 6416 * b + 32768) >> 16)
                planes[count + to] =
                    UInt8(128 + (-9714 * r - 19070 * g + 28784 * b + 32768) >> 16)
                planes[2 * count + to] =
                    UInt8(128 + (28784 * r - 24103 * g - 4681 * b + 32768) >> 16)
            }
        }
    }

    private func put(_ bytes: ArraySlice<UInt8>) throws {
        var left = bytes
        while !left.isEmpty {
            // The slice is a valid range for the whole call.
            let count = unsafe left.withUnsafeBytes { bytes in
                unsafe Glibc.write(STDOUT_FILENO, bytes.baseAddress, bytes.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw RunError.output(
                    errno == EPIPE
                        ? "the reader of standard output ended"
                        : "standard output: \(FileBytes.text(ofErrno: errno))")
            }
            left = left.dropFirst(count)
        }
    }
}
