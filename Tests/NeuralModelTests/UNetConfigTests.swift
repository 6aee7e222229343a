// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

@testable import FileFormats
@testable import NeuralModel

/// What config.json of a UNet or ControlNet states about attention is computed as diffusers does.
@Suite struct UNetConfigTests {
    private func config(
        _ part: String, _ added: [(String, JSON)]
    ) throws -> UNetConfig {
        let path = PackageFolder.goldens + "/framediffuser/model/\(part)/config.json"
        let root = try JSON(parsing: FileBytes.read(path, limit: 1 << 20))
        let members = (root.members ?? []).filter { member in
            !added.contains { $0.0 == member.name }
        }
        let reader = ManifestReader(
            root: .object(members + added.map { JSON.Member(name: $0.0, value: $0.1) }))
        return try UNetConfig(reader, isControlNet: part == "controlnet")
    }

    @Test func aControlNetsOwnNumberOfHeadsGoesFirst() throws {
        let plain = try config("controlnet", [("attention_head_dim", .number("2"))])
        #expect(plain.heads == Array(repeating: 2, count: plain.channels.count))
        let stated = try config(
            "controlnet",
            [("attention_head_dim", .number("2")), ("num_attention_heads", .number("1"))])
        #expect(stated.heads == Array(repeating: 1, count: plain.channels.count))
        let none = try config(
            "controlnet", [("attention_head_dim", .number("2")), ("num_attention_heads", .null)])
        #expect(none == plain)
    }

    @Test func aUNetsIsRefusedByName() throws {
        do {
            _ = try config("unet", [("num_attention_heads", .number("1"))])
            Issue.record("taken")
        } catch {
            #expect("\(error)".contains("num_attention_heads"), "\(error)")
        }
    }
}
