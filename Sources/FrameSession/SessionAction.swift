// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

/// What the owner of a session does for it, in the order of the list.
package enum SessionAction: Sendable {
    /// Decide whether this may be opened, then call `admitted` or `refused`, at once or later.
    case admit(AdmissionRequest)
    /// Make what the session needs of the newest version of its model, then call `renewed`. No job of
    /// it is under way, and none starts before.
    case renewModel(AdmissionRequest)
    /// Read the whole of the storage from the socket, then call `payloadFinished`.
    case receivePayload(PixelStorage)
    /// Read so many bytes and forget them, then call `payloadFinished`.
    case skipPayload(byteCount: UInt64)
    /// Read one byte and the descriptor attached to it, check that it has at least so many bytes,
    /// then call `shareReceived`.
    case receiveDescriptor(byteCount: Int)
    /// Copy the whole of the storage from this position of the shared memory, then call
    /// `payloadFinished` or `slotUnreadable`.
    case readSlot(PixelStorage, position: Int)
    /// Run the conversion on render threads, then call `historyConverted`.
    case convertHistory(HistoryConversion)
    /// Submit a job that takes its request from this one when it begins.
    case start(FrameJob)
    /// The submitted job's result is wanted no more; it may still be reported.
    case cancelJob
    /// One write; call `replyWritten` when the socket has taken it.
    case send([UInt8])
    /// One write of header and body, then the whole picture, which stays unchanged until then.
    case sendPicture([UInt8], PixelStorage)
    /// Copy the picture to this position of the shared memory, then one write of the first bytes; if
    /// it cannot be copied, one write of the others, then the whole picture.
    case sendPictureInSlot([UInt8], inline: [UInt8], PixelStorage, position: Int)
    /// Whether to read the next message. A payload that was asked for is read in any case.
    case setReading(Bool)
    /// For the log: a frame was refused or failed, and the client was told.
    case frameFailed(ProtocolError, frameID: UInt64)
    /// For the log: the next frames are rendered at this level, for want of time or because there is
    /// enough of it again.
    case qualityChanged(FrameQuality)
    /// Close after everything written before was taken. Once, and the last action.
    case end(EndReason)
}

package enum EndReason: Sendable, Equatable {
    case closedByClient
    /// The client is gone; nothing can be written.
    case connectionLost
    /// The reason was sent to the client.
    case error(ProtocolError)
}

/// What admission has to weigh.
package struct AdmissionRequest: Sendable, Equatable {
    package var request: OpenRequest
    /// Bytes of the session's own storages, without the denoiser's workspace.
    package var plannedBytes: Int
}

/// The answer to `SessionAction.admit`.
package struct Admission: Sendable, Equatable {
    /// With the workspace.
    package var plannedBytes: Int
    package var model: String
    package var modelVersion: String
    package var precision: String
    package var kernelPath: String
    /// Why the precision, for people.
    package var precisionReason: String
    /// It has a cache for incremental frames.
    package var isIncremental: Bool
    /// The level of quality, then those that it may fall to, the best first.
    package var qualities: [FrameQuality]

    package init(
        plannedBytes: Int, model: String, modelVersion: String, precision: String,
        kernelPath: String, precisionReason: String = "", isIncremental: Bool = false,
        qualities: [FrameQuality] = [.full]
    ) {
        self.plannedBytes = plannedBytes
        self.model = model
        self.modelVersion = modelVersion
        self.precision = precision
        self.kernelPath = kernelPath
        self.precisionReason = precisionReason
        self.isIncremental = isIncremental
        self.qualities = qualities
    }
}

/// Limits of a session in time and number, from the daemon's configuration. Nanoseconds.
package struct SessionSettings: Sendable, Equatable {
    /// Frames that wait behind the one being rendered with the mailbox `every`; at least 1.
    package var waitingFrames: Int
    /// nil: never.
    package var idleTimeout: UInt64?
    package var openTimeout: UInt64
    package var slowReaderTimeout: UInt64
    package var quality = QualityControl.Settings()

    package init(
        waitingFrames: Int = 2, idleTimeout: UInt64? = 300_000_000_000,
        openTimeout: UInt64 = 10_000_000_000, slowReaderTimeout: UInt64 = 10_000_000_000
    ) {
        self.waitingFrames = max(1, waitingFrames)
        self.idleTimeout = idleTimeout
        self.openTimeout = openTimeout
        self.slowReaderTimeout = slowReaderTimeout
    }
}
