// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// What the header already names and this version cannot do is refused with its name.
    @Suite(.daemon(), .timeLimit(.minutes(2))) struct RefusedFeatures {
        private let daemon = SharedDaemon.current!
        private static let size = FrameSize(width: 64, height: 64)

        struct Wish: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var code: UInt32
            var words: [String]
            var open: fl_open

            init(
                _ name: String, _ code: UInt32, says words: String...,
                change: (inout fl_open) -> Void
            ) {
                testDescription = name
                self.code = code
                self.words = words
                open = SyntheticFrame.open(RefusedFeatures.size)
                change(&open)
            }

            init(_ kind: UInt32, _ format: UInt32, _ words: String...) {
                self.init("plane \(kind) in format \(format)", FL_ERROR_FORMAT) { open in
                    let standard: [(kind: UInt32, format: UInt32, rowStride: Int)] = [
                        (FL_BASE_COLOR, FL_RGBA8_SRGB, 0), (FL_NORMALS, FL_RGB8_UNORM, 0),
                        (FL_DEPTH, FL_R16, 0), (FL_ROUGHNESS, FL_R8, 0),
                    ]
                    let others = standard.filter { $0.kind != kind }
                    SyntheticFrame.setPlanes(&open, others + [(kind, format, 0)])
                }
                self.words = words
            }
        }

        static let wishes: [Wish] = [
            Wish("history weight", FL_ERROR_FEATURE, says: "FL_FEATURE_HISTORY_WEIGHT") {
                $0.features = FL_FEATURE_HISTORY_WEIGHT
            },
            Wish("HDR", FL_ERROR_FEATURE, says: "FL_FEATURE_HDR") {
                $0.features = FL_FEATURE_HDR
            },
            Wish("two levels of quality", FL_ERROR_VALUE, says: "FL_FEATURE_QUALITY_FULL") {
                $0.features = FL_FEATURE_QUALITY_HALF | FL_FEATURE_QUALITY_QUARTER
            },
            Wish("light that is too small", FL_ERROR_MODEL, says: "quarter", "16x16", "32") {
                $0.features = FL_FEATURE_QUALITY_QUARTER
            },
            Wish("an unknown feature", FL_ERROR_FEATURE, says: "40") { $0.features = 1 << 40 },
            Wish("shared memory transport", FL_ERROR_VALUE, says: "FL_TRANSPORT_SHARED_MEMORY") {
                $0.transport = UInt8(FL_TRANSPORT_SHARED_MEMORY)
            },
            Wish("another roughness", FL_ERROR_VALUE, says: "FL_ROUGHNESS_SMOOTHNESS") {
                $0.roughness_kind = 9
            },
            Wish("forward device depth in 16 bits", FL_ERROR_VALUE, says: "R32F") {
                $0.depth_kind = UInt8(FL_DEPTH_DEVICE)
            },
            Wish("other axes", FL_ERROR_VALUE, says: "axes", "FL_AXES_UNREAL") { $0.axes = 15 },
            Wish("another picture format", FL_ERROR_VALUE, says: "picture_format") {
                $0.picture_format = 2
            },
            Wish("depth without a scale", FL_ERROR_VALUE, says: "depth_scale", "metres") {
                $0.depth_scale = 0
            },
            Wish("too narrow", FL_ERROR_SIZE, says: "width is 31", "32") { $0.width = 31 },
            Wish("too high", FL_ERROR_SIZE, says: "height is 8193", "8192") { $0.height = 8193 },
            Wish("endless", FL_ERROR_SIZE, says: "width") { $0.width = .max },
            Wish("a channel of base color", FL_ERROR_VALUE, says: "planes[0].channel") {
                $0.planes.0.channel = 1
            },
            Wish("a scale beyond its limit", FL_ERROR_VALUE, says: "control_scale", "4000") {
                $0.control_scale = 4001
            },
            Wish("a compact model's scale", FL_ERROR_MODEL, says: "adapter_scale", "compact") {
                $0.adapter_scale = 1000
            },
            Wish("no roughness", FL_ERROR_PLANE, says: "roughness is missing") {
                SyntheticFrame.setPlanes(
                    &$0,
                    [
                        (FL_BASE_COLOR, FL_RGBA8_SRGB, 0), (FL_NORMALS, FL_RGB8_UNORM, 0),
                        (FL_DEPTH, FL_R16, 0),
                    ])
            },
            Wish("a plane of history weight", FL_ERROR_PLANE, says: "FL_HISTORY_WEIGHT") {
                $0.planes.4.kind = UInt8(FL_HISTORY_WEIGHT)
            },
            Wish("two planes of a kind", FL_ERROR_PLANE, says: "second plane of roughness") {
                $0.planes.4.kind = UInt8(FL_ROUGHNESS)
            },
            Wish("rows that overlap", FL_ERROR_ROW_STRIDE, says: "planes[2].row_stride is 100") {
                $0.planes.2.row_stride = 100
            },
            Wish("rows far apart", FL_ERROR_ROW_STRIDE, says: "planes[2].row_stride") {
                $0.planes.2.row_stride = .max
            },
            Wish("a model that is not there", FL_ERROR_MODEL, says: "no-such-model") {
                setText(&$0.model, "no-such-model")
            },
            Wish("a path as model", FL_ERROR_TEXT, says: "model") {
                setText(&$0.model, "../../etc/passwd")
            },
            Wish("a text without an end", FL_ERROR_TEXT, says: "client_name") {
                withUnsafeMutableBytes(of: &$0.client_name) { bytes in
                    for index in bytes.indices { bytes[index] = 65 }
                }
            },
            Wish(FL_EMISSIVE, FL_R32F, "R32F", "emissive", "RGBA16F"),
            Wish(FL_BASE_COLOR, FL_R16F, "R16F", "base color", "RGBA8_LINEAR"),
            Wish(FL_NORMALS, FL_RG32F, "RG32F", "normals", "RG16_OCTAHEDRAL"),
            Wish(FL_DEPTH, FL_R8, "R8", "depth", "R32F"),
        ]

        @Test(arguments: wishes) func isRefusedByName(_ wish: Wish) throws {
            let session = try RawSession(daemon)
            try session.socket.send(.open(wish.open))
            let error = try session.error()
            #expect(error.code == wish.code)
            for word in wish.words { #expect(text(error.text).contains(word)) }
            #expect(try session.isClosed())
            try daemon.expectGoodService()
        }

        @Test(arguments: ["exposure", "history_trust", "motion", "jitter"])
        func isRefusedForOneFrame(_ wish: String) throws {
            let session = try RawSession(daemon, SyntheticFrame.open(Self.size))
            let good = SyntheticFrame(Self.size, index: 0)
            var frame = good
            switch wish {
            case "exposure": frame.body.exposure = 2
            case "history_trust": frame.body.history_trust = 0.5
            case "motion": frame.flags |= FL_FRAME_HAS_MOTION_FROM
            default: frame.body.jitter_x = .nan
            }
            try session.send(1, frame)
            let error = try session.error()
            #expect(error.severity == FL_SEVERITY_FRAME)
            #expect(text(error.text).contains(wish))
            #expect(try session.render(2, good).frameID == 2)
        }

        @Test func viewNormalsNeedACamera() throws {
            var open = SyntheticFrame.open(Self.size)
            open.normal_space = UInt8(FL_NORMALS_VIEW)
            let session = try RawSession(daemon, open)
            var frame = SyntheticFrame(Self.size, index: 0)
            frame.flags = 0
            try session.send(1, frame)
            #expect(try session.error().code == FL_ERROR_CAMERA)
            try session.send(2, SyntheticFrame(Self.size, index: 0))
            #expect(try session.picture().frameID == 2)
        }
    }
}
