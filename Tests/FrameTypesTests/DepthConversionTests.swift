// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@Suite struct DepthConversionTests {
    @Test func linearDepthIsScaled() {
        let conversion = DepthConversion(.linear(metresPerUnit: 0.001, far: .infinity))
        #expect(conversion.metres(2500) == 2500 * Float(0.001))
        #expect(conversion.metres(65535) == 65535 * Float(0.001))
    }

    @Test func reversedDepthMeetsBothPlanes() {
        let conversion = DepthConversion(.deviceReversed(near: 0.5, far: 100))
        #expect(conversion.metres(1) == 0.5)
        // d of z: n (f - z) / (z (f - n))
        let d = Float(0.5 * (100 - 8.0) / (8 * (100 - 0.5)))
        #expect(abs(conversion.metres(d) - 8) < 1e-4)
        let endless = DepthConversion(.deviceReversed(near: 0.5, far: .infinity))
        #expect(endless.metres(0.25) == 2)
    }

    @Test(arguments: [
        DepthEncoding.linear(metresPerUnit: 1, far: 1000),
        .linear(metresPerUnit: 1, far: .infinity),
        .deviceReversed(near: 0.1, far: 1000),
        .deviceReversed(near: 0.1, far: .infinity),
    ])
    func whatIsNoDistanceIsSky(encoding: DepthEncoding) {
        let conversion = DepthConversion(encoding)
        for value: Float in [0, -0.0, -1, .nan, -.infinity] {
            #expect(conversion.metres(value) == 0)
        }
        // Infinite linear depth is sky; infinite device depth lies at distance 0.
        #expect(conversion.metres(.infinity) == 0)
    }

    @Test func farPlaneItselfIsSky() {
        let linear = DepthConversion(.linear(metresPerUnit: 0.5, far: 100))
        #expect(linear.metres(199.9) > 0)
        #expect(linear.metres(200) == 0)
    }

    @Test func cameraOverrulesTheAgreement() {
        let encoding = DepthEncoding.deviceReversed(near: 0.1, far: 100)
        #expect(encoding.overruled(by: nil) == encoding)
        #expect(encoding.overruled(by: camera(near: 0, far: 0)) == encoding)
        #expect(
            encoding.overruled(by: camera(near: 1, far: 0)) == .deviceReversed(near: 1, far: 100))
        #expect(!encoding.overruled(by: camera(near: 100, far: 0)).isUsable)
        #expect(encoding.overruled(by: camera(near: 99, far: 0)).isUsable)
        #expect(
            DepthEncoding.linear(metresPerUnit: 1, far: .infinity).overruled(
                by: camera(near: 0.1, far: 50)) == .linear(metresPerUnit: 1, far: 50))
    }

    private func camera(near: Double, far: Double) -> Camera {
        Camera(
            fx: 1, fy: 1, cx: 0, cy: 0, near: near, far: far,
            cameraToWorld: Camera.Rows(
                x: [1, 0, 0, 0], y: [0, 1, 0, 0], z: [0, 0, 1, 0], w: [0, 0, 0, 1]))
    }
}
