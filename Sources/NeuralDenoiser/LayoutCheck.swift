// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

extension GBufferLayout {
    /// Refuses what no model can read, and every plane that would lie outside of the
    /// payload. Allocates nothing unless it refuses.
    func checkPlanes() throws(DenoiserError) {
        guard size.isSupported else { throw .size(size) }
        var seen = PlaneKinds()
        for (index, plane) in planes.enumerated() {
            guard seen.insert(plane.kind) else { throw .repeatedPlane(plane.kind) }
            try check(plane, at: index)
        }
        guard seen.contains(.baseColor) else { throw .missingPlane(.baseColor) }
        guard seen.contains(.normals) else { throw .missingPlane(.normals) }
        guard seen.contains(.depth) else { throw .missingPlane(.depth) }
        guard seen.contains(.roughness) else { throw .missingPlane(.roughness) }
        try checkDepth()
        if seen.contains(.motion) { try checkMotion() }
    }

    var hasMotionPlane: Bool { has(.motion) }

    func has(_ kind: PlaneKind) -> Bool { planes.contains { $0.kind == kind } }

    private func check(_ plane: PlaneLayout, at index: Int) throws(DenoiserError) {
        guard plane.kind == .depth ? depth.canBe(plane.format) : plane.kind.canBe(plane.format)
        else {
            throw .planeFormat(index: index, kind: plane.kind, format: plane.format)
        }
        let rowBytes = size.width * plane.format.bytesPerPixel
        guard plane.rowStride >= rowBytes, plane.rowStride <= 1 << 30 else {
            throw .rowStride(index: index, rowStride: plane.rowStride, least: rowBytes)
        }
        let (end, overflows) = plane.offset.addingReportingOverflow(
            (size.height - 1) * plane.rowStride + rowBytes)
        guard plane.offset >= 0, !overflows, end <= byteCount else {
            throw .planeOutsidePayload(
                index: index, end: overflows ? .max : end, payload: byteCount)
        }
    }

    private func checkDepth() throws(DenoiserError) {
        if depth.isUsable { return }
        throw DenoiserError(unusable: depth)
    }

    private func checkMotion() throws(DenoiserError) {
        guard let motion else { throw .motionUnstated }
        guard motion.scaleX.isFinite, motion.scaleX != 0 else { throw .motionScale(motion.scaleX) }
        guard motion.scaleY.isFinite, motion.scaleY != 0 else { throw .motionScale(motion.scaleY) }
    }
}

/// A set of plane kinds without memory of its own.
private struct PlaneKinds {
    private var bits: UInt16 = 0

    func contains(_ kind: PlaneKind) -> Bool { bits & 1 << kind.rawValue != 0 }

    /// False if it was there.
    mutating func insert(_ kind: PlaneKind) -> Bool {
        let isNew = !contains(kind)
        bits |= 1 << kind.rawValue
        return isNew
    }
}
