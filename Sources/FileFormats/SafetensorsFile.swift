// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CHalves

/// A large safetensors file, kept open and read tensor by tensor, so that it never lies in memory
/// as a whole. Nothing is mapped: a file cut short later is an error of the next read.
package final class SafetensorsFile: Sendable {
    package enum ReadError: Error, Equatable, Sendable {
        case unreadable(String)
        case format(Safetensors.FormatError)
    }

    package let path: String
    package let byteCount: Int
    /// In the order of the file.
    package let tensors: [Safetensors.Tensor]
    private let places: [String: Int]
    private let file: OpenFile

    /// All types of the format; which of them can be read is a question of `floats`.
    private static let elementBytes = [
        "BF16": 2, "BOOL": 1, "F16": 2, "F32": 4, "F64": 8, "I16": 2, "I32": 4, "I64": 8, "I8": 1,
        "U8": 1,
    ]
    private static let chunkBytes = 1 << 22

    /// Opens the file and checks everything that its header claims.
    package init(_ path: String) throws(ReadError) {
        self.path = path
        do {
            file = try OpenFile(path)
            byteCount = file.byteCount
            let start = try Self.read(file, at: 0, count: min(8, byteCount))
            let length = try Safetensors.headerLength(start[...], fileByteCount: byteCount)
            let header = try Self.read(file, at: 8, count: length)
            tensors = try Safetensors.tensors(
                header: header[...], fileByteCount: byteCount, elementBytes: Self.elementBytes)
        } catch let error as Safetensors.FormatError {
            throw .format(error)
        } catch let error as FileBytes.ReadError {
            throw .unreadable(error.reason)
        } catch let error as ReadError {
            throw error
        } catch {
            throw .unreadable("\(error)")
        }
        places = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
    }

    package func tensor(named name: String) -> Safetensors.Tensor? {
        places[name].map { tensors[$0] }
    }

    /// Values of an F32, F16 or BF16 tensor, row-major; nil for another type.
    package func floats(_ tensor: Safetensors.Tensor) throws(ReadError) -> [Float]? {
        guard let elementBytes = Self.elementBytes[tensor.type],
            ["F32", "F16", "BF16"].contains(tensor.type)
        else { return nil }
        var values = [Float](repeating: 0, count: tensor.bytes.count / elementBytes)
        for offset in stride(from: 0, to: tensor.bytes.count, by: Self.chunkBytes) {
            let count = min(Self.chunkBytes, tensor.bytes.count - offset)
            let chunk: [UInt8]
            do {
                chunk = try Self.read(file, at: tensor.bytes.lowerBound + offset, count: count)
            } catch .format(var error) {
                error.tensor = tensor.name
                throw .format(error)
            }
            // Chunks are whole elements, and `values` has room for all of them.
            let part = offset / elementBytes..<(offset + count) / elementBytes
            unsafe values[part].withUnsafeMutableBufferPointer { out in
                unsafe Self.widen(chunk, of: tensor.type, into: out)
            }
        }
        return values
    }

    /// As many elements as `out` has room for.
    private static func widen(
        _ chunk: [UInt8], of type: String, into out: UnsafeMutableBufferPointer<Float>
    ) {
        // Both lie still and have that many elements.
        unsafe chunk.withUnsafeBytes { bytes in
            switch type {
            case "F16": unsafe halves_widen_f16(out.baseAddress, bytes.baseAddress, out.count)
            case "BF16": unsafe halves_widen_bf16(out.baseAddress, bytes.baseAddress, out.count)
            default: unsafe UnsafeMutableRawBufferPointer(out).copyMemory(from: bytes)
            }
        }
    }

    private static func read(
        _ file: OpenFile, at offset: Int, count: Int
    ) throws(ReadError) -> [UInt8] {
        let bytes: [UInt8]
        do {
            bytes = try file.read(at: offset, count: count)
        } catch {
            throw .unreadable(error.reason)
        }
        guard bytes.count == count else {
            throw .format(
                Safetensors.FormatError(
                    tensor: nil, expected: "bytes up to \(offset + count)",
                    found: "the file ends at \(offset + bytes.count)"))
        }
        return bytes
    }
}
