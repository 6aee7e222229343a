// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import FrameClip
import FrameTypes

/// Renders through the daemon, on the C client that engines use.
final class SocketRenderer: FrameRenderer {
    struct Settings {
        var path: String
        /// Of every step of the exchange but opening.
        var timeoutMilliseconds: Int32 = 10_000
        /// Empty: the daemon's default.
        var model: String
        var seed: UInt64
        var scales = ConditioningScales()
        var dropsStaleFrames: Bool
        /// 0: none.
        var budgetMilliseconds = 0
        /// Ask for a cache, and allow approximation in every frame.
        var isIncremental = false
        /// nil: as the daemon is configured.
        var quality: FrameQuality?
        /// Lower levels may be used while frames are late or dropped.
        var mayFall = false
    }

    private(set) var description = RendererDescription()
    private let clip: Clip
    private let client: FrameClient
    private let isIncremental: Bool

    init(clip: Clip, settings: Settings) throws {
        isIncremental = settings.isIncremental
        let opened: fl_opened
        (client, opened, self.clip) = try Self.open(clip, settings)
        take(opened)
    }

    /// Models that do not read the emissive plane refuse it: it is then left out.
    private static func open(
        _ clip: Clip, _ settings: Settings
    ) throws -> (FrameClient, fl_opened, Clip) {
        let client = try FrameClient(
            path: settings.path, timeoutMilliseconds: settings.timeoutMilliseconds)
        do {
            return (client, try client.open(request(clip.layout, settings)), clip)
        } catch  where client.refusedField == "planes" && clip.layout.plane(.emissive) != nil {
            return try open(clip.withoutEmissive, settings)
        }
    }

    private static func request(_ layout: GBufferLayout, _ settings: Settings) throws -> fl_open {
        var open = try fl_open(layout, model: settings.model, clientName: "frameloom play")
        open.mailbox = UInt8(
            settings.dropsStaleFrames ? FL_MAILBOX_LATEST : FL_MAILBOX_EVERY)
        open.seed = settings.seed
        open.control_scale = settings.scales.controlThousandths
        open.adapter_scale = settings.scales.adapterThousandths
        open.frame_budget_us = UInt32(settings.budgetMilliseconds) * 1000
        if settings.isIncremental { open.features |= FL_FEATURE_INCREMENTAL }
        if settings.mayFall { open.features |= FL_FEATURE_QUALITY_MAY_FALL }
        switch settings.quality {
        case .full: open.features |= FL_FEATURE_QUALITY_FULL
        case .half: open.features |= FL_FEATURE_QUALITY_HALF
        case .quarter: open.features |= FL_FEATURE_QUALITY_QUARTER
        case nil: break
        }
        return open
    }

    func send(_ frame: FrameToRender) throws {
        let recorded = clip.frames[frame.clipFrame]
        var header = fl_frame()
        header.exposure = 1
        header.history_trust = 1
        header.jitter_x = recorded.jitter.x
        header.jitter_y = recorded.jitter.y
        var flags: UInt32 = frame.isReset ? FL_FRAME_RESET : 0
        if isIncremental { flags |= FL_FRAME_APPROXIMATE }
        if let camera = recorded.camera {
            header.camera = fl_camera(camera)
            flags |= FL_FRAME_HAS_CAMERA
        }
        let offsets = clip.layout.planes.map(\.offset)
        while try !client.send(
            id: frame.id, flags: flags, frame: header, payload: recorded.payload, offsets: offsets)
        {
            try resume()
        }
    }

    func receive(into pixels: inout [UInt8], waitingNanoseconds: UInt64) throws -> RenderReply? {
        // Rounded up: a wait of less than a millisecond would spin.
        let timeout = Int32(clamping: (waitingNanoseconds + 999_999) / 1_000_000)
        switch try client.wait(into: &pixels, timeoutMilliseconds: timeout) {
        case .nothing: return nil
        case .broken:
            try resume()
            return nil
        case .failed(let id, let text): return RenderReply(id: id, outcome: .failed(text))
        case .picture(let reply):
            let picture = reply.picture
            var result = RenderReply(id: reply.frame_id, outcome: .picture)
            if reply.flags & FL_PICTURE_HISTORY != 0 { result.historyFrame = picture.history_frame }
            result.isApproximate = reply.flags & FL_PICTURE_APPROXIMATE != 0
            result.computedShare = Double(picture.computed_share)
            result.isLate = reply.flags & FL_PICTURE_LATE != 0
            if reply.flags & FL_PICTURE_HALF != 0 { result.quality = .half }
            if reply.flags & FL_PICTURE_QUARTER != 0 { result.quality = .quarter }
            result.stages.read = picture.read_ns
            result.stages.queue = picture.queue_ns
            result.stages.convert = picture.convert_ns
            result.stages.render = picture.render_ns
            result.stages.encode = picture.encode_ns
            result.age = picture.age_ns
            return result
        }
    }

    func finish() throws { try client.finish() }

    private func resume() throws {
        take(try client.resume())
        description.resumeCount += 1
    }

    private func take(_ opened: fl_opened) {
        description.model = text(of: opened.model)
        description.modelVersion = text(of: opened.model_version)
        description.precision = text(of: opened.precision)
        description.kernelPath = text(of: opened.kernel_path)
        description.maxFramesInFlight = max(1, Int(opened.max_frames_in_flight))
    }
}
