// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameScheduler
import FrameSession
import FrameSocket
import FrameTypes
import NeuralDenoiser

/// What the loop does when another thread wakes it; set once everything is built.
final class WakeHandler {
    var handler: (() -> Void)?

    func run() { handler?() }
}

/// The folder of a socket, made if it is missing so that a first start just works.
enum RuntimeFolder {
    static func make(for socketPath: String) throws {
        let folder = (socketPath as NSString).deletingLastPathComponent
        guard !folder.isEmpty, !FileManager.default.fileExists(atPath: folder) else { return }
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o755])
        } catch {
            throw StartFailure(
                "cannot make the folder \(folder) of a socket: \(error.localizedDescription)")
        }
    }
}

extension RenderPool.Configuration {
    init(_ settings: Configuration.Render) {
        self.init(
            threadCount: settings.threads == 0 ? AvailableProcessors.count : settings.threads,
            pinsThreads: settings.pinsThreads,
            threadSetup: { Denoiser.prepareRenderThread() })
    }
}

extension PrecisionMeter {
    /// On threads of its own that are made as those that will render.
    /// - Parameter milliseconds: 0: nothing is timed or remembered.
    init?(_ threads: RenderPool.Configuration, milliseconds: Int) {
        guard milliseconds > 0 else { return nil }
        self.init(
            threads: threads.threadCount, version: buildVersion,
            memory: DefaultPaths.cacheFolder.map(PrecisionMemory.init(folder:)),
            limit: UInt64(milliseconds) * 1_000_000,
            makeTimer: {
                let pool = try RenderPool(threads)
                return FrameTimer(
                    time: { workspace, request in
                        try pool.render(
                            RenderSteps(
                                workspace.steps, begin: { try workspace.begin(request) },
                                finish: { workspace.finish() })
                        ).times.job
                    }, end: { pool.stop() })
            })
    }
}

extension SessionSettings {
    init(_ limits: Configuration.Limits) {
        let second: UInt64 = 1_000_000_000
        self.init(
            waitingFrames: limits.waitingFrames,
            idleTimeout: limits.idleSeconds == 0 ? nil : UInt64(limits.idleSeconds) * second,
            openTimeout: UInt64(limits.openSeconds) * second,
            slowReaderTimeout: UInt64(limits.slowReaderSeconds) * second)
    }
}
