// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What happens to a frame that arrives while another one of its session waits. Raw values are the words
/// of reports and command lines.
package enum Mailbox: String, Sendable, Hashable, Codable, CaseIterable {
    /// The newer frame replaces the waiting one.
    case latest
    /// Every frame is rendered; the daemon stops reading when full.
    case every
}
