// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CHalves

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

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
    /// What its writer noted, by name.
    package let metadata: [String: String]
    private let places: [String: Int]
    private let descriptor: Int32

    /// All types of the format; which of them can be read is a question of `floats`.
    private static let elementBytes = [
        "BF16": 2, "BOOL": 1, "F16": 2, "F32": 4, "F64": 8, "I16": 2, "I32": 4, "I64": 8, "I8": 1,
        "U8": 1,
    ]
    private static let chunkBytes = 1 << 22

    /// Opens the file and checks everything that its header claims.
    package init(_ path: String) throws(ReadError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .unreadable(String(cString: strerror(errno))) }
        var isKept = false
        defer { if !isKept { close(descriptor) } }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable("not a file")
        }
        let size = Int(status.st_size)
        do {
            let start = try Self.read(descriptor, at: 0, count: min(8, size))
            let length = try Safetensors.headerLength(start[...], fileByteCount: size)
            let header = try Self.read(descriptor, at: 8, count: length)
            let read = try Safetensors.header(
                header[...], fileByteCount: size, elementBytes: Self.elementBytes)
            (tensors, metadata) = (read.tensors, read.metadata)
        } catch let error as Safetensors.FormatError {
            throw .format(error)
        } catch let error as ReadError {
            throw error
        } catch {
            throw .unreadable("\(error)")
        }
        places = Dictionary(uniqueKeysWithValues: tensors.enumerated().map { ($1.name, $0) })
        self.path = path
        self.descriptor = descriptor
        byteCount = size
        isKept = true
    }

    deinit { close(descriptor) }

    package func tensor(named name: String) -> Safetensors.Tensor? {
        places[name].map { tensors[$0] }
    }

    /// Values of an F32, F16 or BF16 tensor, row-major; nil for another type.
    package func floats(_ tensor: Safetensors.Tensor) throws(ReadError) -> [Float]? {
        guard let elementBytes = Self.elementBytes[tensor.type],
            ["F32", "F16", "BF16"].contains(tensor.type)
        else { return nil }
        var values = [Float](repeating: 0, count: tensor.bytes.count / elementBytes)
        var offset = 0
        while offset < tensor.bytes.count {
            let count = min(Self.chunkBytes, tensor.bytes.count - offset)
            let chunk: [UInt8]
            do {
                chunk = try Self.read(
                    descriptor, at: tensor.bytes.lowerBound + offset, count: count)
            } catch .format(var error) {
                error.tensor = tensor.name
                throw .format(error)
            }
            let start = offset / elementBytes
            // `values` has room for the chunk's elements from `start` on; chunks are whole elements.
            values.withUnsafeMutableBufferPointer { values in
                chunk.withUnsafeBytes { bytes in
                    let (out, elements) = (values.baseAddress! + start, count / elementBytes)
                    switch tensor.type {
                    case "F16": halves_widen_f16(out, bytes.baseAddress, elements)
                    case "BF16": halves_widen_bf16(out, bytes.baseAddress, elements)
                    default:
                        UnsafeMutableRawPointer(out).copyMemory(
                            from: bytes.baseAddress!, byteCount: count)
                    }
                }
            }
            offset += count
        }
        return values
    }

    private static func read(
        _ descriptor: Int32, at offset: Int, count: Int
    ) throws(ReadError) -> [UInt8] {
        var failure: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            // The buffer has room for `count` bytes; `done` never passes it.
            while done < count {
                let got = pread(
                    descriptor, buffer.baseAddress! + done, count - done, off_t(offset + done))
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = errno }
                if got <= 0 { break }
                done += got
            }
        }
        guard failure == 0 else { throw .unreadable(String(cString: strerror(failure))) }
        guard bytes.count == count else {
            throw .format(
                Safetensors.FormatError(
                    tensor: nil, expected: "bytes up to \(offset + count)",
                    found: "the file ends at \(offset + bytes.count)"))
        }
        return bytes
    }
}
