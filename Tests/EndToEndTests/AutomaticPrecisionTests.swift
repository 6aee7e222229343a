// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import FrameControl
import FrameTypes
import Foundation
import TestSupport
import Testing

extension EndToEnd {
    /// `auto` at real daemons: the first start measures, the next one reads.
    @Suite(.timeLimit(.minutes(5))) struct AutomaticPrecision {
        private let cache: TestFolder

        init() throws { cache = try TestFolder() }

        private func daemon(_ settings: [String] = [], cache path: String? = nil) throws -> Daemon {
            try Daemon(
                ["render.measure_ms=60000", "render.threads=1", "log.level=debug"] + settings,
                launcher: ["/usr/bin/env", "XDG_CACHE_HOME=\(path ?? cache.path)"])
        }

        private func model(_ daemon: Daemon) throws -> ModelReport {
            guard case .models(let models) = try daemon.ask(.models) else {
                throw TestFailure("no list of models")
            }
            return try #require(models.first { $0.isDefault })
        }

        private var files: [String] {
            let folder = cache.path + "/frameloom"
            let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
            return (names ?? []).map { "\(folder)/\($0)" }
        }

        @Test func theFirstStartMeasuresAndTheNextOnesRead() throws {
            let first = try daemon()
            let measured = try model(first)
            #expect(measured.precisionReason.hasPrefix("measured: \(measured.precision) "))
            #expect(first.program.output.contains("precision is not remembered"), "at debug level")
            #expect(first.program.output.contains("why"))
            let session = try EngineClient(first.framePath)
            let opened = try session.open(SyntheticFrame.open(FrameSize(width: 64, height: 64)))
            #expect(text(opened.precision_reason) == measured.precisionReason)
            #expect(text(opened.precision) == measured.precision)
            first.program.kill()
            #expect(files.count == 1)

            let second = try daemon()
            let read = try model(second)
            #expect(read.precision == measured.precision)
            let words = measured.precisionReason.replacing("measured:", with: "measured before:")
            #expect(read.precisionReason == words)
            second.program.kill()

            // A damaged file is measured anew and written over.
            let path = try #require(files.first)
            let sound = try Data(contentsOf: URL(filePath: path))
            try sound.prefix(sound.count / 2).write(to: URL(filePath: path))
            let third = try daemon()
            #expect(try model(third).precisionReason.hasPrefix("measured: "))
            #expect(third.program.output.contains("is damaged"))
            try third.expectGoodServiceOfOwn()
            third.program.kill()
            #expect(files.count == 1)
            let fourth = try daemon()
            #expect(try model(fourth).precisionReason.hasPrefix("measured before: "))
        }

        @Test func aFolderThatCannotBeWrittenHurtsNobody() throws {
            let blocked = cache.path + "/file"
            try Data().write(to: URL(filePath: blocked))
            let daemon = try daemon(cache: blocked)
            #expect(try model(daemon).precisionReason.hasPrefix("measured: "))
            #expect(daemon.program.output.contains("cannot write"))
            try daemon.expectGoodServiceOfOwn()
        }

        @Test func withoutTimeTheInstructionsDecideAndNothingIsKept() throws {
            for settings in [["render.measure_ms=0"], ["render.measure_ms=1"]] {
                let daemon = try daemon(settings)
                #expect(try model(daemon).precisionReason.hasPrefix("by the processor's"))
            }
            let stated = try daemon(["render.precision=int8"])
            #expect(try model(stated).precision == "int8")
            #expect(try model(stated).precisionReason == "stated")
            #expect(files.isEmpty)
        }
    }
}

extension Daemon {
    /// One picture, whatever its bytes: `auto` may choose otherwise than other daemons of the run.
    fileprivate func expectGoodServiceOfOwn() throws {
        let size = FrameSize(width: 64, height: 64)
        let client = try EngineClient(framePath)
        _ = try client.open(SyntheticFrame.open(size))
        #expect(Set(try client.render(1, SyntheticFrame(size, index: 0))).count > 16)
        try client.finish()
    }
}
