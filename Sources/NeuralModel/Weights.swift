// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// The tensors of a weights file, taken one by one by name. What nobody took is an error too.
struct Weights {
    let file: String
    private let container: Safetensors
    private var taken: Set<String> = []

    init(file: String, bytes: [UInt8]) throws(ModelError) {
        self.file = file
        do {
            container = try Safetensors(bytes)
        } catch {
            throw ModelError.container(
                file: file, tensor: error.tensor, expected: error.expected, found: error.found)
        }
    }

    /// Values, row-major. Every number must be finite.
    mutating func take(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
        func refuse(_ expected: String, _ found: String) -> ModelError {
            .tensor(file: file, name: name, expected: expected, found: found)
        }
        guard let tensor = container.tensor(named: name) else {
            throw refuse("shape \(shape)", "no such tensor")
        }
        guard tensor.shape == shape else {
            throw refuse("shape \(shape)", "shape \(tensor.shape)")
        }
        guard let values = container.floats(tensor) else {
            throw refuse("dtype F32", tensor.type)
        }
        guard Safetensors.areFinite(values) else {
            throw refuse("finite numbers", "NaN or infinity")
        }
        taken.insert(name)
        return values
    }

    /// A level of the place grid, `[rows, 2]`, F16 or F32, kept as halves.
    mutating func takePlaces(_ name: String, rows: Int) throws(ModelError) -> PlaceTable {
        func refuse(_ expected: String, _ found: String) -> ModelError {
            .tensor(file: file, name: name, expected: expected, found: found)
        }
        let shape = [rows, PlaceGridSettings.features]
        guard let tensor = container.tensor(named: name) else {
            throw refuse("shape \(shape)", "no such tensor")
        }
        guard tensor.shape == shape else {
            throw refuse("shape \(shape)", "shape \(tensor.shape)")
        }
        guard let pairs = container.halfPairs(tensor) else {
            throw refuse("dtype F16 or F32", tensor.type)
        }
        guard let table = PlaceTable(rows: pairs) else {
            throw refuse("finite numbers within +-65504", "NaN, infinity or more")
        }
        taken.insert(name)
        return table
    }

    func checkAllTaken() throws(ModelError) {
        for tensor in container.tensors where !taken.contains(tensor.name) {
            throw ModelError.tensor(
                file: file, name: tensor.name, expected: "no such tensor in this network",
                found: "shape \(tensor.shape)")
        }
    }
}
