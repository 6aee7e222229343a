// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Foundation
import Testing

/// The JavaScript client's numbers are written by hand: they are those of the header, and those of its
/// types.
@Suite struct JavaScriptClientTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    /// What the header puts before the name of a member.
    private static let prefixes = [
        "Type": "", "FrameFlag": "FRAME_", "PictureFlag": "PICTURE_", "Feature": "FEATURE_",
        "Plane": "", "Format": "", "PlaneFlag": "PLANE_", "Origin": "ORIGIN_",
        "Mailbox": "MAILBOX_", "NormalSpace": "NORMALS_", "DepthKind": "DEPTH_",
        "RoughnessKind": "ROUGHNESS_", "Axes": "AXES_", "MotionFlag": "MOTION_",
        "ErrorCode": "ERROR_", "PictureFormat": "PICTURE_",
    ]
    /// Members of `Axes` that the header calls by what they are.
    private static let otherNames = [
        "AXES_METRES": "UNIT_METRES", "AXES_CENTIMETRES": "UNIT_CENTIMETRES",
        "AXES_COLUMN_MAJOR": "MATRIX_COLUMN_MAJOR",
    ]

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    /// `NAME` without FL_, and its value.
    private func header() throws -> [String: UInt64] {
        let text = try text("Sources/CFrameProtocol/include/frame_protocol.h")
        var found: [String: UInt64] = [:]
        for match in text.matches(of: /#define FL_(\w+) (?:(\d+)u|\(1ull << (\d+)\))/) {
            let number = match.2.flatMap { UInt64($0) }
            let bit = match.3.flatMap { UInt64($0) }
            found[String(match.1)] = number ?? bit.map { 1 << $0 }
        }
        return found
    }

    /// Of each object of numbers its members.
    private func objects(_ path: String, _ pattern: Regex<(Substring, Substring, Substring)>)
        throws -> [String: [String: UInt64]]
    {
        var found: [String: [String: UInt64]] = [:]
        for match in try text(path).matches(of: pattern) {
            for member in match.2.matches(of: /(\w+): (\d+)/) {
                found[String(match.1), default: [:]][String(member.1)] = UInt64(member.2)
            }
        }
        return found
    }

    @Test func numbersAreThoseOfTheHeader() throws {
        let header = try header()
        let client = try objects(
            "clients/javascript/frameloom.js", /const (\w+) = \{([^}\[]*)\};/)
        #expect(Set(client.keys) == Set(Self.prefixes.keys))
        for (object, members) in client {
            for (member, value) in members {
                let name = (Self.prefixes[object] ?? "?") + member
                #expect(header[Self.otherNames[name] ?? name] == value, "\(object).\(member)")
            }
        }
        // All planes, formats and flags of frames: one that is new must be known here as well.
        let planes = client["Plane"]?.count ?? 0
        #expect(planes == 8, "the header's kinds but the one that is refused")
        let formats = (client["Format"] ?? [:]).values.max()
        #expect(formats == header["CONSTANT"] && client["Format"]?.count == Int(formats ?? 0))
    }

    @Test func typesAreThoseOfTheModule() throws {
        var module = try objects(
            "clients/javascript/frameloom.js", /const (\w+) = \{([^}\[]*)\};/)
        module["Type"] = nil
        let types = try objects(
            "clients/javascript/frameloom.d.ts", /export const (\w+): \{([^}]*)\};/)
        #expect(types == module)
    }

    @Test func sizesAreThoseOfTheStructs() throws {
        let module = try text("clients/javascript/frameloom.js")
        for (name, byteCount) in [
            ("HEADER_BYTES", MemoryLayout<fl_header>.size),
            ("OPEN_BYTES", MemoryLayout<fl_open>.size),
            ("FRAME_BYTES", MemoryLayout<fl_frame>.size),
        ] {
            #expect(module.contains("const \(name) = \(byteCount);"), "\(name)")
        }
        #expect(module.contains("const VERSION = \(FL_VERSION);"))
    }
}
