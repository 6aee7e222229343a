// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FoundationEssentials
import NeuralModel
import NeuralOps

/// What measured times hold for: another model file, processor, kernel path, count of threads or
/// version of this program is measured anew.
package struct PrecisionKey: Sendable, Hashable {
    /// SHA-256 of the model's model.json, which holds the sums of all its other files.
    package var model: String
    package var processor: String
    /// The kernel path's name at each precision that is timed.
    package var kernels: String
    package var threads: Int
    package var version: String

    package init(
        model: String, processor: String, kernels: String, threads: Int, version: String
    ) {
        self.model = model
        self.processor = processor
        self.kernels = kernels
        self.threads = threads
        self.version = version
    }

    /// In the order of the file.
    fileprivate var fields: [(name: String, value: String)] {
        [
            ("model", model), ("processor", processor), ("kernels", kernels),
            ("threads", String(threads)), ("version", version),
        ]
    }

    /// Of the file: short, and another one for another key.
    fileprivate var fileName: String? {
        let text = fields.map { "\($0.name)=\($0.value)" }.joined(separator: "\n")
        return FileDigest.sha256(Array(text.utf8)).map { "precision-\($0.prefix(32)).json" }
    }
}

/// Times of precisions in a folder, one file for each key. A file is a hint and no more: what cannot be
/// read, was not written by this user, is of another key or old is as good as none.
package struct PrecisionMemory: Sendable {
    package struct Miss: Error, Equatable, Sendable {
        package var reason: String
    }

    package static let format = "frameloom-precision-1"
    private static let largestFile = 1 << 16
    /// Kernels, the system and the machine change: after 30 days it is measured again.
    private static let longestAge = 30 * 86_400
    /// A clock that was set back.
    private static let clockError = 86_400

    package let folder: String

    package init(folder: String) { self.folder = folder }

    package func path(of key: PrecisionKey) -> String? { key.fileName.map { "\(folder)/\($0)" } }

    /// - Parameters:
    ///   - precisions: each must have a time.
    ///   - now: seconds since 1970.
    package func times(
        of key: PrecisionKey, precisions: [Precision], now: Int
    ) throws(Miss) -> [PrecisionTime] {
        guard let path = path(of: key) else { throw Miss(reason: "no digest") }
        let root: JSON
        do {
            root = try JSON(parsing: FileBytes.readOwn(path, limit: Self.largestFile))
        } catch let error as FileBytes.ReadError {
            throw Miss(reason: "\(path): \(error.reason)")
        } catch {
            throw Miss(reason: "\(path) is damaged")
        }
        guard root["format"]?.string == Self.format,
            key.fields.allSatisfy({ root[$0.name]?.string == $0.value })
        else { throw Miss(reason: "\(path) is of something else") }
        guard let written = root["written"]?.int,
            (now - Self.longestAge...now + Self.clockError).contains(written)
        else { throw Miss(reason: "\(path) is old") }
        let times = precisions.compactMap { precision -> PrecisionTime? in
            guard let time = root["milliseconds"]?[precision.rawValue]?.double, time.isFinite,
                time > 0, time < 1e6
            else { return nil }
            return PrecisionTime(precision, milliseconds: time)
        }
        guard times.count == precisions.count else {
            throw Miss(reason: "\(path) lacks a precision's time")
        }
        return times
    }

    /// Makes the folder if it is missing.
    package func remember(
        _ times: [PrecisionTime], of key: PrecisionKey, now: Int
    ) throws(Miss) {
        guard let path = path(of: key) else { throw Miss(reason: "no digest") }
        let words =
            [("format", Self.format)] + key.fields
        let list = times.map { "  \"\($0.precision.rawValue)\": \($0.milliseconds)" }
        let text =
            "{\n" + words.map { " \"\($0.0)\": \(Self.quoted($0.1)),\n" }.joined()
            + " \"written\": \(now),\n \"milliseconds\": {\n" + list.joined(separator: ",\n")
            + "\n }\n}\n"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            try FileBytes.replace(path, with: Array(text.utf8), permissions: 0o600)
        } catch let FileBytes.WriteError.failed(reason) {
            throw Miss(reason: "cannot write \(path): \(reason)")
        } catch {
            throw Miss(reason: "cannot write \(path)")
        }
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
