// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What a gateway serves and to whom.
package struct GatewaySettings: Sendable {
    /// The daemon's frame socket.
    package var socketPath: String
    /// The daemon's control socket, where browsers may watch other clients' sessions.
    package var controlPath: String?
    /// Browsers may only watch.
    package var takesFrames = true
    package var address = "127.0.0.1"
    /// 0: any free one.
    package var port = 0
    package var token: String
    /// Further `NAME:PORT` by which the gateway is reached, e.g. through a proxy.
    package var hosts: [String] = []
    /// Further pages that may connect, `https://NAME`.
    package var origins: [String] = []
    /// Folders by the start of their path in addresses: `/`, `/clients/javascript/`.
    package var folders: [String: String] = [:]
    /// Larger than any G-buffer that a daemon admits by default.
    package var maxMessageBytes: UInt64 = 512 << 20
    package var maxConnections = 64
    package var jpegQuality = 85
    /// Seconds in which a handshake must be complete.
    package var handshakeSeconds = 5
    /// Seconds after which a browser that takes nothing is let go.
    package var stallSeconds = 30

    package init(socketPath: String, token: String) {
        self.socketPath = socketPath
        self.token = token
    }
}
