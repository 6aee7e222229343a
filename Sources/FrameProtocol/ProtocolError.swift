// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// Why a message, a frame or a session is refused. Cases carry what is needed to act; the sentences
/// are written in `ErrorReply.init(_:severity:frameID:)`.
package enum ProtocolError: Error, Sendable, Equatable {
    // Header.
    case magic(found: UInt32)
    case version(found: UInt16)
    case messageType(found: UInt16)
    case unknownFlags(field: String, bits: UInt32, owner: String)
    case bodyTooShort(claimed: Int, needed: Int)
    case bodyTooLarge(claimed: Int, limit: Int)
    case payloadSize(claimed: UInt64, expected: UInt64)
    case unexpectedMessage(name: String, reason: String)
    // Fields.
    case text(field: String, reason: String)
    case reserved(field: String)
    case side(field: String, found: Int, limits: ClosedRange<Int>)
    case unsupportedFeature(name: String)
    case unknownFeature(bit: Int)
    /// `allowed` is prose: "RGBA8_SRGB or RGB8_SRGB".
    case format(field: String, found: String, use: String, allowed: String)
    case planeCount(found: Int, limit: Int)
    case planeKind(field: String, found: Int)
    case unsupportedPlane(field: String, name: String)
    case duplicatePlane(field: String, name: String)
    case missingPlane(name: String)
    case rowStride(field: String, found: Int, limits: ClosedRange<Int>)
    case depthScaleMissing(found: Double)
    /// `needs` is prose: "must be finite".
    case value(field: String, found: Double, limit: Double, needs: String)
    /// A value that the header names but this version does not support.
    case unsupportedValue(field: String, found: Int, name: String, allowed: String)
    case frameOrder(found: UInt64, last: UInt64)
    case camera(field: String, found: Double, needs: String)
    case cameraMissing(reason: String)
    /// `reason` is a sentence.
    case sharedMemory(field: String, found: Double, limit: Double, reason: String)
    // Admission.
    case model(name: String, reason: String)
    /// What the model says about an agreement that is valid as such.
    case modelRefuses(field: String, found: Double, reason: String)
    case sessionLimit(open: Int, limit: Int)
    case identityLimit(open: Int, limit: Int, key: String, reason: String)
    case pixelLimit(found: Int, limit: Int, key: String, reason: String)
    case memoryLimit(needed: UInt64, available: UInt64, key: String, reason: String)
    // Life of a session.
    case notOpened(seconds: Double)
    case idle(seconds: Double)
    case slowReader(seconds: Double)
    /// Another user asks for what an unused session of a user with more than an equal part holds.
    case yielded(seconds: Double)
    /// The operator ended the session.
    case kicked
    case draining
    case renderFailed(reason: String)
}
