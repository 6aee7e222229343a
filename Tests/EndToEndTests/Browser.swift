// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Glibc
import TestSupport

/// A real Chromium without a window, driven by its DevTools protocol. WebGL runs on the CPU.
final class Browser {
    private static let program = "/usr/bin/chromium"
    static var isInstalled: Bool { access(program, X_OK) == 0 }

    private let folder: TestFolder
    private let program: RunningProgram
    private let socket: WebSocketClient
    private var session = ""
    private var lastID = 0

    /// Opens one page.
    init(page address: String) throws {
        folder = try TestFolder()
        program = try RunningProgram(
            [
                Self.program, "--headless", "--no-sandbox", "--disable-dev-shm-usage",
                "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
                "--remote-debugging-port=0", "--user-data-dir=\(folder.path)/profile",
                "about:blank",
            ], output: folder.path + "/out", errors: folder.path + "/errors")
        socket = try Self.connect(program)
        let target = try call("Target.createTarget", ["url": address])["targetId"] as? String
        let attached = try call(
            "Target.attachToTarget", ["targetId": target ?? "", "flatten": true])
        session = attached["sessionId"] as? String ?? ""
    }

    deinit { program.kill() }

    private static func connect(_ program: RunningProgram) throws -> WebSocketClient {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if let line = program.errors.split(separator: "\n").first(where: {
                $0.contains("DevTools listening on ")
            }), let url = URL(string: String(line.split(separator: " ").last ?? "")),
                let port = url.port
            {
                return try WebSocketClient(port: port, path: url.path, subprotocol: nil)
            }
            if let status = program.exitStatus() {
                throw TestFailure("chromium ended with \(status): \(program.errors)")
            }
            usleep(100_000)
        }
        throw TestFailure("chromium does not start: \(program.errors)")
    }

    @discardableResult
    private func call(_ method: String, _ parameters: [String: Any]) throws -> [String: Any] {
        lastID += 1
        var message: [String: Any] = ["id": lastID, "method": method, "params": parameters]
        if !session.isEmpty { message["sessionId"] = session }
        try socket.send(opcode: 1, Array(JSONSerialization.data(withJSONObject: message)))
        while let frame = try socket.receive(seconds: 120) {
            guard frame.opcode == 1,
                let reply = try JSONSerialization.jsonObject(with: Data(frame.payload))
                    as? [String: Any], reply["id"] as? Int == lastID
            else { continue }
            guard let result = reply["result"] as? [String: Any] else {
                throw TestFailure("\(method): \(reply)")
            }
            return result
        }
        throw TestFailure("\(method): no answer: \(program.errors)")
    }

    /// The value of a JavaScript expression, awaited.
    func evaluate(_ expression: String) throws -> Any? {
        let result = try call(
            "Runtime.evaluate",
            ["expression": expression, "awaitPromise": true, "returnByValue": true])
        if let failure = result["exceptionDetails"] { throw TestFailure("\(failure)") }
        return (result["result"] as? [String: Any])?["value"]
    }

    /// Waits until an expression is true.
    func wait(for condition: String, seconds: Double = 300) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        while try evaluate("!!(\(condition))") as? Bool != true {
            guard ContinuousClock.now < end else {
                let text = try evaluate("document.body.innerText")
                throw TestFailure("\(condition) does not come true: \(text ?? "")")
            }
            usleep(100_000)
        }
    }

    /// A pointer of Chromium's own, pressed at one place and let go at another; pixels of the page.
    func drag(from start: (x: Double, y: Double), to end: (x: Double, y: Double)) throws {
        for (kind, place) in [
            ("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end),
        ] {
            try call(
                "Input.dispatchMouseEvent",
                [
                    "type": kind, "x": place.x, "y": place.y, "button": "left",
                    "buttons": kind == "mouseReleased" ? 0 : 1, "clickCount": 1,
                ])
        }
    }

    func touch(_ kind: String, at place: (x: Double, y: Double)?) throws {
        let points = place.map { [["x": $0.x, "y": $0.y]] } ?? []
        try call("Input.dispatchTouchEvent", ["type": kind, "touchPoints": points])
    }

    func press(_ code: String, _ key: String) throws {
        try call("Input.dispatchKeyEvent", ["type": "keyDown", "code": code, "key": key])
    }

    func release(_ code: String, _ key: String) throws {
        try call("Input.dispatchKeyEvent", ["type": "keyUp", "code": code, "key": key])
    }
}
