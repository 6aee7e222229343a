// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// Files of this package, wherever it was built.
package enum PackageFolder {
    package static let root = String(
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/"))
    package static let goldens = root + "/Tests/TestSupport/Goldens"
    package static let defaultModel = root + "/Models/atrium"
}

/// Tensors that the reference implementation computed.
package struct Golden {
    package let container: Safetensors

    package init(_ name: String) throws {
        container = try Safetensors(
            FileBytes.read("\(PackageFolder.goldens)/\(name).safetensors", limit: 1 << 26))
    }

    package struct Missing: Error {
        var name: String
    }

    package func tensor(_ name: String) throws -> Safetensors.Tensor {
        guard let tensor = container.tensor(named: name) else { throw Missing(name: name) }
        return tensor
    }

    package func floats(_ name: String) throws -> [Float] {
        guard let values = container.floats(try tensor(name)) else { throw Missing(name: name) }
        return values
    }

    package func bytes(_ name: String) throws -> [UInt8] { container.bytes(try tensor(name)) }

    /// The JSON file beside the tensors.
    package static func description(_ name: String) throws -> JSON {
        try JSON(
            parsing: FileBytes.read("\(PackageFolder.goldens)/\(name).json", limit: 1 << 20))
    }
}

/// Largest difference and largest value of the reference.
package struct Difference: CustomStringConvertible {
    package var largest: Float = 0
    package var scale: Float = 0
    package var index = 0

    package init(_ values: [Float], _ reference: [Float]) {
        precondition(values.count == reference.count)
        for (i, (value, expected)) in zip(values, reference).enumerated() {
            let difference = abs(value - expected)
            // A NaN is the largest difference of all.
            if !(difference <= largest) {
                largest = difference.isNaN ? .infinity : difference
                index = i
            }
            scale = max(scale, abs(expected))
        }
    }

    package var relative: Float { largest / max(scale, .leastNormalMagnitude) }
    package var description: String { "\(largest) of \(scale) at \(index)" }
}
