// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameSession
import FrameSocket

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
