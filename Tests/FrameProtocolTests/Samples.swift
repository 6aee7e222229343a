// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes
import Glibc
import TestSupport

@testable import FrameProtocol

/// Valid messages to start from.
enum Samples {
    static let size = FrameSize(width: 48, height: 32)

    /// Other tests of this process prepare the pool's threads for rendering, where denormals are zero.
    static func takeDenormalsAsTheLoopThreadDoes() {
        fesetenv(UnsafePointer(bitPattern: -1))  // FE_DFL_ENV, a macro with a cast
    }

    static func layout(
        planes: [(PlaneKind, PixelFormat, rowStride: Int)] = allPlanes,
        depth: DepthEncoding = .linear(metresPerUnit: 0.001, far: 200),
        normalSpace: NormalSpace = .view
    ) -> GBufferLayout {
        var offset = 0
        let laidOut = planes.map { kind, format, rowStride in
            let stride = rowStride == 0 ? size.width * format.bytesPerPixel : rowStride
            defer { offset += stride * size.height }
            return PlaneLayout(kind: kind, format: format, rowStride: stride, offset: offset)
        }
        let motion = planes.contains { $0.0 == .motion }
        return GBufferLayout(
            size: size, origin: .bottomLeft, normalSpace: normalSpace, depth: depth,
            motion: motion ? MotionEncoding(scaleX: -24, scaleY: 16, isJittered: true) : nil,
            planes: laidOut, byteCount: offset)
    }

    static let allPlanes: [(PlaneKind, PixelFormat, rowStride: Int)] = [
        (.depth, .r16, 0), (.baseColor, .rgb8sRGB, 256), (.normals, .rgb10a2, 0),
        (.roughness, .r8, 0), (.metallic, .r8, 64), (.motion, .rg16Float, 0),
        (.known, .rgba8sRGB, 0), (.emissive, .rgba16Float, 512),
    ]

    static let open = OpenRequest(
        layout: layout(), mailbox: .every, viewIndex: 1, frameBudgetNanoseconds: 16_667_000,
        seed: 0xFEDC_BA98_7654_3210, model: "atrium-2.1_b", clientName: "Bühne 日本",
        wantsIncremental: true, wantsSharedMemory: true,
        scales: ConditioningScales(controlThousandths: 1, adapterThousandths: 4000))

    static let deviceDepthOpen = OpenRequest(
        layout: layout(
            planes: [
                (.baseColor, .rgba8sRGB, 0), (.normals, .rgb8UNorm, 0), (.depth, .r32Float, 0),
                (.roughness, .r8, 0),
            ], depth: .deviceReversed(near: 0.1, far: .infinity), normalSpace: .world))

    static let camera = Camera(
        fx: 40, fy: 41, cx: 24.5, cy: 15.5, near: 0.05, far: 150,
        cameraToWorld: Camera.Rows(
            x: [0.8, 0, 0.6, 12], y: [0, 1, 0, -3], z: [-0.6, 0, 0.8, 7.5], w: [0, 0, 0, 1]))

    static let history = HistoryDescription(
        size: FrameSize(width: 64, height: 40), frameID: 41, seed: 9, camera: camera,
        jitter: [0.25, -0.5], layout: open.layout)!

    static let frame = FrameMessage(
        frameID: 42, isReset: true, allowsApproximate: true, camera: camera, motionFrom: 40,
        clientTime: 123_456_789_012, jitter: [-0.125, 0.375],
        payloadByteCount: UInt64(open.layout.byteCount))

    static let slots = SlotTable(slotByteCount: 1 << 24, pictureOffset: 1 << 23, slotCount: 7)

    static let frameInSlot = FrameMessage(
        frameID: 43, camera: camera, payloadByteCount: 0, slot: 6)

    static let bareFrame = FrameMessage(frameID: 7, payloadByteCount: 1000)

