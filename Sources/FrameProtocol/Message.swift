// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// A message from a client, completely checked except for what depends on its session: payload
/// bytes of a frame, order of messages, what the model supports.
package enum Message: Sendable, Equatable {
    /// With a history, its planes follow as payload.
    case open(OpenRequest, history: HistoryDescription?)
    case frame(FrameMessage)
    /// A frame whose body is refused while the stream stays readable: its payload is skipped and
    /// the session goes on.
    case refusedFrame(RefusedFrame)
    case reset
    /// One byte follows, with a descriptor attached.
    case share(SlotTable)
    case reconfigure(OpenRequest, keepsHistory: Bool)
    case close

    /// Bytes that follow on the socket.
    package var payloadByteCount: UInt64 {
        switch self {
        case .open(_, let history): UInt64(history?.byteCount ?? 0)
        case .frame(let frame): frame.payloadByteCount
        case .refusedFrame(let refused): refused.payloadByteCount
        case .share: 1
        case .reset, .reconfigure, .close: 0
        }
    }

    /// As the header calls it.
    package var name: String {
        switch self {
        case .open: "FL_OPEN"
        case .frame, .refusedFrame: "FL_FRAME"
        case .reset: "FL_RESET"
        case .share: "FL_SHARE"
        case .reconfigure: "FL_RECONFIGURE"
        case .close: "FL_CLOSE"
        }
    }
}

/// What a client states once, at open and at reconfigure.
package struct OpenRequest: Sendable, Equatable {
    /// What models read.
    package var layout: GBufferLayout
    /// From what the client sends; nil: that is the same.
    package var conversion: PlaneConversion?
    /// Of cameras and normals.
    package var axes = WorldAxes()
    package var mailbox: Mailbox
    /// Stereo: 0 or 1; a label, each view has a session of its own.
    package var viewIndex: Int
    /// A picture older than this is late.
    package var frameBudgetNanoseconds: UInt64?
    package var seed: UInt64
    /// nil: the daemon's default.
    package var model: String?
    /// For people who look at the list of sessions.
    package var clientName: String
    /// Asks for a cache, so that frames render only what changed.
    package var wantsIncremental: Bool
    /// Asks for frames and pictures in shared memory.
    package var wantsSharedMemory: Bool
    /// Of a diffusion model's conditioning.
    package var scales: ConditioningScales
    /// At which size light is computed; nil: as the daemon is configured.
    package var quality: FrameQuality?
    /// Less of it may be computed while the daemon cannot keep up.
    package var mayFall = false

    package init(
        layout: GBufferLayout, mailbox: Mailbox = .latest, viewIndex: Int = 0,
        frameBudgetNanoseconds: UInt64? = nil, seed: UInt64 = 0, model: String? = nil,
        clientName: String = "", wantsIncremental: Bool = false, wantsSharedMemory: Bool = false,
        scales: ConditioningScales = ConditioningScales()
    ) {
        self.layout = layout
        self.mailbox = mailbox
        self.viewIndex = viewIndex
        self.frameBudgetNanoseconds = frameBudgetNanoseconds
        self.seed = seed
        self.model = model
        self.clientName = clientName
        self.wantsIncremental = wantsIncremental
        self.wantsSharedMemory = wantsSharedMemory
        self.scales = scales
    }

    /// With planes as the client sends them.
    package init(
        sent: SentLayout, mailbox: Mailbox = .latest, viewIndex: Int = 0,
        frameBudgetNanoseconds: UInt64? = nil, seed: UInt64 = 0, model: String? = nil,
        clientName: String = "", wantsIncremental: Bool = false, wantsSharedMemory: Bool = false,
        scales: ConditioningScales = ConditioningScales()
    ) {
        let conversion = PlaneConversion(sent)
        self.init(
            layout: conversion.layout, mailbox: mailbox, viewIndex: viewIndex,
            frameBudgetNanoseconds: frameBudgetNanoseconds, seed: seed, model: model,
            clientName: clientName, wantsIncremental: wantsIncremental,
            wantsSharedMemory: wantsSharedMemory, scales: scales)
        self.conversion = conversion.isNeeded ? conversion : nil
        axes = sent.axes
    }

    /// As the client sends it.
    package var sent: SentLayout { conversion?.sent ?? SentLayout(layout, axes: axes) }

    /// Bytes of one frame's payload.
    package var payloadByteCount: Int { conversion?.sent.byteCount ?? layout.byteCount }
}

