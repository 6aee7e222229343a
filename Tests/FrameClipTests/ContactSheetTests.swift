// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Testing

@Suite struct ContactSheetTests {
    private let gap = 4
    private let label = 14

    /// 64x32, every plane of one color, so that each cell can be told by a single pixel.
    private func clip(references: Bool, origin: RowOrigin = .topLeft) throws -> Clip {
        let temporary = try TemporaryFolder()
        var fixture = ClipFixture(folder: temporary.path + "/plain")
        fixture.size = FrameSize(width: 64, height: 32)
        try fixture.write()
        var options = ClipOptions()
        options.origin = origin
        var clip = try ClipReader(folder: fixture.folder, options: options).read()
        for index in clip.frames.indices {
            let pixels = clip.size.pixelCount
            clip.frames[index].payload =
                [UInt8](repeating: 50, count: pixels * 3)
                + [UInt8](repeating: 100, count: pixels * 3)
                + (0..<pixels).flatMap { [$0 < pixels / 2 ? 0 : 200, 0] as [UInt8] }
                + [UInt8](repeating: 0, count: pixels * 2)
            clip.frames[index].reference =
                references
                ? PNGImage(
                    size: clip.size, channels: 3, bytes: [UInt8](repeating: 150, count: pixels * 3))
                : nil
        }
        return clip
    }

    private func rendered(_ clip: Clip) -> PNGImage {
        PNGImage(
            size: clip.size, channels: 4,
            bytes: [UInt8](repeating: 200, count: clip.size.pixelCount * 4))
    }

    private func pixel(_ image: PNGImage, _ x: Int, _ y: Int) -> [UInt8] {
        let at = (y * image.size.width + x) * 3
        return Array(image.bytes[at..<at + 3])
    }

    @Test(arguments: [true, false])
    func cellsStandInOrder(references: Bool) throws {
        let clip = try clip(references: references)
        let sheet = ContactSheet(clip: clip)
        let image = sheet.draw([
            .init(frame: 0, rendered: rendered(clip)), .init(frame: 3, rendered: rendered(clip)),
        ])
        let columns = references ? 5 : 4
        #expect(image.size.width == gap + columns * (64 + gap))
        #expect(image.size.height == label + 2 * (32 + label + gap))
        for row in 0..<2 {
            let y = label + row * (32 + label + gap)
            #expect(pixel(image, gap, y) == [50, 50, 50])
            #expect(pixel(image, gap + 68 + 63, y + 31) == [100, 100, 100])
            #expect(pixel(image, gap + 2 * 68, y) == [0, 0, 0])
            #expect(pixel(image, gap + 2 * 68, y + 31) == [30, 30, 30])
            #expect(pixel(image, gap + 3 * 68 + 5, y + 5) == [200, 200, 200])
            if references { #expect(pixel(image, gap + 4 * 68, y) == [150, 150, 150]) }
        }
    }

    @Test func picturesWithTheLowestRowFirstAreTurned() throws {
        let clip = try clip(references: true, origin: .bottomLeft)
        let image = ContactSheet(clip: clip).draw([.init(frame: 0, rendered: rendered(clip))])
        // Sky is the first half of the plane's bytes, so it is below here.
        #expect(pixel(image, gap + 2 * 68, label) == [30, 30, 30])
        #expect(pixel(image, gap + 2 * 68, label + 31) == [0, 0, 0])
    }

    @Test func largePicturesAreAveragedIntoTheirCells() throws {
        let clip = try clip(references: false)
        let sheet = ContactSheet(clip: clip, maxCellSide: 32)
        #expect(sheet.cellSize == FrameSize(width: 32, height: 16))
        var rendered = rendered(clip)
        // Two of the four pixels under the first cell pixel.
        for channel in 0..<3 {
            rendered.bytes[channel] = 100
            rendered.bytes[4 + channel] = 0
        }
        let image = sheet.draw([.init(frame: 0, rendered: rendered)])
        #expect(pixel(image, gap + 3 * 36, label) == [125, 125, 125])
        #expect(pixel(image, gap + 3 * 36 + 1, label) == [200, 200, 200])
    }

    @Test func sampledFramesReachFromFirstToLast() {
        #expect(ContactSheet.sampledFrames(of: 24, count: 6) == [0, 4, 9, 13, 18, 23])
        #expect(ContactSheet.sampledFrames(of: 3, count: 6) == [0, 1, 2])
        #expect(ContactSheet.sampledFrames(of: 1, count: 6) == [0])
        #expect(ContactSheet.sampledFrames(of: 0, count: 6).isEmpty)
    }
}
