// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl
import FrameGateway
import Glibc

/// A client of the daemon that lets browsers be clients too.
@main
struct FrameloomGateway: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frameloom-gateway",
        abstract: "Serves the walk page and relays its WebSockets to the Frameloom daemon.",
        discussion: """
            Prints the page's address, which holds the token, on standard output. `frameloom walk` \
            starts this program, and a daemon where none runs. docs/walk.md has more.
            """,
        version: buildVersion)

    @Option(help: "Socket of the daemon.")
    var socket = DefaultPaths.frameSocketToUse

    @Option(help: "Control socket of the daemon: browsers may then watch other clients' sessions.")
    var control: String?

    @Flag(help: "With --control: browsers may watch and send no frames.")
    var watchOnly = false

    @Option(help: "Address to listen on.")
    var address = "127.0.0.1"

    @Option(help: "Port to listen on; 0: any free one.")
    var port = 0

    @Flag(help: "Listen on an address that other machines reach. There is no encryption.")
    var allowRemote = false

    @Option(help: "Token that a page must send; by default FRAMELOOM_TOKEN or a new one.")
    var token: String?

    @Option(help: "NAME:PORT by which browsers reach this gateway besides its address.")
    var host: [String] = []

    @Option(help: "Another page that may connect, e.g. https://tools.example.")
    var origin: [String] = []

    @Option(help: "Folder with walk/ and clients/javascript/; found beside the program by default.")
    var pages: String?

    @Option(help: "Largest message from a browser, MiB.")
    var maxMessageMib = 512

    @Option(help: "Browsers connected at the same time.")
    var connections = 64

    @Option(help: "Quality of JPEG pictures, 1 to 100.")
    var jpegQuality = 85

    func validate() throws {
        if !(0...65535).contains(port) { throw ValidationError("--port is 0 to 65535") }
        if !(1...2048).contains(maxMessageMib) {
            throw ValidationError("--max-message-mib is 1 to 2048")
        }
        if !(1...4096).contains(connections) { throw ValidationError("--connections is 1 to 4096") }
        if watchOnly, control == nil { throw ValidationError("--watch-only needs --control") }
        if !(1...100).contains(jpegQuality) { throw ValidationError("--jpeg-quality is 1 to 100") }
        if let token, token.utf8.count < 16 || !token.allSatisfy(Self.isPlain) {
            throw ValidationError("--token has at least 16 of A-Z a-z 0-9 - _")
        }
        if !allowRemote, !address.hasPrefix("127."), address != "::1", address != "localhost" {
            throw ValidationError("\(GatewayError.notLoopback(address: address))")
        }
    }

    private static func isPlain(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_".contains(character))
    }

    @Option(
        help: ArgumentHelp(
            "End when the program of this number, which started this one, ends.",
            visibility: .hidden))
    var endsWith: Int64?

    func run() throws {
        if let endsWith { ParentProgram.endWith(endsWith) }
        guard let pages = pages ?? DefaultPaths.pageFolder else {
            throw ValidationError(
                "no folder with walk/ and clients/javascript/; name it with --pages")
        }
        var settings = GatewaySettings(socketPath: socket, token: effectiveToken())
        settings.controlPath = control
        settings.takesFrames = !watchOnly
        settings.address = address == "localhost" ? "127.0.0.1" : address
        settings.port = port
        settings.hosts = host
        settings.origins = origin
        settings.folders = [
            "/": pages + "/walk", "/clients/javascript/": pages + "/clients/javascript",
        ]
        settings.maxMessageBytes = UInt64(maxMessageMib) << 20
        settings.maxConnections = connections
        settings.jpegQuality = jpegQuality
        let signals = StopSignals()
        let gateway: Gateway
        do {
            gateway = try Gateway(settings)
        } catch {
            throw ValidationError("\(error)")
        }
        let shown = settings.address.contains(":") ? "[\(settings.address)]" : settings.address
        print("http://\(shown):\(gateway.port)/?token=\(settings.token)")
        fflush(nil)
        signals.onSignal(gateway.wake)
        gateway.run { signals.isStopping }
    }

    private func effectiveToken() -> String {
        if let token { return token }
        if let stated = getenv("FRAMELOOM_TOKEN") { return String(cString: stated) }
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<16).map { _ in UInt8.random(in: 0 ... .max, using: &generator) }
        return bytes.map { byte in
            let digits = Array("0123456789abcdef")
            return "\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }.joined()
    }
}
