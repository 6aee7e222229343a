// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Who may open a WebSocket: decided from the handshake alone, before anything is made for it.
///
/// The token keeps out other users of the machine, the origin other pages in the same browser, and
/// the host pages whose name was made to point at this machine.
package struct Admission: Sendable {
    package struct Handshake: Sendable {
        package var path: String
        package var token: String?
        package var host: String?
        /// Browsers always send one; nil comes from programs, which the token alone admits.
        package var origin: String?
        /// As the client offers them.
        package var protocols: [String]

        package init(
            path: String, token: String?, host: String?, origin: String?, protocols: [String]
        ) {
            self.path = path
            self.token = token
            self.host = host
            self.origin = origin
            self.protocols = protocols
        }
    }

    /// An HTTP status and a sentence.
    package struct Refusal: Error, Equatable {
        package var status: UInt32
        package var reason: String
    }

    package static let path = "/frames"
    /// Only where the gateway was given the control socket.
    package static let watchPath = "/watch"
    package static let protocolName = "frameloom-1"

    private let token: [UInt8]
    private let paths: Set<String>
    private let hosts: Set<String>
    private let origins: Set<String>

    /// - Parameters:
    ///   - hosts: `NAME:PORT` as browsers may have it in their address line.
    ///   - origins: further pages that may connect, `https://NAME`.
    package init(
        token: String, hosts: [String], origins: [String] = [], showsSessions: Bool = false,
        takesFrames: Bool = true
    ) {
        self.token = Array(token.utf8)
        paths = Set(
            (takesFrames ? [Self.path] : []) + (showsSessions ? [Self.watchPath] : []))
        self.hosts = Set(hosts.map { $0.lowercased() })
        self.origins = Set(origins.map { $0.lowercased() } + self.hosts.map { "http://\($0)" })
    }

    package func check(_ handshake: Handshake) throws(Refusal) {
        try checkHost(handshake.host)
        guard paths.contains(handshake.path) else {
            throw Refusal(
                status: 404,
                reason: handshake.path == Self.watchPath
                    ? "this gateway shows no sessions (--control)"
                    : paths.contains(Self.path)
                        ? "frames go to \(Self.path)"
                        : "this gateway takes no frames (--watch-only)")
        }
        if let origin = handshake.origin, !origins.contains(origin.lowercased()) {
            throw Refusal(status: 403, reason: "the page's origin may not connect")
        }
        guard let offered = handshake.token, Self.isEqual(Array(offered.utf8), token) else {
            throw Refusal(status: 401, reason: "the token in the address is missing or wrong")
        }
        guard handshake.protocols.contains(Self.protocolName) else {
            throw Refusal(
                status: 400, reason: "the WebSocket protocol must be \(Self.protocolName)")
        }
    }

    package func checkHost(_ host: String?) throws(Refusal) {
        guard let host, hosts.contains(host.lowercased()) else {
            throw Refusal(status: 403, reason: "this host name is not served")
        }
    }

    /// Takes as long for a wrong token as for one that is nearly right.
    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
