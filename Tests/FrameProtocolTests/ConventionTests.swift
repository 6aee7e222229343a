// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

@testable import FrameProtocol

/// What engines state once, and their cameras as they come out of the wire.
@Suite struct ConventionTests {
    /// A camera in the engine's own axes, as the columns that its matrix has.
    struct Engine: CustomTestStringConvertible {
        var name: String
        var axes: UInt32
        var columns: [SIMD3<Double>]
        var position: SIMD3<Double>
        var testDescription: String { name }
    }

    /// Ours: at (1, 2, 3) m, looking along +X with +Y up, so that right is +Z and back is -X.
    static let engines = [
        Engine(
            name: "ours", axes: FL_AXES_OPENGL,
            columns: [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], position: [1, 2, 3]),
        // Mirrored in x: looks along -X.
        Engine(
            name: "Unity, cameraToWorldMatrix: right, up, back", axes: FL_AXES_UNITY,
            columns: [[0, 0, 1], [0, 1, 0], [1, 0, 0]], position: [-1, 2, 3]),
        Engine(
            name: "Unity, localToWorldMatrix: right, up, forward", axes: FL_AXES_UNITY,
            columns: [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], position: [-1, 2, 3]),
        // Our y is its z: looks along +X, up is +Z, right is +Y.
        Engine(
            name: "Unreal: forward, right, up, centimetres", axes: FL_AXES_UNREAL,
            columns: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], position: [100, 300, 200]),
        Engine(
            name: "Unreal in metres", axes: FL_AXES_UNREAL | FL_UNIT_METRES,
            columns: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], position: [1, 3, 2]),
        // Its y is our -z.
        Engine(
            name: "Blender: right, up, back", axes: FL_AXES_BLENDER,
            columns: [[0, -1, 0], [0, 0, 1], [-1, 0, 0]], position: [1, -3, 2]),
    ]

    @Test(arguments: engines, [false, true])
    func camerasOfEnginesAreTheSameCamera(engine: Engine, isColumnMajor: Bool) throws {
        var decoder = MessageDecoder()
        var axes = engine.axes
        if isColumnMajor { axes |= FL_MATRIX_COLUMN_MAJOR }
        _ = try decoder.decode(
            Samples.changed(
                MessageEncoder.open(Samples.open), body: WireOpen.axes, UInt8(axes)))
        let columns = engine.columns + [engine.position]
        var bytes = MessageEncoder.frame(Samples.frame)
        for row in 0..<3 {
            for column in 0..<4 {
                let element = isColumnMajor ? 4 * column + row : 4 * row + column
                bytes = Samples.changed(
                    bytes, body: WireFrame.camera + WireCamera.cameraToWorld + 8 * element,
                    columns[column][row])
            }
        }
        if isColumnMajor {
            for element in [3, 7, 11] {
                bytes = Samples.changed(
                    bytes, body: WireFrame.camera + WireCamera.cameraToWorld + 8 * element, 0.0)
            }
        }
        guard case .frame(let frame) = try decoder.decode(bytes).first else {
            Issue.record("the frame was refused")
            return
        }
        let camera = try #require(frame.camera)
        let expected: [SIMD4<Double>] = [
            [0, 0, -1, 1], [0, 1, 0, 2], [1, 0, 0, 3], [0, 0, 0, 1],
        ]
        let rows = camera.cameraToWorld
        for (row, wanted) in zip([rows.x, rows.y, rows.z, rows.w], expected) {
            for column in 0..<4 {
                #expect((row[column] - wanted[column]).magnitude < 1e-12)
            }
        }
        let unit = engine.name.hasSuffix("centimetres") ? 0.01 : 1
        #expect(camera.near == Samples.camera.near * unit)
        #expect(camera.far == Samples.camera.far * unit)
    }

    @Test func planesOfCentimetresAreMetresInTheLayout() throws {
        var bytes = MessageEncoder.open(Samples.deviceDepthOpen)
        bytes = Samples.changed(bytes, body: WireOpen.axes, UInt8(FL_UNIT_CENTIMETRES))
        bytes = Samples.changed(bytes, body: WireOpen.depthNear, 10.0)
        bytes = Samples.changed(bytes, body: WireOpen.depthFar, 5000.0)
        var decoder = MessageDecoder()
        guard case .open(let request, _) = try decoder.decode(bytes).first else { return }
        #expect(request.layout.depth == .deviceReversed(near: 0.1, far: 50))
        #expect(request.conversion == nil)
    }

    /// Everything that can be stated comes back as it was, and what is read follows from it.
    @Test func everyFormatOfEveryPlaneIsRead() throws {
        for kind in PlaneKind.allCases {
            for format in kind.sentFormats {
                var sent = SentLayout(Samples.open.layout)
                let index = try #require(sent.planes.firstIndex { $0.kind == kind })
                sent.planes[index].format = format
                if format == .depth24Low || format == .depth24High {
                    sent.depthKind = .device
                    sent.depth = .deviceReversed(near: 0.1, far: 100)
                }
                var offset = 0
                for index in sent.planes.indices {
                    sent.planes[index].rowStride =
                        sent.size.width * sent.planes[index].format.bytesPerPixel
                    sent.planes[index].offset = offset
                    offset += sent.planes[index].rowStride * sent.size.height
                }
                sent.byteCount = offset
                if kind == .normals { sent.axes = WorldAxes(.unreal, isColumnMajor: true) }
                let request = OpenRequest(sent: sent)
                var decoder = MessageDecoder()
                #expect(
                    try decoder.decode(MessageEncoder.open(request))
                        == [.open(request, history: nil)], "\(kind) in \(format)")
                let read = try #require(request.layout.plane(kind))
                #expect(kind.canBe(read.format))
                #expect(request.payloadByteCount == offset)
            }
        }
    }

    @Test(arguments: [
        (FL_MOTION_NDC, FL_ORIGIN_TOP_LEFT, SIMD2<Float>(24, -16)),
        (FL_MOTION_NDC, FL_ORIGIN_BOTTOM_LEFT, SIMD2<Float>(24, 16)),
        (FL_MOTION_UV, FL_ORIGIN_TOP_LEFT, SIMD2<Float>(48, 32)),
    ])
    func motionInUnitsOfThePicture(flag: UInt32, origin: UInt32, pixels: SIMD2<Float>) throws {
        var bytes = MessageEncoder.open(Samples.open)
        bytes = Samples.changed(bytes, body: WireOpen.motionFlags, UInt8(flag))
        bytes = Samples.changed(bytes, body: WireOpen.origin, UInt8(origin))
        bytes = Samples.changed(bytes, body: WireOpen.motionScaleX, Float(0))
        bytes = Samples.changed(bytes, body: WireOpen.motionScaleY, Float(0))
        bytes = Samples.changed(
            bytes, body: WireOpen.motionDirection, UInt8(FL_MOTION_FROM_PREVIOUS))
        var decoder = MessageDecoder()
        guard case .open(let request, _) = try decoder.decode(bytes).first else { return }
        #expect(
            request.layout.motion
                == MotionEncoding(scaleX: -pixels.x, scaleY: -pixels.y, isJittered: false))
    }

    @Test func theProbableEngineIsNamed() throws {
        func refusal(_ axes: UInt32, _ change: (inout [UInt8]) -> Void) throws -> String {
            var decoder = MessageDecoder()
            _ = try decoder.decode(
                Samples.changed(
                    MessageEncoder.open(Samples.open), body: WireOpen.axes, UInt8(axes)))
            var bytes = MessageEncoder.frame(Samples.frame)
            change(&bytes)
            guard case .refusedFrame(let refused) = try decoder.decode(bytes).first else {
                return "not refused"
            }
            return ErrorReply(refused.error, severity: .frame).text
        }
        func set(_ bytes: inout [UInt8], _ rows: [[Double]]) {
            for (index, value) in rows.flatMap({ $0 }).enumerated() {
                bytes = Samples.changed(
                    bytes, body: WireFrame.camera + WireCamera.cameraToWorld + 8 * index, value)
            }
        }
        let mirrored = [[1.0, 0, 0, 4], [0, 1, 0, 5], [0, 0, -1, 6], [0, 0, 0, 1]]
        #expect(
            try refusal(FL_AXES_OPENGL) { set(&$0, mirrored) }
                .contains("a left-handed engine? State its axes (FL_AXES_UNITY"))
        #expect(
            try refusal(FL_AXES_UNREAL) { set(&$0, mirrored) }.contains("another engine's"))
        #expect(try refusal(FL_AXES_UNITY) { set(&$0, mirrored) } == "not refused")
        let transposed = [[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [4, 5, 6, 1]]
        #expect(
            try refusal(FL_AXES_OPENGL) { set(&$0, transposed) }
                .contains("add FL_MATRIX_COLUMN_MAJOR"))
        let scaled = [[100.0, 0, 0, 4], [0, 100, 0, 5], [0, 0, 100, 6], [0, 0, 0, 1]]
        #expect(try refusal(FL_AXES_OPENGL) { set(&$0, scaled) }.contains("scaled by 100"))
    }
}
