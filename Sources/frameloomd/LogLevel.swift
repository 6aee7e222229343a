// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Logging
import Synchronization

/// From which level on events are logged, for all loggers of the process; any thread.
final class LogLevel: Sendable {
    private let level: Mutex<Logger.Level>

    init(_ level: Logger.Level) {
        self.level = Mutex(level)
    }

    var value: Logger.Level {
        get { level.withLock { $0 } }
        set { level.withLock { $0 = newValue } }
    }
}
