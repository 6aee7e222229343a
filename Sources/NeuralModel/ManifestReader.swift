// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FrameTypes
import NeuralOps

/// Reads fields of model.json, or of another JSON file of a model, by their dotted names and says
/// what was expected where.
struct ManifestReader: Sendable {
    var file = ModelManifest.fileName
    let root: JSON

    init(root: JSON) { self.root = root }

    /// Reads the file itself.
    /// - Parameter name: what errors call it; nil: as it lies.
    init(file: String, named name: String? = nil, limit: Int = 1 << 20) throws(ModelError) {
        self.file = name ?? file
        let bytes: [UInt8]
        do {
            bytes = try FileBytes.read(file, limit: limit)
        } catch {
            throw ModelError.unreadable(file: file, reason: error.reason)
        }
        do {
            root = try JSON(parsing: bytes)
        } catch {
            throw ModelError.manifest(
                file: self.file, field: "byte \(error.offset)", expected: error.expected,
                found: "something else")
        }
        try checkNames(of: root, at: "")
    }

    /// Of two members of one name readers take the first or the last; a file that says both is
    /// refused. As deep as the parser allows.
    private func checkNames(of value: JSON, at field: String) throws(ModelError) {
        var seen: Set<String> = []
        for member in value.members ?? [] {
            let name = field.isEmpty ? member.name : "\(field).\(member.name)"
            guard seen.insert(member.name).inserted else {
                throw refuse(String(name.prefix(64)), "each name once", "it twice")
            }
            try checkNames(of: member.value, at: name)
        }
        for item in value.array ?? [] { try checkNames(of: item, at: "\(field)[]") }
    }

    func refuse(_ field: String, _ expected: String, _ found: String) -> ModelError {
        .manifest(file: file, field: field, expected: expected, found: found)
    }

    func value(_ field: String) throws(ModelError) -> JSON {
        var value = root
        for part in field.split(separator: ".") {
            guard let next = value[String(part)] else {
                throw refuse(field, "a value", "nothing")
            }
            value = next
        }
        return value
    }

    func string(_ field: String) throws(ModelError) -> String {
        let value = try self.value(field)
        guard let text = value.string else { throw refuse(field, "a text", value.summary) }
        // It goes to clients, to the log and to terminals.
        let isPlain = text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        guard isPlain else { throw refuse(field, "no control character", "one") }
        return text
    }

    func require(_ field: String, _ allowed: [String]) throws(ModelError) {
        let text = try string(field)
        guard allowed.contains(text) else {
            throw refuse(field, allowed.joined(separator: " or "), "\"\(text.prefix(64))\"")
        }
    }

    func number(_ field: String) throws(ModelError) -> Float {
        let value = try self.value(field)
        guard let number = value.double.map(Float.init), number.isFinite else {
            throw refuse(field, "a number", value.summary)
        }
        return number
    }

    func positive(_ field: String) throws(ModelError) -> Float {
        let number = try self.number(field)
        guard number > 0 else { throw refuse(field, "a number above 0", "\(number)") }
        return number
    }

    func fraction(_ field: String) throws(ModelError) -> Float {
        let number = try self.number(field)
        guard (0...1).contains(number) else { throw refuse(field, "0 to 1", "\(number)") }
        return number
    }

    func count(_ field: String, _ allowed: ClosedRange<Int>) throws(ModelError) -> Int {
        let value = try self.value(field)
        guard let count = value.int, allowed.contains(count) else {
            throw refuse(
                field, "a count from \(allowed.lowerBound) to \(allowed.upperBound)", value.summary)
        }
        return count
    }

    func counts(_ field: String, _ allowed: ClosedRange<Int>) throws(ModelError) -> [Int] {
        let value = try self.value(field)
        let counts = value.array?.compactMap { $0.int.flatMap { allowed.contains($0) ? $0 : nil } }
        guard let counts, counts.count == value.array?.count else {
            throw refuse(
                field, "counts from \(allowed.lowerBound) to \(allowed.upperBound)", value.summary)
        }
        return counts
    }

    func has(_ field: String) -> Bool {
        guard let value = try? value(field) else { return false }
        return value != .null
    }

    func flag(_ field: String) throws(ModelError) -> Bool {
        let value = try self.value(field)
        guard case .bool(let flag) = value else {
            throw refuse(field, "true or false", value.summary)
        }
        return flag
    }

    func strings(_ field: String, _ allowed: [String]) throws(ModelError) -> [String] {
        let value = try self.value(field)
        let texts = value.array?.compactMap(\.string) ?? []
        guard texts.count == value.array?.count, texts.allSatisfy(allowed.contains) else {
            throw refuse(field, "a list of \(allowed.joined(separator: " or "))", value.summary)
        }
        return texts
    }

    func vector(_ field: String) throws(ModelError) -> SIMD3<Float> {
        let value = try self.value(field)
        let numbers = value.array?.compactMap { $0.double.map(Float.init) } ?? []
        guard numbers.count == 3, value.array?.count == 3, numbers.allSatisfy(\.isFinite) else {
            throw refuse(field, "three numbers", value.summary)
        }
        return SIMD3(numbers[0], numbers[1], numbers[2])
    }

    func numbers(_ field: String) throws(ModelError) -> [Float] {
        let value = try self.value(field)
        let numbers = value.array?.compactMap { $0.double.map(Float.init) } ?? []
        guard numbers.count == value.array?.count, numbers.allSatisfy(\.isFinite) else {
            throw refuse(field, "numbers", value.summary)
        }
        return numbers
    }

    func planes(_ field: String) throws(ModelError) -> [(name: String, channels: Int)] {
        let value = try self.value(field)
        guard let items = value.array else { throw refuse(field, "a list", value.summary) }
        var planes: [(name: String, channels: Int)] = []
        for item in items {
            guard let name = item["name"]?.string, let channels = item["channels"]?.int else {
                throw refuse(field, "planes with name and channels", item.summary)
            }
            planes.append((name, channels))
        }
        return planes
    }

    func modelName() throws(ModelError) -> String {
        let name = try string("name")
        guard ModelName.isValid(name) else {
            throw refuse("name", ModelName.rule, "\"\(name.prefix(64))\"")
        }
        return name
    }

    /// Name, size and SHA-256 of each file of the model.
    func files(allows: (_ name: String) -> Bool) throws(ModelError) -> [ModelManifest.File] {
        let value = try self.value("files")
        guard let members = value.members, !members.isEmpty else {
            throw refuse("files", "an object of files", value.summary)
        }
        var files: [ModelManifest.File] = []
        for member in members {
            let field = "files.\(member.name)"
            guard allows(member.name), !files.contains(where: { $0.name == member.name }) else {
                throw refuse(field, "each plain file name once", "\"\(member.name)\"")
            }
            guard let sum = member.value["sha256"]?.string, sum.utf8.count == 64 else {
                throw refuse(
                    "\(field).sha256", "64 digits", member.value["sha256"]?.summary ?? "nothing")
            }
            guard let byteCount = member.value["bytes"]?.int, byteCount >= 0 else {
                throw refuse(
                    "\(field).bytes", "a count", member.value["bytes"]?.summary ?? "nothing")
            }
            files.append(
                ModelManifest.File(
                    name: member.name, sha256: sum.lowercased(), byteCount: byteCount))
        }
        return files
    }
}
