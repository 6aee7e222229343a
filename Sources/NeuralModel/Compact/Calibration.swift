// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import NeuralOps

/// How large the values between a model's layers get, as measured on its training clips: what
/// integers need to be told. Values are known by the convolution that finishes them.
struct Calibration {
    static let fileName = "calibration.json"
    private static let format = "frameloom-calibration-2"
    /// Signed values may get this many times as large as they were when measured.
    private static let headroom: Float = 4
    /// A channel's steps are at least this part of the layer's largest: what was always near zero
    /// in the measurement may be larger elsewhere.
    private static let leastShare: Float = 1e-3

    private let values: JSON

    init(parsing bytes: [UInt8]) throws(ModelError) {
        let root: JSON
        do {
            root = try JSON(parsing: bytes)
        } catch {
            throw ModelError.manifest(
                file: Self.fileName, field: "byte \(error.offset)", expected: error.expected,
                found: "something else")
        }
        guard root["format"]?.string == Self.format else {
            throw Self.refuse(
                "format", "\"\(Self.format)\"", root["format"]?.summary ?? "nothing")
        }
        guard let values = root["values"] else {
            throw Self.refuse("values", "an object of values", "nothing")
        }
        self.values = values
    }

    /// - Parameters:
    ///   - name: of the convolution that finishes the value.
    ///   - hidden: those of its channels that are computed; nil: all.
    func scale(
        of name: String, channels: Int, hidden: HiddenChannels? = nil
    ) throws(ModelError) -> ValueScale {
        let magnitudes = Self.raised(try numbers(name, "magnitude", channels))
        let reluSteps = try reluSteps(of: name, channels: channels)
        let kept = hidden?.kept ?? Array(0..<channels)
        return ValueScale(
            plainSteps: kept.map { magnitudes[$0] * Self.headroom / 32767 },
            reluSteps: kept.map { reluSteps[$0] })
    }

    /// As the calibration chose them. One without "steps" gets them between a range of its own for
    /// each channel, which suits activations, and one for all, which suits weights.
    private func reluSteps(of name: String, channels: Int) throws(ModelError) -> [Float] {
        if values[name]?["steps"] != nil {
            return try numbers(name, "steps", channels).map { max($0, 1e-9) }
        }
        let clips = try numbers(name, "relu", channels)
        let largest = clips.reduce(1e-6, max)
        return Self.raised(clips).map { ($0 * largest).squareRoot() / 255 }
    }

    /// Those channels of a block's hidden value that ever were above zero.
    /// - Parameter name: of the convolution before the ReLU.
    func hiddenChannels(of name: String, channels: Int) throws(ModelError) -> HiddenChannels {
        HiddenChannels(largest: try numbers(name, "relu", channels))
    }

    private static func raised(_ numbers: [Float]) -> [Float] {
        let least = numbers.reduce(1e-6, max) * leastShare
        return numbers.map { max($0, least) }
    }

    private func numbers(
        _ name: String, _ part: String, _ channels: Int
    ) throws(ModelError) -> [Float] {
        let field = "values.\(name).\(part)"
        guard let value = values[name]?[part] else {
            throw Self.refuse(field, "\(channels) numbers", "nothing")
        }
        guard let elements = value.array, elements.count == channels else {
            throw Self.refuse(field, "\(channels) numbers", value.summary)
        }
        var numbers: [Float] = []
        for element in elements {
            guard let number = element.double, (0...1e6).contains(number) else {
                throw Self.refuse(field, "numbers from 0 to 1000000", element.summary)
            }
            numbers.append(Float(number))
        }
        return numbers
    }

    private static func refuse(
        _ field: String, _ expected: String, _ found: String
    ) -> ModelError {
        .manifest(file: fileName, field: field, expected: expected, found: found)
    }
}
