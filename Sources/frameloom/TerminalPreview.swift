// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameClip
import FrameTypes
import Glibc

/// Pictures in the terminal, each drawn over the last one, as the terminal shows them best.
final class TerminalPreview {
    private let interval: UInt64 = 66_000_000
    private let isBottomUp: Bool
    private let graphics: TerminalGraphics
    private var lastDrawn: UInt64 = 0
    private var drawnLines = 0

    /// - Parameter graphics: nil: what the terminal says that it has.
    init(origin: RowOrigin, graphics: TerminalGraphics? = nil) {
        isBottomUp = origin == .bottomLeft
        self.graphics = graphics ?? .ofThisTerminal
    }

    /// At most 15 pictures a second: a terminal is slower than the daemon.
    func show(_ size: FrameSize, _ rgba: [UInt8]) {
        let time = now()
        guard time - lastDrawn >= interval else { return }
        lastDrawn = time
        let place = Place(for: size, graphics)
        let picture = PNGImage(size: size, channels: 4, bytes: rgba)
            .averaged(to: place.pixels, isBottomUp: isBottomUp)
        // Lines are made once; then the cursor goes back to the first of them.
        let lines = max(drawnLines, place.lines)
        var text = "\r"
        if drawnLines < lines {
            text += String(repeating: "\u{1B}[K\n", count: lines - drawnLines)
        }
        text += "\u{1B}[\(lines)A"
        switch graphics {
        case .kitty: text += Self.kitty(picture, place)
        case .sixel: text += "\u{1B}7" + Sixel.text(of: picture) + "\u{1B}8"
        case .blocks: text += Self.blocks(picture)
        }
        if graphics != .blocks { text += "\u{1B}[\(lines)B" }
        if graphics == .blocks, lines > place.lines { text += "\u{1B}[\(lines - place.lines)B" }
        write(text + "\r", to: STDERR_FILENO)
        drawnLines = lines
    }

    /// Two pixels a character; the cursor ends in the line below.
    static func blocks(_ picture: PNGImage) -> String {
        func color(_ x: Int, _ y: Int) -> String {
            let at = (y * picture.size.width + x) * 3
            return "\(picture.bytes[at]);\(picture.bytes[at + 1]);\(picture.bytes[at + 2])"
        }
        var text = ""
        for top in stride(from: 0, to: picture.size.height, by: 2) {
            for x in 0..<picture.size.width {
                text += "\u{1B}[38;2;\(color(x, top));48;2;\(color(x, top + 1))m▀"
            }
            text += "\u{1B}[0m\u{1B}[K\n"
        }
        return text
    }

    /// Picture 1 of this terminal, anew; the cursor stays. Its parts have 4096 bytes at most.
    static func kitty(_ picture: PNGImage, _ place: Place) -> String {
        let data = Array(Data(picture.bytes).base64EncodedString().utf8)
        var text = ""
        for start in stride(from: 0, to: data.count, by: 4096) {
            let end = min(start + 4096, data.count)
            let more = "m=\(end < data.count ? 1 : 0)"
            let keys =
                start == 0
                ? "a=T,f=24,s=\(picture.size.width),v=\(picture.size.height),c=\(place.columns),"
                    + "r=\(place.lines),i=1,p=1,C=1,q=2,\(more)" : "q=2,\(more)"
            text += "\u{1B}_G\(keys);\(String(decoding: data[start..<end], as: UTF8.self))\u{1B}\\"
        }
        return text
    }

    /// Where a picture goes: as large as the terminal allows and no larger than it is.
    struct Place: Equatable {
        var pixels: FrameSize
        var columns: Int
        var lines: Int

        /// - Parameter window: the terminal's, zeros where it does not say.
        init(for size: FrameSize, _ graphics: TerminalGraphics, window: winsize = Self.window) {
            let columns = window.ws_col > 0 ? Int(window.ws_col) : 80
            // A line stays free below.
            let lines = max(1, (window.ws_row > 2 ? Int(window.ws_row) : 24) - 2)
            var cell = FrameSize(width: 1, height: 2)
            if graphics != .blocks {
                cell = FrameSize(width: 8, height: 16)
                if window.ws_xpixel > 0, window.ws_ypixel > 0, window.ws_row > 0 {
                    cell = FrameSize(
                        width: max(1, Int(window.ws_xpixel) / columns),
                        height: max(1, Int(window.ws_ypixel) / Int(window.ws_row)))
                }
            }
            let scale = min(
                1, Double(columns * cell.width) / Double(size.width),
                Double(lines * cell.height) / Double(size.height))
            pixels = FrameSize(
                width: max(1, Int(Double(size.width) * scale)),
                height: max(2, Int(Double(size.height) * scale) / 2 * 2))
            self.columns = (pixels.width + cell.width - 1) / cell.width
            self.lines = (pixels.height + cell.height - 1) / cell.height
        }

        private static var window: winsize {
            var window = winsize()
            // Fills in `window`, a local that outlives the call; zeros stay where it fails.
            _ = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &window)
            return window
        }
    }
}
