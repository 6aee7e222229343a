// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// A bar that stays on one line of a terminal; nothing elsewhere.
final class Progress {
    private let label: String
    private let total: Int
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private var lastDrawn: UInt64 = 0
    private var isDrawn = false

    init(label: String, total: Int) {
        self.label = label
        self.total = total
    }

    /// - Parameter detail: what stands behind the count, e.g. speed; only asked for if it is drawn.
    func update(_ done: Int, detail: () -> String = { "" }) {
        let time = now()
        guard isTerminal, time - lastDrawn >= 100_000_000 else { return }
        lastDrawn = time
        let count = "\(label) \(done)/\(total)"
        let width = 24
        let filled = total == 0 ? width : min(width, done * width / total)
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        write("\r\u{1B}[K\(bar) \(count)  \(detail())", to: STDERR_FILENO)
        isDrawn = true
    }

    /// Takes the bar away again.
    func end() {
        if isDrawn { write("\r\u{1B}[K", to: STDERR_FILENO) }
        isDrawn = false
    }
}