/// The history that a client resumes with. Its planes come as payload, rows packed, in the formats
/// and origin of the session: picture, base color, depth, then `known` if the session has it.
package struct HistoryDescription: Sendable, Equatable {
    package var size: FrameSize
    /// New frames have larger ids.
    package var frameID: UInt64
    package var seed: UInt64
    package var camera: Camera?
    package var jitter: SIMD2<Float>
    /// Of its planes in the payload, behind the picture, rows packed: base color, depth and, if the
    /// session has it, known. Near and far of `camera` are already applied.
    package var conversion: PlaneConversion

    package static let pictureOffset = 0
    /// At most 8192 x 8192 x 20: no overflow.
    package var byteCount: Int { conversion.sent.byteCount }
    package var depth: DepthEncoding { conversion.layout.depth }

    /// The history of a session that sends such frames.
    /// - Returns: nil if the camera's near and far contradict what was agreed.
    package init?(
        size: FrameSize, frameID: UInt64, seed: UInt64, camera: Camera?, jitter: SIMD2<Float>,
        sent: SentLayout
    ) {
        let depth = sent.depth.overruled(by: camera)
        guard depth.isUsable else { return nil }
        self.size = size
        self.frameID = frameID
        self.seed = seed
        self.camera = camera
        self.jitter = jitter
        var offset = size.pixelCount * 4
        var planes: [SentPlane] = []
        for kind in [PlaneKind.baseColor, .depth, .known] {
            guard var plane = sent.plane(kind) else { continue }
            plane.rowStride = size.width * plane.format.bytesPerPixel
            plane.offset = offset
            offset += plane.rowStride * size.height
            planes.append(plane)
        }
        conversion = PlaneConversion(
            SentLayout(
                size: size, origin: sent.origin, planes: planes, byteCount: offset,
                depthKind: sent.depthKind, depth: depth, axes: sent.axes))
    }

    /// Of a session whose frames are sent as models read them.
    package init?(
        size: FrameSize, frameID: UInt64, seed: UInt64, camera: Camera?, jitter: SIMD2<Float>,
        layout: GBufferLayout
    ) {
        self.init(
            size: size, frameID: frameID, seed: seed, camera: camera, jitter: jitter,
            sent: SentLayout(layout))
    }
}

/// One frame; its planes follow as payload.
package struct FrameMessage: Sendable, Equatable {
    package var frameID: UInt64
    /// Starts without history.
    package var isReset: Bool
    /// Reuse of unchanged tiles is allowed.
    package var allowsApproximate: Bool
    /// Answered with a picture of what was understood of it; the history stays as it is.
    package var showsPlanes: Bool
    package var camera: Camera?
    /// Id of the frame that the motion plane points to, if stated.
    package var motionFrom: UInt64?
    /// Returned as it is.
    package var clientTime: UInt64
    package var jitter: SIMD2<Float>
    /// As the header claims; the session knows what was agreed.
    package var payloadByteCount: UInt64
    /// The planes are there, and nothing follows on the socket.
    package var slot: Int?

    package init(
        frameID: UInt64, isReset: Bool = false, allowsApproximate: Bool = false,
        showsPlanes: Bool = false, camera: Camera? = nil, motionFrom: UInt64? = nil,
        clientTime: UInt64 = 0,
        jitter: SIMD2<Float> = .zero, payloadByteCount: UInt64, slot: Int? = nil
    ) {
        self.frameID = frameID
        self.isReset = isReset
        self.allowsApproximate = allowsApproximate
        self.showsPlanes = showsPlanes
        self.camera = camera
        self.motionFrom = motionFrom
        self.clientTime = clientTime
        self.jitter = jitter
        self.payloadByteCount = payloadByteCount
        self.slot = slot
    }
}

package struct RefusedFrame: Sendable, Equatable {
    package var frameID: UInt64
    /// A reset that was asked for still holds for the next frame.
    package var isReset: Bool
    package var payloadByteCount: UInt64
    /// Its planes are in a slot.
    package var isInSlot: Bool
    package var error: ProtocolError

    package init(
        frameID: UInt64, isReset: Bool, payloadByteCount: UInt64, isInSlot: Bool = false,
        error: ProtocolError
    ) {
        self.frameID = frameID
        self.isReset = isReset
        self.payloadByteCount = payloadByteCount
        self.isInSlot = isInSlot
        self.error = error
    }
}
