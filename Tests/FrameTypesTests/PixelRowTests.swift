// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@Suite struct PixelRowTests {
    private func storage(_ bytes: [UInt8]) -> PixelStorage {
        let storage = PixelStorage(byteCount: bytes.count)
        storage.copy(bytes)
        return storage
    }

    @Test func putTakesTheFirstBytesOfEachPixel() {
        let source = storage([1, 2, 3, 4, 5, 6, 7])
        let target = PixelStorage(byteCount: 8)
        target.put(
            PixelRow(offset: 0, stride: 4, count: 2), from: source,
            PixelRow(offset: 1, stride: 3, count: 2), byteCount: 3)
        target.fill(PixelRow(offset: 3, stride: 4, count: 2), with: 255)
        #expect(target.copiedBytes() == [2, 3, 4, 255, 5, 6, 7, 255])
    }

    @Test func metresComeFromBothFormats() {
        let conversion = DepthConversion(.linear(metresPerUnit: 0.5, far: .infinity))
        let target = PixelStorage(byteCount: 8)
        target.putMetres(
            PixelRow(offset: 0, stride: 4, count: 2), from: storage([2, 0, 0, 1]),
            PixelRow(offset: 0, stride: 2, count: 2), format: .r16, conversion)
        #expect(target.copiedBytes() == [0, 0, 128, 63, 0, 0, 0, 67])
        // 2 and infinity, at an odd address.
        target.putMetres(
            PixelRow(offset: 0, stride: 4, count: 2),
            from: storage([9, 0, 0, 0, 64, 0, 0, 128, 127]),
            PixelRow(offset: 1, stride: 4, count: 2), format: .r32Float, conversion)
        #expect(target.copiedBytes() == [0, 0, 128, 63, 0, 0, 0, 0])
    }
}
