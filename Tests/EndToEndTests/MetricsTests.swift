// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import Foundation
import FrameTypes
import TestSupport
import Testing

extension EndToEnd {
    /// `frameloom metrics` against a daemon that works.
    @Suite(.daemon(), .timeLimit(.minutes(3))) struct Metrics {
        private let daemon = SharedDaemon.current!
        private let folder: TestFolder
        private let size = FrameSize(width: 64, height: 64)

        init() throws { folder = try TestFolder() }

        private func run(_ arguments: [String]) throws -> (Int32, String, String) {
            let name = folder.path + "/run-\(UInt32.random(in: 0 ... .max))"
            let program = try RunningProgram(
                [Paths.program("frameloom")] + arguments, output: name, errors: name + ".errors")
            return (try program.waitForExit(seconds: 60), program.output, program.errors)
        }

        private func metrics(_ more: [String] = []) throws -> Exposition {
            let (code, output, errors) = try run(
                ["metrics", "--control", daemon.controlPath] + more)
            #expect(code == 0, "\(errors)")
            return try Exposition(output)
        }

        @Test func numbersAddUpUnderLoad() throws {
            let clients = try (0..<3).map { _ in try EngineClient(daemon.framePath) }
            for client in clients { try client.open(SyntheticFrame.open(size)) }
            var last = 0.0
            for frame in UInt64(1)...4 {
                for client in clients {
                    _ = try client.render(frame, SyntheticFrame(size, index: Int(frame)))
                }
                let found = try metrics(["--sessions"])
                for prefix in ["", "model_", "session_"] {
                    func sum(_ name: String) -> Double { found.sum("frameloom_\(prefix)\(name)") }
                    #expect(
                        sum("frames_received_total")
                            == sum("frames_rendered_total") + sum("frames_dropped_total")
                            + sum("frames_failed_total") + sum("frames_waiting")
                            + sum("frames_rendering"))
                }
                for name in ["frames_rendered_total", "frame_latency_seconds_count"] {
                    #expect(
                        found.sum("frameloom_\(name)") == found.sum("frameloom_model_\(name)"))
                }
                #expect(
                    found.value("frameloom_frame_latency_seconds_bucket", ["le": "+Inf"])
                        == found.sum("frameloom_frame_latency_seconds_count"))
                #expect(found.sum("frameloom_frames_rendered_total") >= last + 3)
                last = found.sum("frameloom_frames_rendered_total")
            }
            #expect(try metrics().value("frameloom_sessions") == 3)
            withExtendedLifetime(clients) {}
        }

        @Test func promtoolFindsNothing() throws {
            let client = try EngineClient(daemon.framePath)
            try client.open(SyntheticFrame.open(size))
            _ = try client.render(1, SyntheticFrame(size, index: 0))
            let path = folder.path + "/frameloom.prom"
            let (code, _, errors) = try run([
                "metrics", "--control", daemon.controlPath, "--sessions", "--metrics-file", path,
            ])
            #expect(code == 0, "\(errors)")
            try #require(FileManager.default.fileExists(atPath: path))
            guard let promtool = Self.promtool else {
                print("SKIPPED: promtool (package prometheus) did not look at the metrics")
                return
            }
            let check = try RunningProgram(
                ["/bin/sh", "-c", "exec \"$0\" check metrics <\"$1\"", promtool, path],
                output: folder.path + "/promtool")
            #expect(try check.waitForExit() == 0)
            #expect(check.output == "")
        }

        @Test func theBoardAsksForMetricsThatExist() throws {
            let client = try EngineClient(daemon.framePath)
            try client.open(SyntheticFrame.open(size))
            _ = try client.render(1, SyntheticFrame(size, index: 0))
            let names = Set(try metrics().samples.map(\.name))
            let queries = try Board.queries()
            #expect(queries.count > 15)
            for query in queries {
                let asked = query.matches(of: /frameloom_[a-z_]+/).map { String($0.output) }
                #expect(!asked.isEmpty, "\(query)")
                for name in asked { #expect(names.contains(name), "\(name)") }
            }
            guard let promtool = Self.promtool else {
                print("SKIPPED: promtool (package prometheus) did not parse the board's queries")
                return
            }
            let rules = folder.path + "/rules.yml"
            var text = "groups:\n- name: board\n  rules:\n"
            for (index, query) in queries.enumerated() {
                let filled = query.replacingOccurrences(of: "$__rate_interval", with: "5m")
                    .replacingOccurrences(of: "$instance", with: ".*")
                text += "  - record: query:number\(index)\n    expr: '\(filled)'\n"
            }
            try text.write(toFile: rules, atomically: true, encoding: .utf8)
            let check = try RunningProgram(
                [promtool, "check", "rules", rules], output: folder.path + "/promtool")
            #expect(try check.waitForExit() == 0, "\(check.output)")
        }

        @Test func theFileIsReplacedWholeAndSaysWhenTheDaemonIsGone() throws {
            let path = folder.path + "/frameloom.prom"
            let writer = try RunningProgram(
                [
                    Paths.program("frameloom"), "metrics", "--control", daemon.controlPath,
                    "--metrics-file", path, "--interval", "0.1",
                ], output: folder.path + "/writer")
            var reads = 0
            let end = ContinuousClock.now + .seconds(60)
            while reads < 40, ContinuousClock.now < end {
                guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                    usleep(5000)
                    continue
                }
                let found = try Exposition(text)
                #expect(found.value("frameloom_up") == 1)
                #expect(found.value("frameloom_frame_latency_seconds_count") != nil)
                reads += 1
                usleep(2000)
            }
            #expect(reads == 40)
            writer.kill()

            let (code, _, errors) = try run([
                "metrics", "--control", folder.path + "/absent.sock", "--metrics-file", path,
            ])
            #expect(code == 1 && errors.contains("no daemon is running"))
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(try Exposition(text).value("frameloom_up") == 0)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            // The killed writer may have left its part; this run has not.
            #expect(left.filter { $0.contains(".part-") }.count <= 1)
        }

        private static var promtool: String? {
            (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
                .map { "\($0)/promtool" }
                .first { FileManager.default.isExecutableFile(atPath: $0) }
        }
    }
}

