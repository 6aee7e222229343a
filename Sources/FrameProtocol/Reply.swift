// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameTypes

/// What the session starts from. Raw values are those of the wire.
package enum HistoryStart: UInt32, Sendable, Hashable {
    case none = 0
    case resumed = 1
    case kept = 2
}

package struct OpenedReply: Sendable, Equatable {
    package var sessionID: UInt64
    /// Granted: `incrementalFeature`, `sharedMemoryFeature`, the level of quality, `mayFallFeature`.
    package var features: UInt64
    package var plannedBytes: UInt64
    /// Of each frame and of each picture.
    package var framePayloadByteCount: UInt64
    package var pictureByteCount: UInt64
    package var maxFramesInFlight: Int
    package var history: HistoryStart
    package var model: String
    package var modelVersion: String
    package var precision: String
    package var kernelPath: String
    /// Why the precision, for people.
    package var precisionReason: String

    package static let mayFallFeature = FL_FEATURE_QUALITY_MAY_FALL
    package static let incrementalFeature = FL_FEATURE_INCREMENTAL
    package static let sharedMemoryFeature = FL_FEATURE_SHARED_MEMORY

    package init(
        sessionID: UInt64, features: UInt64 = 0, plannedBytes: UInt64,
        framePayloadByteCount: UInt64, pictureByteCount: UInt64, maxFramesInFlight: Int,
        history: HistoryStart, model: String, modelVersion: String, precision: String,
        kernelPath: String, precisionReason: String = ""
    ) {
        self.sessionID = sessionID
        self.features = features
        self.plannedBytes = plannedBytes
        self.framePayloadByteCount = framePayloadByteCount
        self.pictureByteCount = pictureByteCount
        self.maxFramesInFlight = maxFramesInFlight
        self.history = history
        self.model = model
        self.modelVersion = modelVersion
        self.precision = precision
        self.kernelPath = kernelPath
        self.precisionReason = precisionReason
    }
}

/// What was seen of a session's planes so far. nil: not known.
package struct SeenPlanes: Sendable, Equatable {
    /// Of the surfaces, 0 to 1: found in an earlier frame by depth and camera.
    package var historyShare: Double?
    /// Of the pixels.
    package var skyShare: Double?
    /// Of the surfaces: normals that face away from the viewer.
    package var awayShare: Double?
    /// Mean difference of base color where surfaces were found, of 255.
    package var colorError: Double?

    package init(
        historyShare: Double? = nil, skyShare: Double? = nil, awayShare: Double? = nil,
        colorError: Double? = nil
    ) {
        self.historyShare = historyShare
        self.skyShare = skyShare
        self.awayShare = awayShare
        self.colorError = colorError
    }

    /// As the wire has a value, most of it 254: plus 1, 0 for nil.
    static func byte(_ value: Double?) -> UInt8 {
        guard let value, value >= 0 else { return 0 }
        return 1 + UInt8(min(254, value.rounded()))
    }
}

package struct PictureReply: Sendable, Equatable {
    package var frameID: UInt64
    package var isLate = false
    package var isApproximate = false
    /// The frame whose history was used, if one was.
    package var historyFrame: UInt64?
    package var clientTime: UInt64 = 0
    package var times = StageTimes()
    /// Last byte of the frame to this reply, nanoseconds.
    package var age: UInt64 = 0
    /// Suggested wait before the next frame is sent, nanoseconds.
    package var nextSend: UInt64 = 0
    /// Share of the render threads' time in use, 0 ... 1.
    package var load: Float = 0
    /// Share of the tiles that were rendered, 0 ... 1.
    package var computedShare: Float = 1
    /// At which size its light was computed.
    package var quality = FrameQuality.full
    package var seen = SeenPlanes()
    package var size: FrameSize
    package var rowStride: Int
    /// Frames dropped since the last picture.
    package var droppedCount: UInt32 = 0
    /// The newest of them, ascending; at most `FL_MAX_DROPPED_IDS`.
    package var droppedIDs: [UInt64] = []
    package var payloadByteCount: UInt64
    /// The picture is in the slot of its frame, and nothing follows on the socket.
    package var isInSlot = false

    package static let maxDroppedIDs = Int(FL_MAX_DROPPED_IDS)

    /// A picture of packed RGBA8 rows.
    package init(frameID: UInt64, size: FrameSize) {
        self.frameID = frameID
        self.size = size
        rowStride = size.width * 4
        payloadByteCount = UInt64(size.pixelCount * 4)
    }
}

/// How far an error reaches. Raw values are those of the wire.
package enum ErrorSeverity: UInt32, Sendable, Hashable {
    /// The frame in the header failed; the session goes on.
    case frame = 1
    /// The session ended.
    case session = 2
}

package struct ErrorReply: Sendable, Equatable {
    /// 0: about no frame.
    package var frameID: UInt64
    package var code: UInt32
    package var severity: ErrorSeverity
    /// What was found and what was expected or allowed, where these are numbers.
    package var value: Double
    package var limit: Double
    /// Name in the wire header; may be empty.
    package var field: String
    /// One sentence for people.
    package var text: String

    package init(
        frameID: UInt64 = 0, code: UInt32, severity: ErrorSeverity, value: Double = 0,
        limit: Double = 0, field: String = "", text: String
    ) {
        self.frameID = frameID
        self.code = code
        self.severity = severity
        self.value = value
        self.limit = limit
        self.field = field
        self.text = text
    }
}
