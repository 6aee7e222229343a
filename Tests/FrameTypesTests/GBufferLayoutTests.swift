// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@Suite struct GBufferLayoutTests {
    @Test func packedPlanesFollowEachOtherWithoutGaps() {
        let layout = GBufferLayout(
            packed: [(.baseColor, .rgb8sRGB), (.depth, .r16), (.roughness, .r8)],
            size: FrameSize(width: 40, height: 33), origin: .bottomLeft)
        #expect(layout.planes.map(\.rowStride) == [120, 80, 40])
        #expect(layout.planes.map(\.offset) == [0, 120 * 33, 200 * 33])
        #expect(layout.byteCount == 240 * 33)
        #expect(layout.origin == .bottomLeft)
        #expect(layout.plane(.depth)?.format == .r16)
        #expect(layout.plane(.normals) == nil)
    }

    @Test func everyPlaneHasAFormatAndDeviceDepthOnlyOne() {
        for kind in PlaneKind.allCases { #expect(!kind.formats.isEmpty) }
        #expect(PlaneKind.normals.formats == [.rgb8UNorm, .rgb10a2])
        let device = DepthEncoding.deviceReversed(near: 0.1, far: 10)
        #expect(PixelFormat.allCases.filter(device.canBe) == [.r32Float])
        #expect(
            PixelFormat.allCases.filter(DepthEncoding.linear(metresPerUnit: 1, far: 1).canBe)
                == [.r16, .r32Float])
    }

    @Test func sizesAreRoundedUpToWholeMultiples() {
        let size = FrameSize(width: 1249, height: 704)
        #expect(size.padded(to: 32) == FrameSize(width: 1280, height: 704))
        #expect(size.isSupported)
        #expect(!FrameSize(width: 31, height: 704).isSupported)
        #expect(!FrameSize(width: 64, height: 8193).isSupported)
    }
}
