// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Testing

/// What fuzzing found worth keeping, once more through what reads it: `scripts/fuzz` searches, this
/// only sees to it that nothing of the kind breaks. A trap ends the test program, which then names the
/// test that was running.
@Suite struct CorpusTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "corpora")

    @Test(.timeLimit(.minutes(3)), arguments: targets.keys.sorted())
    func committedInputsAreReadWithoutATrap(name: String) throws {
        let target = try #require(targets[name])
        let text = try String(
            contentsOf: Self.folder.appending(path: "\(name).base64"), encoding: .utf8)
        let lines = text.split(separator: "\n")
        #expect(lines.count >= 5)
        for line in lines {
            let input = try #require(Data(base64Encoded: String(line)))
            target([UInt8](input))
        }
    }

    @Test func everyCorpusBelongsToATarget() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(Set(files) == Set(targets.keys.map { "\($0).base64" }))
    }
}
