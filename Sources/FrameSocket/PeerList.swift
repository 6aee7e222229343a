// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Users, and groups with an @ before them, by name or number: `alice, @render, 1000`.
package struct PeerList: Sendable, Equatable {
    private var users: Set<UInt32> = []
    private var groups: Set<UInt32> = []

    /// - Throws: where this machine knows no such user or group.
    package init(_ text: String) throws(SocketError) {
        for part in text.split(separator: ",") {
            let name = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            if name.first == "@" {
                groups.insert(try groupID(String(name.dropFirst())))
            } else if !name.isEmpty {
                users.insert(try userID(String(name)))
            }
        }
    }

    package func contains(_ peer: PeerCredentials) -> Bool {
        users.contains(peer.userID) || groups.contains(peer.groupID)
            || peer.groupIDs.contains { groups.contains($0) }
    }
}
