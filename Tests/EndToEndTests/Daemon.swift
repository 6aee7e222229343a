// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes
import Foundation
import Glibc
import Synchronization
import TestSupport

/// The real `frameloomd`, on sockets in a folder of its own.
final class Daemon: Sendable {
    let folder: TestFolder
    let program: RunningProgram
    var framePath: String { folder.path + "/frames.sock" }
    var controlPath: String { folder.path + "/control.sock" }

    /// Starts and waits until it is ready.
    /// - Parameter settings: as `--set` takes them.
    convenience init(
        _ settings: [String] = [], configuration: String? = nil, in folder: TestFolder? = nil,
        launcher: [String] = []
    ) throws {
        try self.init(
            unready: settings, configuration: configuration, in: folder, launcher: launcher)
        try waitUntilReady()
    }

    /// Starts and does not wait.
    init(
        unready settings: [String] = [], configuration: String? = nil,
        in folder: TestFolder? = nil, launcher: [String] = [], listening: UnixSocket? = nil
    ) throws {
        let folder = try folder ?? TestFolder()
        self.folder = folder
        let standard = [
            "socket.path=\(folder.path)/frames.sock", "control.path=\(folder.path)/control.sock",
            "models.folder=\(Paths.models)", "render.threads=2", "render.pin=false",
            // All daemons of a run are to render alike.
            "render.measure_ms=0",
        ]
        let arguments =
            (configuration.map { ["--config", $0] } ?? [])
            + (standard + settings).flatMap { ["--set", $0] }
        program = try RunningProgram(
            launcher + [Paths.program("frameloomd")] + arguments,
            output: folder.path + "/log-\(UInt32.random(in: 0 ... .max))",
            passing: listening?.descriptor)
    }

    deinit { program.kill() }

    func waitUntilReady(seconds: Double = 60) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            if let health = try? health(), health.ready { return }
            if let status = program.exitStatus() {
                throw TestFailure("the daemon ended with \(status):\n\(program.output)")
            }
            guard ContinuousClock.now < end else {
                throw TestFailure("the daemon is not ready:\n\(program.output)")
            }
            usleep(20_000)
        }
    }

    func ask(_ request: ControlRequest) throws -> ControlReply {
        try ControlClient(path: controlPath, timeoutMilliseconds: 20_000).ask(request)
    }

    func health() throws -> HealthReport {
        guard case .health(let report) = try ask(.health) else {
            throw TestFailure("not a health report")
        }
        return report
    }

    func stats() throws -> StatsReport {
        guard case .stats(let report) = try ask(.stats) else {
            throw TestFailure("not a stats report")
        }
        return report
    }

    /// Waits until nobody holds a session, so that one test's end is not part of the next.
    func waitUntilUnused(seconds: Double = 30) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try stats().daemon.sessionsOpen > 0 {
            guard ContinuousClock.now < end else {
                throw TestFailure("sessions stay open:\n\(program.output)")
            }
            usleep(10_000)
        }
    }

    /// The proof that ends every hostile test: another client gets the picture it should.
    func expectGoodService() throws {
        if let status = program.exitStatus() {
            throw TestFailure("the daemon ended with \(status):\n\(program.output)")
        }
        let size = FrameSize(width: 64, height: 64)
        let client = try EngineClient(framePath)
        try client.open(SyntheticFrame.open(size))
        let picture = try client.render(1, SyntheticFrame(size, index: 0))
        try client.finish()
        let first = Self.goodPicture.withLock { known in
            known = known ?? picture
            return known
        }
        guard picture == first, Set(picture).count > 16 else {
            throw TestFailure("another client's picture is damaged")
        }
    }

    /// Of a frame without history: the same from every daemon of this run.
    private static let goodPicture = Mutex<[UInt8]?>(nil)
}

struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A temporary folder; short, because socket paths may have 107 bytes.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/frameloom-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp: \(errno)") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Where the build and the repository keep what the tests run.
enum Paths {
    static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "../..").standardized.path
    static let models = repository + "/Models"
    static let demoClip = repository + "/Clips/atrium-flight"

    /// SwiftPM puts programs beside the test runner.
    static func program(_ name: String) -> String {
        let runner = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: runner ?? "").deletingLastPathComponent().appending(path: name).path
    }
}
