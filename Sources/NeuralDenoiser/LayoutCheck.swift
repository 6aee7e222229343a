// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

extension GBufferLayout {
    /// Refuses what the compact model cannot read, and every plane that would lie outside of the
    /// payload. Allocates nothing unless it refuses.
    func checkForCompact() throws(DenoiserError) {
        guard (32...4096).contains(size.width), (32...4096).contains(size.height) else {
            throw .size(size)
        }
        for kind in PlaneKind.allCases {
            var count = 0
            for plane in planes where plane.kind == kind { count += 1 }
            guard count <= 1 else { throw .repeatedPlane(kind) }
            guard count == 1 || !kind.isRequired else { throw .missingPlane(kind) }
        }
        for index in planes.indices {
            try check(planes[index], at: index)
        }
        try checkDepth()
        try checkMotion()
    }

    private func check(_ plane: PlaneLayout, at index: Int) throws(DenoiserError) {
        guard plane.kind.isReadable(plane.format, depth: depth) else {
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
        switch depth {
        case .linear(let metresPerUnit, let far):
            guard metresPerUnit > 0, metresPerUnit.isFinite else {
                throw .depthScale(metresPerUnit)
            }
            guard far > 0 else { throw .depthRange(near: 0, far: far) }
        case .deviceReversed(let near, let far):
            guard near > 0, near.isFinite, far > near else {
                throw .depthRange(near: near, far: far)
            }
        }
    }

    private func checkMotion() throws(DenoiserError) {
        guard plane(.motion) != nil else { return }
        guard let motion else { throw .motionUnstated }
        let scales = SIMD2(motion.scaleX, motion.scaleY)
        for axis in 0..<2 where !scales[axis].isFinite || scales[axis] == 0 {
            throw .motionScale(scales[axis])
        }
    }
}

extension PlaneKind {
    fileprivate var isRequired: Bool {
        switch self {
        case .baseColor, .normals, .depth, .roughness: true
        case .metallic, .motion, .known: false
        }
    }

    fileprivate func isReadable(_ format: PixelFormat, depth: DepthEncoding) -> Bool {
        switch self {
        case .baseColor: return format == .rgba8sRGB || format == .rgb8sRGB
        case .normals: return format == .rgb8UNorm || format == .rgb10a2
        case .depth:
            if case .linear = depth { return format == .r16 || format == .r32Float }
            return format == .r32Float
        case .roughness, .metallic: return format == .r8
        case .motion: return format == .rg16Float
        case .known: return format == .rgba8sRGB
        }
    }
}
