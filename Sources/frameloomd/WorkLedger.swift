// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameTypes

/// What was done with each model. The server's own holds what sessions did that ended, or that went on to
/// another model; a copy of it, gathered for a report, the open ones as well.
struct WorkLedger: Sendable {
    private struct Entry {
        var work = WorkCounts()
        var latency = LatencyHistogram()
    }

    private var entries: [String: Entry] = [:]

    /// Books what the session did since the last booking to the model that it has now.
    mutating func book(_ client: Client) {
        guard client.grant != nil else { return }
        let counts = client.session.counters.settled
        add(counts, of: client)
        client.booked = counts
    }

    /// - Parameter counts: the session's, all of them.
    mutating func add(_ counts: WorkCounts, of client: Client) {
        guard let model = client.grant?.model.name else { return }
        entries[model, default: Entry()].work += counts.since(client.booked)
    }

    mutating func record(_ latency: UInt64, of model: String) {
        entries[model, default: Entry()].latency.record(ns: latency)
    }

    /// By name. Takes longer than a turn of the loop may.
    var reports: [ModelWork] {
        entries.sorted { $0.key < $1.key }.map { model, entry in
            var work = WorkReport(entry.work)
            work.latency = entry.latency.bucketedReport
            return ModelWork(model: model, work: work)
        }
    }
}
