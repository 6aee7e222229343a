// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Why a model folder was refused. Every case names the file; `description` is one sentence for
/// people.
package enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file cannot be opened or read.
    case unreadable(file: String, reason: String)
    /// model.json is not what it should be at `field`.
    case manifest(file: String, field: String, expected: String, found: String)
    /// Size or SHA-256 differ from what model.json states.
    case fileDiffers(file: String, property: String, expected: String, found: String)
    /// The safetensors container is broken.
    case container(file: String, tensor: String?, expected: String, found: String)
    /// A tensor is missing, unused or of another shape.
    case tensor(file: String, name: String, expected: String, found: String)
    /// This machine cannot run the kernel path that was asked for.
    case kernelPath(String, reason: String)
    /// The model cannot be computed at this precision.
    case precision(String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let file, let reason):
            "\(file): cannot be read: \(reason)"
        case .manifest(let file, let field, let expected, let found):
            "\(file): \(field): expected \(expected), found \(found)"
        case .fileDiffers(let file, let property, let expected, let found):
            "\(file): \(property) is \(found), model.json states \(expected)"
        case .container(let file, let tensor, let expected, let found):
            "\(file): \(tensor.map { "tensor \($0): " } ?? "")expected \(expected), found \(found)"
        case .tensor(let file, let name, let expected, let found):
            "\(file): tensor \(name): expected \(expected), found \(found)"
        case .kernelPath(let path, let reason):
            "this machine cannot run the kernel path \(path): \(reason)"
        case .precision(let precision, let reason):
            "the model cannot be computed at \(precision): \(reason)"
        }
    }
}
