// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps
import TestSupport
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

    @Test func theFastestThatIsGoodEnoughIsTaken() throws {
        let good = try table(
            list(
                entry("fp32", psnr: 23, error: 8, auto: true),
                entry("bf16", psnr: 23.01, error: 8, auto: true),
                entry("int8", psnr: 22.71, error: 8.39, auto: true)))
        #expect(good.automatic(fastestFirst: [.int8, .bf16, .fp32]) == .int8)
        #expect(good.automatic(fastestFirst: [.bf16, .fp32]) == .bf16)
        #expect(good.automatic(fastestFirst: [.fp32]) == .fp32)
    }

    @Test func aLossOfMoreThanThreeTenthsOfADecibelIsTooMuch() throws {
        let dim = try table(
            list(
                entry("fp32", psnr: 23, error: 8, auto: true),
                entry("int8", psnr: 22.69, error: 8, auto: false)))
        #expect(!dim.isGoodEnough(.int8))
        #expect(dim.automatic(fastestFirst: [.int8, .fp32]) == .fp32)
    }

    @Test func aTwentiethMoreTemporalErrorIsTooMuch() throws {
        let flickering = try table(
            list(
                entry("fp32", psnr: 23, error: 8, auto: true),
                entry("int8", psnr: 23, error: 8.41, auto: false)))
        #expect(flickering.automatic(fastestFirst: [.int8, .fp32]) == .fp32)
        let unknown = try table(
            list(entry("fp32", psnr: 23, auto: true), entry("int8", psnr: 23, auto: true)))
        #expect(unknown.automatic(fastestFirst: [.int8, .fp32]) == .int8)
    }

    @Test func whatWasNotMeasuredIsNotTaken() throws {
        #expect(PrecisionTable().automatic(fastestFirst: [.int8, .fp32]) == .fp32)
        let alone = try table(list(entry("fp32", psnr: 23, error: 8, auto: true)))
        #expect(alone.automatic(fastestFirst: [.int8, .fp32]) == .fp32)
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

    /// And with AVX2 that bf16 has half of the bytes.
    @Test func onlyInstructionsOfTheirOwnMakeAPrecisionFasterThanFP32() {
        for path in KernelPath.allCases where path.isSupported {
            let order = path.precisionsBySpeed
            #expect(order.last == .fp32 && Set(order).count == order.count)
            for precision in Precision.allCases where precision != .fp32 {
                let name = path.name(at: precision)
                #expect(
                    order.contains(precision)
                        == (name.contains("vnni") || name.contains("bf16-")
                            || path == .avx2 && precision == .bf16))
            }
        }
    }

    @Test func theShippedModelHasFiguresOfEveryPrecision() throws {
        let table = try CompactModel.manifest(in: PackageFolder.defaultModel).precisions
        #expect(Set(table.entries.map(\.precision)) == Set(Precision.allCases))
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
