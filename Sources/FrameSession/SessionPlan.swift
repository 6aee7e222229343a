// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

/// What a session will ever hold, known before any of it is allocated.
package struct SessionPlan: Sendable, Equatable {
    /// G-buffers: receiving, waiting, rendering.
    package var frameCount: Int
    package var frameByteCount: Int
    /// What models read of the frame that is being rendered; 0 where that is what is sent.
    package var convertedByteCount: Int
    /// One in the socket, one being rendered.
    package var pictureCount = 2
    package var pictureByteCount: Int
    /// Read and written in turn.
    package var historyCount = 2
    package var historyByteCount: Int
    /// A history that came from elsewhere, and the payload that brought it.
    package var foreignHistoryByteCount: Int

    /// Pages of the client's shared memory that are first touched by writing pictures count as ours.
    package var sharedByteCount: Int

    package init(
        _ request: OpenRequest, waitingFrames: Int, resumes history: HistoryDescription? = nil,
        keeps kept: FrameSize? = nil
    ) {
        let size = request.layout.size
        switch request.mailbox {
        case .latest: frameCount = 3
        case .every: frameCount = 1 + waitingFrames
        }
        frameByteCount = request.payloadByteCount
        convertedByteCount = request.conversion == nil ? 0 : request.layout.byteCount
        pictureByteCount = size.pixelCount * 4
        historyByteCount = FrameHistory.byteCount(of: size)
        sharedByteCount =
            request.wantsSharedMemory
            ? (frameCount + SlotTable.spareSlots) * pictureByteCount : 0
        foreignHistoryByteCount =
            (history.map(Self.byteCount) ?? 0)
            + (kept.map { FrameHistory.byteCount(of: $0) } ?? 0)
            + Self.expandedByteCount(
                of: history?.size ?? kept, in: size, at: request.quality ?? .full)
    }

    private static func byteCount(of history: HistoryDescription) -> Int {
        history.byteCount + FrameHistory.byteCount(of: history.size)
            + (history.conversion.isNeeded ? history.conversion.layout.byteCount : 0)
    }

    /// The first frame after a history of more pixels than its own expands that history outside of
    /// the planned workspace, until it is finished.
    /// One that its level reduces to its own size needs nothing.
    private static func expandedByteCount(
        of history: FrameSize?, in size: FrameSize, at quality: FrameQuality
    ) -> Int {
        let light = quality.light(of: size)
        guard let history, history.pixelCount > light.pixelCount,
            quality.light(of: history) != light
        else { return 0 }
        return FrameHistory.expandedByteCount(of: history)
    }

    /// Sides are at most 8192 and waiting frames few, so that this is far from overflowing.
    package var totalByteCount: Int {
        frameCount * frameByteCount + convertedByteCount + pictureCount * pictureByteCount
            + historyCount * historyByteCount + foreignHistoryByteCount + sharedByteCount
    }
}

/// The pixel memory of one session. A storage that is lent (to the socket or to a job) is in none of
/// the lists.
struct SessionStorages: Sendable {
    var freeFrames: [PixelStorage]
    var freePictures: [PixelStorage]
    private let histories: [PixelStorage]
    /// The planes of the frame that is being rendered, if they are converted.
    let converted: PixelStorage?

    init(_ plan: SessionPlan) throws(MemoryRefusal) {
        freeFrames = try Self.reserve(plan.frameCount, of: plan.frameByteCount)
        freePictures = try Self.reserve(plan.pictureCount, of: plan.pictureByteCount)
        histories = try Self.reserve(plan.historyCount, of: plan.historyByteCount)
        converted =
            plan.convertedByteCount > 0
            ? try PixelStorage(reserving: plan.convertedByteCount) : nil
    }

    private static func reserve(
        _ count: Int, of byteCount: Int
    ) throws(MemoryRefusal) -> [PixelStorage] {
        var storages: [PixelStorage] = []
        for _ in 0..<count { storages.append(try PixelStorage(reserving: byteCount)) }
        return storages
    }

    /// The one to write while `read` is being read.
    func historyToWrite(besides read: FrameHistory?) -> PixelStorage {
        histories[0] === read?.storage ? histories[1] : histories[0]
    }
}
