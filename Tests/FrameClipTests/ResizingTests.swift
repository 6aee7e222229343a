// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes
import Testing

@Suite struct ResizingTests {
    private func clip(_ fixture: ClipFixture) throws -> Clip {
        try fixture.write()
        var options = ClipOptions()
        options.metresPerUnit = 0.01
        return try ClipReader(folder: fixture.folder, options: options).read()
    }

    private func camera() -> Camera {
        Camera(
            fx: 50, fy: 60, cx: 21, cy: 15, near: 0.1, far: 100,
            cameraToWorld: .init(
                x: [1, 0, 0, 0], y: [0, 1, 0, 0], z: [0, 0, 1, 0], w: [0, 0, 0, 1]))
    }

    @Test func eachNewPixelIsTheOldOneAtItsCenterInEveryPlane() throws {
        let folder = try TemporaryFolder()
        let clip = try clip(ClipFixture(folder: folder.path))
        // Half the width, and cropped to a square: columns 4...35 of 40 are left of 32 rows.
        let size = FrameSize(width: 16, height: 16)
        let resized = clip.resized(to: size)
        #expect(resized.size == size)
        #expect(resized.frames.count == clip.frames.count)
        for (old, new) in zip(clip.frames, resized.frames) {
            #expect(new.payload.count == resized.layout.byteCount)
            for (plane, newPlane) in zip(clip.layout.planes, resized.layout.planes) {
                #expect(plane.kind == newPlane.kind && plane.format == newPlane.format)
                let bytes = plane.format.bytesPerPixel
                for (x, y) in [(0, 0), (15, 0), (7, 9), (15, 15)] {
                    let from =
                        plane.offset + (2 * y + 1) * plane.rowStride + (4 + 2 * x + 1) * bytes
                    let to = newPlane.offset + y * newPlane.rowStride + x * bytes
                    #expect(old.payload[from..<from + bytes] == new.payload[to..<to + bytes])
                }
            }
            let reference = try #require(new.reference)
            #expect(reference.size == size)
            let oldReference = try #require(old.reference)
            #expect(
                reference.bytes[(9 * 16 + 7) * 3]
                    == oldReference.bytes[((2 * 9 + 1) * 40 + 4 + 2 * 7 + 1) * 3])
        }
    }

    @Test func aPointIsSeenWhereItsPixelWent() throws {
        let folder = try TemporaryFolder()
        var clip = try clip(ClipFixture(folder: folder.path))
        clip.frames[0].camera = camera()
        let resized = clip.resized(to: FrameSize(width: 60, height: 60))
        let new = try #require(resized.frames[0].camera)
        let scale = 60.0 / 32
        // Where the ray (0.1, -0.2, -1) meets both pictures.
        let (oldX, oldY) = (50 * 0.1 + 21, 60 * 0.2 + 15)
        #expect(abs(new.fx * 0.1 + new.cx - (oldX - 4) * scale) < 1e-9)
        #expect(abs(new.fy * 0.2 + new.cy - oldY * scale) < 1e-9)
        #expect(new.cameraToWorld == camera().cameraToWorld)
    }

    @Test func theSameSizeIsTheSameClip() throws {
        let folder = try TemporaryFolder()
        let clip = try clip(ClipFixture(folder: folder.path))
        let same = clip.resized(to: clip.size)
        #expect(same.layout == clip.layout)
        #expect(same.frames.map(\.payload) == clip.frames.map(\.payload))
    }
}
