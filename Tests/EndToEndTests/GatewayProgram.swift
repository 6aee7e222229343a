// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Glibc
import TestSupport

/// The real `frameloom-gateway` before a daemon.
final class GatewayProgram {
    static let token = "test-token-0123456789"

    let program: RunningProgram
    let port: Int
    private let folder: TestFolder

    init(socket: String, options: [String] = []) throws {
        folder = try TestFolder()
        program = try RunningProgram(
            [
                Paths.program("frameloom-gateway"), "--socket", socket, "--token", Self.token,
                "--pages", Paths.repository,
            ] + options, output: folder.path + "/out", errors: folder.path + "/errors")
        let end = ContinuousClock.now + .seconds(60)
        while !program.output.contains("\n") {
            if let status = program.exitStatus() {
                throw TestFailure("the gateway ended with \(status): \(program.errors)")
            }
            guard ContinuousClock.now < end else { throw TestFailure("the gateway does not start") }
            usleep(10_000)
        }
        let address = program.output.split(separator: "\n")[0]
        guard let url = URL(string: String(address)), let port = url.port else {
            throw TestFailure("no address: \(program.output)")
        }
        self.port = port
    }

    deinit { program.kill() }

    var path: String { "/frames?token=\(Self.token)" }
    var pageAddress: String { "http://127.0.0.1:\(port)/?token=\(Self.token)" }

    func connect(origin: String? = nil) throws -> WebSocketClient {
        try WebSocketClient(port: port, path: path, origin: origin)
    }

    /// Resident bytes.
    var memory: Int {
        let text =
            (try? String(contentsOfFile: "/proc/\(program.pid)/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
