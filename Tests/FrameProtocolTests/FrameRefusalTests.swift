// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import TestSupport
import Testing

@testable import FrameProtocol

private let frame = MessageEncoder.frame(Samples.frame)

private func camera(_ offset: Int) -> Int { WireFrame.camera + offset }
private func matrix(_ element: Int) -> Int { camera(WireCamera.cameraToWorld + 8 * element) }

/// Frames that are refused while the session goes on.
@Suite struct FrameRefusalTests {
    static let frames: [Refusal] = [
        Refusal(
            "exposure", Samples.changed(frame, body: WireFrame.exposure, Float(2)), FL_ERROR_VALUE,
            "exposure", "must be 1"),
        Refusal(
            "exposure NaN", Samples.changed(frame, body: WireFrame.exposure, Float.nan),
            FL_ERROR_VALUE, "exposure", "must be 1"),
        Refusal(
            "history trust", Samples.changed(frame, body: WireFrame.historyTrust, Float(0)),
            FL_ERROR_VALUE, "history_trust", "must be 1"),
        Refusal(
            "jitter x", Samples.changed(frame, body: WireFrame.jitterX, Float.nan), FL_ERROR_VALUE,
            "jitter_x", "within"),
        Refusal(
            "jitter y", Samples.changed(frame, body: WireFrame.jitterY, Float(17)), FL_ERROR_VALUE,
            "jitter_y", "within 16"),
        Refusal(
            "fx", Samples.changed(frame, body: camera(WireCamera.fx), 0.0), FL_ERROR_CAMERA,
            "camera.fx", "0.001 to"),
        Refusal(
            "fx denormal",
            Samples.changed(frame, body: camera(WireCamera.fx), Double.leastNonzeroMagnitude),
            FL_ERROR_CAMERA, "camera.fx", "0.001 to"),
        Refusal(
            "near denormal",
            Samples.changed(frame, body: camera(WireCamera.near), Double.leastNonzeroMagnitude),
            FL_ERROR_CAMERA, "camera.near_plane", "at least"),
        Refusal(
            "fy", Samples.changed(frame, body: camera(WireCamera.fy), 2e6), FL_ERROR_CAMERA,
            "camera.fy", "0.001 to"),
        Refusal(
            "cx", Samples.changed(frame, body: camera(WireCamera.cx), Double.nan), FL_ERROR_CAMERA,
            "camera.cx", "within"),
        Refusal(
            "cy", Samples.changed(frame, body: camera(WireCamera.cy), -2e6), FL_ERROR_CAMERA,
            "camera.cy", "within"),
        Refusal(
            "near", Samples.changed(frame, body: camera(WireCamera.near), -1.0), FL_ERROR_CAMERA,
            "camera.near_plane", "0 to"),
        Refusal(
            "far", Samples.changed(frame, body: camera(WireCamera.far), Double.infinity),
            FL_ERROR_CAMERA, "camera.far_plane", "0 to"),
        Refusal(
            "far before near", Samples.changed(frame, body: camera(WireCamera.far), 0.01),
            FL_ERROR_CAMERA, "camera.near_plane", "below the far plane"),
        Refusal(
            "rotation NaN", Samples.changed(frame, body: matrix(0), Double.nan), FL_ERROR_CAMERA,
            "camera.camera_to_world[0]", "rotation"),
        Refusal(
            "rotation scaled", Samples.changed(frame, body: matrix(5), 1.01), FL_ERROR_CAMERA,
            "camera.camera_to_world[4]", "unit length"),
        Refusal(
            "rotation flat", Samples.changed(frame, body: matrix(5), 0.0), FL_ERROR_CAMERA,
            "camera.camera_to_world[4]", "unit length"),
        Refusal(
            "rotation mirrored", Samples.changed(frame, body: matrix(5), -1.0), FL_ERROR_CAMERA,
            "camera.camera_to_world", "mirror"),
        Refusal(
            "position endless", Samples.changed(frame, body: matrix(3), -Double.infinity),
            FL_ERROR_CAMERA, "camera.camera_to_world[3]", "within"),
        Refusal(
            "last row", Samples.changed(frame, body: matrix(14), 0.5), FL_ERROR_CAMERA,
            "camera.camera_to_world[14]", "must be 0"),
        Refusal(
            "last row NaN", Samples.changed(frame, body: matrix(15), Double.nan), FL_ERROR_CAMERA,
            "camera.camera_to_world[15]", "must be 1"),
    ]

    @Test(arguments: frames)
    func refusedFramesLeaveTheStreamReadable(refusal: Refusal) throws {
        Samples.takeDenormalsAsTheLoopThreadDoes()
        var decoder = MessageDecoder()
        let messages = try decoder.decode(refusal.bytes + MessageEncoder.reset())
        guard case .refusedFrame(let refused) = messages.first else {
            Issue.record("not refused")
            return
        }
        #expect(refused.frameID == 42)
        #expect(refused.payloadByteCount == Samples.frame.payloadByteCount)
        #expect(messages.last == .reset)
        refusal.expect(ErrorReply(refused.error, severity: .frame, frameID: 42))
    }

    @Test func aSlotsReservedFieldIsTheFramesError() throws {
        var decoder = MessageDecoder()
        let bytes = Samples.changed(
            MessageEncoder.frame(Samples.frameInSlot),
            body: WireFrame.byteCount + WireSlot.reserved, UInt32(1))
        guard case .refusedFrame(let refused) = try decoder.decode(bytes).first else {
            Issue.record("not refused")
            return
        }
        #expect(refused.isInSlot && refused.frameID == 43 && refused.payloadByteCount == 0)
        #expect(refused.error == .reserved(field: "slot.reserved"))
    }
}