/// Prometheus' text format, read strictly: every sample belongs to the metric declared before it.
struct Exposition {
    struct Sample {
        var name: String
        var labels: [String: String]
        var value: Double
    }

    private(set) var samples: [Sample] = []

    init(_ text: String) throws {
        var declared: (name: String, type: String) = ("", "")
        var seen: Set<String> = []
        guard text.hasSuffix("\n") else { throw TestFailure("no newline at the end") }
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            if let match = line.wholeMatch(of: /# HELP ([a-z_]+) \S.*/) {
                declared.name = String(match.1)
                guard seen.insert(declared.name).inserted else { throw bad(line, "twice") }
            } else if let match = line.wholeMatch(
                of: /# TYPE ([a-z_]+) (counter|gauge|histogram|summary)/)
            {
                guard match.1 == declared.name else { throw bad(line, "not after its HELP") }
                declared.type = String(match.2)
                let isCounter = declared.type == "counter"
                guard declared.name.hasSuffix("_total") == isCounter else {
                    throw bad(line, "_total is for counters")
                }
            } else if let match = line.wholeMatch(of: /([a-z_]+)(?:\{(.*)\})? (\S+)/),
                let value = Double(match.3)
            {
                let name = String(match.1)
                let suffixes = ["", "_sum", "_count", "_bucket"]
                guard suffixes.contains(where: { declared.name + $0 == name }) else {
                    throw bad(line, "belongs to no metric before it")
                }
                var labels: [String: String] = [:]
                for pair in (match.2 ?? "").matches(of: /([a-z_]+)="((?:[^"\\]|\\.)*)"/) {
                    labels[String(pair.1)] = String(pair.2)
                }
                guard seen.insert(name + labels.sorted { $0.key < $1.key }.description).inserted
                else { throw bad(line, "twice") }
                samples.append(Sample(name: name, labels: labels, value: value))
            } else {
                throw bad(line, "is no line of the format")
            }
        }
    }

    func sum(_ name: String) -> Double {
        samples.filter { $0.name == name }.reduce(0) { $0 + $1.value }
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        samples.first { $0.name == name && $0.labels == labels }?.value
    }
}

private func bad(_ line: Substring, _ reason: String) -> TestFailure {
    TestFailure("'\(line)': \(reason)")
}

/// The Grafana board of the documentation.
private enum Board {
    static func queries() throws -> [String] {
        let data = try #require(
            FileManager.default.contents(atPath: Paths.repository + "/docs/dashboard.json"))
        let board = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        let panels = try #require(board?["panels"] as? [[String: Any]])
        return panels.flatMap { $0["targets"] as? [[String: Any]] ?? [] }
            .compactMap { $0["expr"] as? String }
    }
}
