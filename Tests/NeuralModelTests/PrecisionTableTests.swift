// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps
import Testing

@testable import NeuralModel

@Suite struct PrecisionTableTests {
    private func table(_ text: String) throws -> PrecisionTable {
        try ManifestReader(root: JSON(parsing: Array("{\"precisions\": \(text)}".utf8)))
            .precisions()
    }

    private func entry(
        _ precision: String, psnr: Double, error: Double? = nil, auto: Bool
    ) -> String {
        "{\"precision\": \"\(precision)\", \"psnr\": \(psnr), \"temporalError\": "
            + "\(error.map { "\($0)" } ?? "null"), \"auto\": \(auto)}"
    }

    private func list(_ entries: String...) -> String {
        "[" + entries.joined(separator: ", ") + "]"
    }

    private let paths = KernelPath.allCases.filter(\.isSupported)

    @Test func theFastestThatIsGoodEnoughIsTaken() throws {
        let good = try table(
            list(
                entry("fp32", psnr: 23, error: 8, auto: true),
                entry("bf16", psnr: 23.01, error: 8, auto: true),
                entry("int8", psnr: 22.71, error: 8.39, auto: true)))
        for path in paths {
            #expect(good.automatic(on: path) == path.precisionsBySpeed.first)
            // What is left out of the list is never taken by itself.
            #expect(path.precisionsBySpeed.contains(.fp32))
        }
        #expect(KernelPath.avx2.precisionsBySpeed == [.int8, .fp32])
        #expect(good.automatic(on: .avx2) == .int8)
    }

    @Test func aLossOfMoreThanThreeTenthsOfADecibelIsTooMuch() throws {
        let dim = try table(
            list(
                entry("fp32", psnr: 23, error: 8, auto: true),
                entry("int8", psnr: 22.69, error: 8, auto: false)))
        #expect(!dim.isGoodEnough(.int8))
        #expect(dim.automatic(on: .avx2) == .fp32)
    }

    @Test func aTwentiethMoreTemporalErrorIsTooMuch() throws {
        let flickering = try table(
            list(
                entry("fp32", psnr: 23, error: 8, auto: true),
                entry("int8", psnr: 23, error: 8.41, auto: false)))
        #expect(flickering.automatic(on: .avx2) == .fp32)
        let unknown = try table(
            list(entry("fp32", psnr: 23, auto: true), entry("int8", psnr: 23, auto: true)))
        #expect(unknown.automatic(on: .avx2) == .int8)
    }

    @Test func whatWasNotMeasuredIsNotTaken() throws {
        #expect(PrecisionTable().automatic(on: .avx2) == .fp32)
        let alone = try table(list(entry("fp32", psnr: 23, error: 8, auto: true)))
        #expect(alone.automatic(on: .avx2) == .fp32)
    }

    @Test func aChoiceThatTheFiguresDoNotSupportIsRefused() {
        for (text, field) in [
            (
                list(entry("fp32", psnr: 23, auto: true), entry("int8", psnr: 20, auto: true)),
                "precisions[1].auto"
            ),
            (
                list(entry("fp32", psnr: 23, auto: true), entry("int8", psnr: 23, auto: false)),
                "precisions[1].auto"
            ),
            (list(entry("int8", psnr: 23, auto: true)), "precisions"),
            (
                list(entry("fp32", psnr: 23, auto: true), entry("fp32", psnr: 23, auto: true)),
                "precisions[1].precision"
            ),
            (list(entry("fp4", psnr: 23, auto: true)), "precisions[0].precision"),
            ("[{\"precision\": \"fp32\", \"auto\": true}]", "precisions[0].psnr"),
            ("[{\"precision\": \"fp32\", \"psnr\": 1}]", "precisions[0].auto"),
            (list(entry("fp32", psnr: 23, error: -1, auto: true)), "precisions[0].temporalError"),
            ("3", "precisions"),
        ] {
            do {
                _ = try table(text)
                Issue.record("\(text) was accepted")
            } catch ModelError.manifest(_, let found, _, _) {
                #expect(found == field)
            } catch {
                Issue.record("\(error)")
            }
        }
    }

    @Test func choicesAreNamedAsInTheConfiguration() {
        #expect(PrecisionChoice(name: "auto") == .automatic)
        for precision in Precision.allCases {
            let choice = PrecisionChoice.exactly(precision)
            #expect(PrecisionChoice(name: choice.name) == choice)
        }
        #expect(PrecisionChoice(name: "fp64") == nil)
    }
}
