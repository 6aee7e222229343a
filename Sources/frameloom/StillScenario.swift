// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes

/// One frame of a clip held still, with squares of another one pasted in that move about.
struct StillScenario {
    struct Settings {
        /// Index of the held frame.
        var frame = 12
        /// Of the pixels, that all squares together cover.
        var share = 0.05
        /// Squares; 0: nothing changes.
        var places = 1
        /// Pixels a frame, at most.
        var speed = 3
    }

    private let clip: Clip
    let camera: Camera?
    private let held: [UInt8]
    private let pasted: [UInt8]
    private let side: Int
    private let places: [Place]

    private struct Place {
        var start: SIMD2<Int>
        var velocity: SIMD2<Int>
    }

    init(clip: Clip, settings: Settings) {
        self.clip = clip
        let count = clip.frames.count
        held = clip.frames[settings.frame % count].payload
        camera = clip.frames[settings.frame % count].camera
        pasted = clip.frames[(settings.frame + count / 2) % count].payload
        let size = clip.size
        let area = Double(size.pixelCount) * settings.share / Double(max(settings.places, 1))
        side = min(Int(area.squareRoot().rounded()), size.width, size.height)
        // The same numbers on every machine.
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        func number(below limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(limit, 1)
        }
        places = (0..<settings.places).map { _ in
            Place(
                start: SIMD2(number(below: size.width), number(below: size.height)),
                velocity: SIMD2(
                    1 + number(below: settings.speed), 1 + number(below: settings.speed)))
        }
    }

    /// The frame's planes; before frame 0 nothing is pasted.
    func payload(_ frame: Int) -> [UInt8] {
        guard frame >= 0 else { return held }
        var planes = held
        for place in places {
            paste(
                at: SIMD2(
                    position(place.start.x + frame * place.velocity.x, clip.size.width - side),
                    position(place.start.y + frame * place.velocity.y, clip.size.height - side)),
                into: &planes)
        }
        return planes
    }

    /// Forth and back between 0 and `limit`.
    private func position(_ way: Int, _ limit: Int) -> Int {
        guard limit > 0 else { return 0 }
        let turn = way % (2 * limit)
        return turn < limit ? turn : 2 * limit - turn
    }

    /// The square's pixels move with it: they come from the middle of the other frame.
    private func paste(at corner: SIMD2<Int>, into planes: inout [UInt8]) {
        let from = SIMD2((clip.size.width - side) / 2, (clip.size.height - side) / 2)
        for plane in clip.layout.planes {
            let bytes = plane.format.bytesPerPixel
            for row in 0..<side {
                let source = plane.offset + (from.y + row) * plane.rowStride + from.x * bytes
                let target = plane.offset + (corner.y + row) * plane.rowStride + corner.x * bytes
                planes[target..<target + side * bytes] = pasted[source..<source + side * bytes]
            }
        }
    }
}
