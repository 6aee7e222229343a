// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Foundation
import Glibc
import Testing

@testable import frameloom

@Suite struct TerminalPreviewTests {
    private func graphics(_ answer: String, _ environment: [String: String] = [:])
        -> TerminalGraphics
    {
        TerminalGraphics(answer: Array(answer.utf8), environment: environment)
    }

    @Test func graphicsAreWhatTheTerminalSays() {
        #expect(graphics("\u{1B}_Gi=31;OK\u{1B}\\\u{1B}[?62;c") == .kitty)
        #expect(graphics("\u{1B}[?62;4;22c") == .sixel)
        #expect(graphics("\u{1B}[?64;1;9;14;44c") == .blocks)
        // Not understood, and said so.
        #expect(graphics("\u{1B}_Gi=31;ENOSYS\u{1B}\\\u{1B}[?1;2c") == .blocks)
        #expect(graphics("") == .blocks)
        #expect(graphics("", ["TERM": "xterm-kitty"]) == .kitty)
        #expect(graphics("\u{1B}[?62;4c", ["TERM_PROGRAM": "WezTerm"]) == .kitty)
        #expect(graphics("", ["TERM": "yaft-256color-sixel"]) == .sixel)
    }

    private func window(_ columns: Int, _ rows: Int, _ x: Int = 0, _ y: Int = 0) -> winsize {
        winsize(
            ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: UInt16(x),
            ws_ypixel: UInt16(y))
    }

    @Test func fitsTheTerminalAndIsNoLargerThanItIs() {
        typealias Place = TerminalPreview.Place
        let size = FrameSize(width: 512, height: 512)
        // Two pixels a character, two lines left free.
        let blocks = Place(for: size, .blocks, window: window(100, 32))
        #expect(blocks.pixels == FrameSize(width: 60, height: 60) && blocks.lines == 30)
        let narrow = Place(for: size, .blocks, window: window(40, 200))
        #expect(narrow.pixels == FrameSize(width: 40, height: 40) && narrow.columns == 40)
        // Pixels as the terminal counts them.
        let sharp = Place(for: size, .kitty, window: window(200, 60, 2000, 1200))
        #expect(sharp.pixels == size && sharp.columns == 52 && sharp.lines == 26)
        let small = Place(for: size, .sixel, window: window(30, 60, 300, 1200))
        #expect(small.pixels == FrameSize(width: 300, height: 300) && small.columns <= 30)
        let unknown = Place(for: size, .sixel, window: winsize())
        #expect(unknown.columns <= 80 && unknown.lines <= 22)
    }

    private func picture(_ size: FrameSize) -> PNGImage {
        let bytes = (0..<size.pixelCount * 3).map { UInt8(truncatingIfNeeded: $0 * 37 % 251) }
        return PNGImage(size: size, channels: 3, bytes: bytes)
    }

    @Test func kittyGetsThePixelsInPartsOf4096Bytes() throws {
        let image = picture(FrameSize(width: 60, height: 40))
        let place = TerminalPreview.Place(
            for: image.size, .kitty, window: window(80, 24, 800, 480))
        let text = TerminalPreview.kitty(image, place)
        let parts = text.components(separatedBy: "\u{1B}_G").dropFirst().map {
            $0.replacingOccurrences(of: "\u{1B}\\", with: "").split(separator: ";", maxSplits: 1)
        }
        #expect(parts.count == 3 && parts.allSatisfy { $0.count == 2 && $0[1].count <= 4096 })
        let keys = try #require(parts.first?.first)
        #expect(keys.contains("a=T,f=24,s=60,v=40,c=6,r=2") && keys.hasSuffix("m=1"))
        #expect(parts.last?.first == "q=2,m=0")
        let data = Data(base64Encoded: parts.map { String($0[1]) }.joined())
        #expect(data.map { [UInt8]($0) } == image.bytes)
    }

    /// Draws as a terminal does.
    private func decodedSixels(_ text: String, _ size: FrameSize) throws -> [[Int]?] {
        var rest = try #require(
            text.components(separatedBy: "\"1;1;\(size.width);\(size.height)").last)[...]
        var palette: [Int: [Int]] = [:]
        var pixels = [[Int]?](repeating: nil, count: size.pixelCount)
        var (x, top, color) = (0, 0, 0)
        func number() -> Int {
            let digits = rest.prefix { $0.isNumber }
            rest = rest.dropFirst(digits.count)
            return Int(digits) ?? -1
        }
        while let first = rest.popFirst() {
            var count = 1
            var letter = first
            switch first {
            case "#":
                color = number()
                guard rest.first == ";" else { continue }
                var parts: [Int] = []
                while rest.first == ";" {
                    rest = rest.dropFirst()
                    parts.append(number())
                }
                palette[color] = Array(parts.dropFirst())
                continue
            case "$":
                x = 0
                continue
            case "-":
                (x, top) = (0, top + 6)
                continue
            case "\u{1B}": return pixels
            case "!":
                count = number()
                letter = rest.removeFirst()
            default: break
            }
            let bits = Int(letter.asciiValue ?? 63) - 63
            for _ in 0..<count {
                for row in 0..<6 where bits >> row & 1 == 1 && top + row < size.height {
                    pixels[(top + row) * size.width + x] = palette[color]
                }
                x += 1
            }
        }
        return pixels
    }

    @Test func sixelsShowThePictureInItsColors() throws {
        let size = FrameSize(width: 48, height: 40)
        // Even parts of 8x8 in colors between the palette's, so that dithering must mix them.
        let bytes = (0..<size.pixelCount).flatMap { index -> [UInt8] in
            let (x, y) = (index % size.width / 8, index / size.width / 8)
            return [UInt8(x * 45), UInt8(y * 60), UInt8((x + y) * 20)]
        }
        let image = PNGImage(size: size, channels: 3, bytes: bytes)
        let drawn = try decodedSixels(Sixel.text(of: image), size)
        #expect(drawn.allSatisfy { $0 != nil }, "every pixel is drawn")
        for part in 0..<30 {
            let (left, top) = (part % 6 * 8, part / 6 * 8)
            for channel in 0..<3 {
                var mean = 0.0
                for y in top..<top + 8 {
                    for x in left..<left + 8 {
                        mean += Double(drawn[y * size.width + x]?[channel] ?? -1) * 2.55 / 64
                    }
                }
                let expected = Double(bytes[(top * size.width + left) * 3 + channel])
                #expect(abs(mean - expected) < 6, "part \(part), channel \(channel)")
            }
        }
    }
}
