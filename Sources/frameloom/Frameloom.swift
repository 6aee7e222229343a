// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import ArgumentParser
import FrameControl

/// What a person types. One file per verb.
@main
struct Frameloom: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "frameloom",
        abstract: "Play clips through the Frameloom daemon and look at what it does.",
        version: buildVersion,
        subcommands: [
            PlayCommand.self, RenderCommand.self, ClipCommand.self, ConvertCommand.self,
            BenchCommand.self,
            StillCommand.self, DoctorCommand.self,
            StatsCommand.self, TopCommand.self, MetricsCommand.self, SessionsCommand.self,
            HealthCommand.self, ModelsCommand.self,
            ReloadCommand.self, DrainCommand.self, KickCommand.self, LogLevelCommand.self,
            WalkCommand.self, ViewCommand.self, RecordCommand.self, SnapshotCommand.self,
        ])
}
