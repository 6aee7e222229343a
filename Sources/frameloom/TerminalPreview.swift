// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Glibc

/// Pictures in the terminal, two pixels a character, drawn over the last one.
final class TerminalPreview {
    private let interval: UInt64 = 66_000_000
    private let isBottomUp: Bool
    private var lastDrawn: UInt64 = 0
    private var drawnLines = 0

    init(origin: RowOrigin) { isBottomUp = origin == .bottomLeft }

    /// At most 15 pictures a second: a terminal is slower than the daemon.
    func show(_ size: FrameSize, _ rgba: [UInt8]) {
        let time = now()
        guard time - lastDrawn >= interval else { return }
        lastDrawn = time
        let picture = PNGImage(size: size, channels: 4, bytes: rgba)
            .averaged(to: Self.targetSize(for: size), isBottomUp: isBottomUp)
        var text = drawnLines > 0 ? "\r\u{1B}[\(drawnLines)A" : "\r\u{1B}[K"
        for top in stride(from: 0, to: picture.size.height, by: 2) {
            for x in 0..<picture.size.width {
                let upper = color(picture, x, top)
                let lower = color(picture, x, top + 1)
                text += "\u{1B}[38;2;\(upper);48;2;\(lower)m▀"
            }
            text += "\u{1B}[0m\u{1B}[K\n"
        }
        write(text, to: STDERR_FILENO)
        drawnLines = picture.size.height / 2
    }

    private func color(_ picture: PNGImage, _ x: Int, _ y: Int) -> String {
        let at = (y * picture.size.width + x) * 3
        return "\(picture.bytes[at]);\(picture.bytes[at + 1]);\(picture.bytes[at + 2])"
    }

    /// As large as the terminal allows, with an even number of rows and a line left below.
    private static func targetSize(for size: FrameSize) -> FrameSize {
        var window = winsize()
        // Fills in `window`, a local that outlives the call; zeros stay where it fails.
        _ = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &window)
        let columns = min(size.width, window.ws_col > 0 ? Int(window.ws_col) : 80)
        let rows = min(size.height, max(2, (window.ws_row > 2 ? Int(window.ws_row) : 24) * 2 - 4))
        let scale = min(
            Double(columns) / Double(size.width), Double(rows) / Double(size.height))
        return FrameSize(
            width: max(1, Int(Double(size.width) * scale)),
            height: max(2, Int(Double(size.height) * scale) / 2 * 2))
    }
}
