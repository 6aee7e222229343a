// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What keeps the gateway from serving.
package enum GatewayError: Error, Equatable, CustomStringConvertible {
    case cannotListen(address: String, port: Int)
    case noFolder(path: String, reason: String)
    case notLoopback(address: String)

    package var description: String {
        switch self {
        case .cannotListen(let address, let port):
            "cannot listen on \(address), port \(port): in use, or no address of this machine"
        case .noFolder(let path, let reason): "cannot serve \(path): \(reason)"
        case .notLoopback(let address):
            "\(address) is reachable from other machines; --allow-remote says that this is meant"
        }
    }
}

/// Why a WebSocket ends, in its own codes (RFC 6455, section 7.4.1), with a sentence of at most 123
/// bytes.
package struct CloseReason: Equatable, Sendable, Error {
    package var code: UInt16
    package var text: String

    package static let normal = CloseReason(code: 1000, text: "")
    package static let notBinary = CloseReason(
        code: 1003, text: "messages are binary: one Frameloom message in each")

    package static let viewerSpoke = CloseReason(code: 1003, text: "a viewer sends nothing")

    package static func tooLarge(claimed: UInt64, limit: UInt64) -> CloseReason {
        CloseReason(code: 1009, text: "a message of \(claimed) bytes; the limit is \(limit)")
    }

    package static func malformed(_ text: String) -> CloseReason {
        CloseReason(code: 1002, text: text)
    }

    package static func daemon(_ text: String) -> CloseReason {
        CloseReason(code: 1011, text: text)
    }

    package static func overLimit(_ text: String) -> CloseReason {
        CloseReason(code: 1013, text: text)
    }

    package static func tooSlow(seconds: Int) -> CloseReason {
        CloseReason(code: 1008, text: "nothing was taken for \(seconds) seconds")
    }
}