    /// Every kind of message, and what it means.
    static let messages: [(bytes: [UInt8], message: Message)] = [
        (MessageEncoder.open(open), .open(open, history: nil)),
        (MessageEncoder.open(open, history: history), .open(open, history: history)),
        (MessageEncoder.open(deviceDepthOpen), .open(deviceDepthOpen, history: nil)),
        (MessageEncoder.frame(frame), .frame(frame)),
        (MessageEncoder.frame(bareFrame), .frame(bareFrame)),
        (MessageEncoder.frame(frameInSlot), .frame(frameInSlot)),
        (MessageEncoder.share(slots), .share(slots)),
        (MessageEncoder.reset(), .reset),
        (
            MessageEncoder.reconfigure(open, keepsHistory: true),
            .reconfigure(open, keepsHistory: true)
        ),
        (
            MessageEncoder.reconfigure(deviceDepthOpen, keepsHistory: false),
            .reconfigure(deviceDepthOpen, keepsHistory: false)
        ),
        (MessageEncoder.close(), .close),
    ]

    static let opened = OpenedReply(
        sessionID: 3, plannedBytes: 1 << 40, framePayloadByteCount: 33, pictureByteCount: 44,
        maxFramesInFlight: 3, history: .resumed, model: "atrium", modelVersion: "1.0",
        precision: "fp32", kernelPath: "avx512-fp32",
        precisionReason: "measured: fp32 9.0, bf16 9.5 ms a frame")

    static let picture: PictureReply = {
        var picture = PictureReply(frameID: 42, size: size)
        picture.isLate = true
        picture.isApproximate = true
        picture.historyFrame = 40
        picture.clientTime = 5
        picture.times.read = 1
        picture.times.queue = 2
        picture.times.convert = 3
        picture.times.render = 4
        picture.times.encode = 5
        picture.age = 6
        picture.nextSend = 7
        picture.load = 0.75
        picture.computedShare = 0.5
        picture.seen = SeenPlanes(historyShare: 0.75, skyShare: 0, colorError: 12)
        picture.droppedCount = 2
        picture.droppedIDs = [40, 41]
        return picture
    }()

    static let pictureInSlot: PictureReply = {
        var inSlot = picture
        inSlot.isInSlot = true
        inSlot.payloadByteCount = 0
        return inSlot
    }()

    static let replies: [(bytes: [UInt8], reply: Reply)] = [
        (MessageEncoder.opened(opened), .opened(opened)),
        (MessageEncoder.picture(picture), .picture(picture)),
        (
            MessageEncoder.error(ErrorReply(.depthScaleMissing(found: 0), severity: .session)),
            .error(ErrorReply(.depthScaleMissing(found: 0), severity: .session))
        ),
        (MessageEncoder.closed(), .closed),
        (MessageEncoder.shared(), .shared),
        (MessageEncoder.picture(pictureInSlot), .picture(pictureInSlot)),
    ]

    /// `bytes` with a number written over the field at `offset` of the body.
    static func changed<Value: FixedWidthInteger & UnsignedInteger>(
        _ bytes: [UInt8], body offset: Int, _ value: Value
    ) -> [UInt8] {
        var bytes = bytes
        for index in 0..<MemoryLayout<Value>.size {
            bytes[32 + offset + index] = UInt8(truncatingIfNeeded: value >> Value(8 * index))
        }
        return bytes
    }

    static func changed(_ bytes: [UInt8], body offset: Int, _ value: Float) -> [UInt8] {
        changed(bytes, body: offset, value.bitPattern)
    }

    static func changed(_ bytes: [UInt8], body offset: Int, _ value: Double) -> [UInt8] {
        changed(bytes, body: offset, value.bitPattern)
    }

    static func changed<Value: FixedWidthInteger & UnsignedInteger>(
        _ bytes: [UInt8], header offset: Int, _ value: Value
    ) -> [UInt8] {
        changed(bytes, body: offset - 32, value)
    }
}

extension MessageDecoder {
    /// Feeds all of `bytes`, never more than wanted at once.
    mutating func decode(_ bytes: [UInt8], pieces: Int = .max) throws(ProtocolError) -> [Message] {
        var messages: [Message] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(min(pieces, wantedByteCount))
            rest = rest.dropFirst(piece.count)
            if let message = try append(piece) { messages.append(message) }
        }
        return messages
    }
}
