// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CHalves

/// A safetensors file: 8 bytes of header length, a JSON header, then the tensors without gaps.
///
/// Everything the header claims is checked before a byte is used: lengths, types, shapes, offsets,
/// overlaps and holes.
package struct Safetensors: Sendable {
    package struct Tensor: Sendable, Equatable {
        package var name: String
        /// "F32", "F16", "U8".
        package var type: String
        package var shape: [Int]
        /// Place in the file.
        package var bytes: Range<Int>
    }

    /// What is wrong with the file, and with which tensor.
    package struct FormatError: Error, Equatable, Sendable {
        package var tensor: String?
        package var expected: String
        package var found: String
    }

    /// In the order of the file.
    package let tensors: [Tensor]
    private let file: [UInt8]

    /// The format's own limit.
    private static let maxHeaderBytes = 100_000_000

    package init(_ file: [UInt8]) throws(FormatError) {
        self.file = file
        let length = try Self.headerLength(file.prefix(8), fileByteCount: file.count)
        tensors = try Self.tensors(
            header: file[8..<8 + length], fileByteCount: file.count,
            elementBytes: ["F32": 4, "F16": 2, "U8": 1])
    }

    /// Checks the header of a file of `fileByteCount` bytes, which may lie elsewhere.
    /// - Parameter elementBytes: the types that are allowed, and their sizes.
    static func tensors(
        header: ArraySlice<UInt8>, fileByteCount: Int, elementBytes: [String: Int]
    ) throws(FormatError) -> [Tensor] {
        let dataStart = 8 + header.count
        let json: JSON
        do {
            json = try JSON(parsing: header)
        } catch {
            throw FormatError(
                tensor: nil, expected: "\(error.expected) in the JSON header",
                found: "something else at byte \(8 + error.offset)")
        }
        guard let members = json.members else {
            throw FormatError(tensor: nil, expected: "a JSON object", found: json.summary)
        }
        var tensors: [Tensor] = []
        var names: Set<String> = []
        for member in members {
            guard names.insert(member.name).inserted else {
                throw FormatError(tensor: member.name, expected: "the name once", found: "it twice")
            }
            if member.name == "__metadata__" { continue }
            tensors.append(
                try tensor(
                    member, dataStart: dataStart, fileByteCount: fileByteCount,
                    elementBytes: elementBytes))
        }
        tensors.sort {
            ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
        }
        try checkGaps(tensors, dataStart: dataStart, fileByteCount: fileByteCount)
        return tensors
    }

    package func tensor(named name: String) -> Tensor? {
        tensors.first { $0.name == name }
    }

    /// Values of an F32 tensor, row-major; nil for another type.
    package func floats(_ tensor: Tensor) -> [Float]? {
        guard tensor.type == "F32" else { return nil }
        let count = tensor.bytes.count / 4
        return unsafe [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            // The range was checked against the file; floats need no alignment when copied.
            unsafe file[tensor.bytes].withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: bytes)
            }
            initialized = count
        }
    }

    /// Values of an F16 or F32 tensor as halves, two to a word, the first in its low part; nil for
    /// another type or an odd count. F32 is rounded to nearest, what is too large to infinity.
    package func halfPairs(_ tensor: Tensor) -> [UInt32]? {
        let count = tensor.shape.reduce(1, *)
        guard tensor.type == "F16" || tensor.type == "F32", count % 2 == 0 else { return nil }
        return unsafe [UInt32](unsafeUninitializedCapacity: count / 2) { buffer, initialized in
            let pairs = UnsafeMutableRawBufferPointer(buffer)
            if let floats = floats(tensor) {
                // The buffer has room for as many halves.
                unsafe halves_narrow_f16(
                    pairs.bindMemory(to: UInt16.self).baseAddress, floats, floats.count)
            } else {
                // The range was checked against the file, and its length against the shape.
                unsafe file[tensor.bytes].withUnsafeBytes { unsafe pairs.copyMemory(from: $0) }
            }
            initialized = count / 2
        }
    }

    /// Whether no value is NaN or infinite.
    package static func areFinite(_ values: [Float]) -> Bool {
        unsafe halves_floats_are_finite(values, values.count) != 0
    }

    /// Bytes of a tensor of any type.
    package func bytes(_ tensor: Tensor) -> [UInt8] { Array(file[tensor.bytes]) }

    /// - Parameter start: the file's first 8 bytes, fewer if it has no more.
    static func headerLength(
        _ start: ArraySlice<UInt8>, fileByteCount: Int
    ) throws(FormatError) -> Int {
        guard start.count == 8 else {
            throw FormatError(
                tensor: nil, expected: "at least 8 bytes", found: "\(start.count)")
        }
        let length = start.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(maxHeaderBytes), Int(length) <= fileByteCount - 8 else {
            throw FormatError(
                tensor: nil,
                expected: "a header of at most \(min(maxHeaderBytes, fileByteCount - 8)) bytes",
                found: "\(length)")
        }
        return Int(length)
    }

    private static func tensor(
        _ member: JSON.Member, dataStart: Int, fileByteCount: Int, elementBytes: [String: Int]
    ) throws(FormatError) -> Tensor {
        func refuse(_ expected: String, _ found: String) -> FormatError {
            FormatError(tensor: member.name, expected: expected, found: found)
        }
        let value = member.value
        guard let type = value["dtype"]?.string else {
            throw refuse("a dtype", value["dtype"]?.summary ?? "none")
        }
        guard let elementBytes = elementBytes[type] else {
            throw refuse("dtype " + elementBytes.keys.sorted().joined(separator: " or "), type)
        }
        guard let items = value["shape"]?.array else {
            throw refuse("a shape", value["shape"]?.summary ?? "none")
        }
        var byteCount = elementBytes
        var shape: [Int] = []
        for item in items {
            guard let side = item.int, side >= 0 else {
                throw refuse("a shape of counts", item.summary)
            }
            let (product, overflows) = byteCount.multipliedReportingOverflow(by: side)
            guard !overflows else {
                throw refuse("a shape that fits into memory", "\(items.map(\.summary))")
            }
            byteCount = product
            shape.append(side)
        }
        guard let offsets = value["data_offsets"]?.array, offsets.count == 2,
            let start = offsets[0].int, let end = offsets[1].int
        else {
            throw refuse("two data_offsets", value["data_offsets"]?.summary ?? "none")
        }
        guard start >= 0, end >= start, end <= fileByteCount - dataStart else {
            throw refuse(
                "data_offsets within 0 and \(fileByteCount - dataStart)", "[\(start), \(end)]")
        }
        guard end - start == byteCount else {
            throw refuse("\(byteCount) bytes for its shape", "\(end - start)")
        }
        return Tensor(
            name: member.name, type: type, shape: shape, bytes: dataStart + start..<dataStart + end)
    }

    private static func checkGaps(
        _ tensors: [Tensor], dataStart: Int, fileByteCount: Int
    ) throws(FormatError) {
        var end = dataStart
        for tensor in tensors {
            guard tensor.bytes.lowerBound == end else {
                let what = tensor.bytes.lowerBound < end ? "an overlap" : "a hole"
                throw FormatError(
                    tensor: tensor.name, expected: "data that starts at \(end - dataStart)",
                    found: "\(what): \(tensor.bytes.lowerBound - dataStart)")
            }
            end = tensor.bytes.upperBound
        }
        guard end == fileByteCount else {
            throw FormatError(
                tensor: nil, expected: "the file to end with its last tensor, at \(end)",
                found: "\(fileByteCount) bytes")
        }
    }
}
