// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes

/// What the doctor keeps of one frame: base color and depth of every pixel of a picture reduced to at
/// most 768 a side, normals and roughness at a few thousand of them. Rows from the top whatever the
/// client's origin; normals as sent, in the space that was stated.
package struct DoctorFrame: Sendable {
    package static let longestSide = 768
    /// About so many pixels are looked at.
    package static let sampleCount = 2048

    /// Of the reduced picture; every `step`-th pixel of the client's.
    package let size: FrameSize
    package let step: Int
    let id: UInt64
    /// sRGB, 0 to 255, in a word whose fourth byte means nothing.
    let baseColor: [SIMD4<UInt8>]
    /// Planar z in metres, 0: sky.
    let depth: [Float]
    let samples: [Sample]
    let normalSpace: NormalSpace
    /// Near and far of reversed device depth, metres.
    let device: SIMD2<Double>?
    /// Of the reduced picture; nil: no camera was sent, and little can be told.
    let camera: DoctorCamera?
    /// Pixels of the reduced picture.
    let jitter: SIMD2<Double>
    /// nil without a motion plane.
    let motion: Motion?
    /// Of the frames before and after this one, where they are known.
    var cameraBefore, cameraAfter: DoctorCamera?

    /// About what one takes.
    package static func byteCount(of size: FrameSize) -> Int {
        let step = step(of: size)
        return size.pixelCount / (step * step) * 8 + sampleCount * 64
    }

    private static func step(of size: FrameSize) -> Int {
        (max(size.width, size.height) + longestSide - 1) / longestSide
    }

    /// A pixel that is looked at.
    struct Sample: Sendable {
        var x, y: Int
        var normal: SIMD3<Float>
        /// 0 to 1.
        var roughness: Float
    }

    /// Of the pixels that are looked at.
    struct Motion: Sendable {
        /// To where they were before, pixels of the reduced picture, right and down.
        var values: [SIMD2<Float>]
        /// The frame that it points to; nil: the one before.
        var from: UInt64?
        var isJittered: Bool
    }

    /// Copies what is needed; the planes are not touched afterwards.
    /// - Parameter turn: anything that differs from frame to frame: other pixels are looked at.
    /// - Returns: nil for pictures too small to tell anything.
    package init?(_ gbuffer: GBuffer, turn: Int) {
        let layout = gbuffer.layout
        let full = layout.size
        let step = Self.step(of: full)
        let size = FrameSize(width: full.width / step, height: full.height / step)
        guard size.width >= 16, size.height >= 16,
            let base = layout.plane(.baseColor), let normals = layout.plane(.normals),
            let depth = layout.plane(.depth), let roughness = layout.plane(.roughness)
        else { return nil }
        let encoding = layout.depth.overruled(by: gbuffer.camera)
        guard encoding.isUsable else { return nil }
        self.size = size
        self.step = step
        id = gbuffer.frameID
        normalSpace = layout.normalSpace
        let planes = PlaneSampler(gbuffer: gbuffer)
        let columns = (0..<size.width).map { $0 * step + step / 2 }
        let rows = (0..<size.height).map { $0 * step + step / 2 }
        baseColor = planes.baseColor(base, rows: rows, columns: columns)
        let conversion = DepthConversion(encoding)
        self.depth = planes.values(depth, rows: rows, columns: columns).map(conversion.metres)

        let apart = max(
            1, Int((Double(size.pixelCount) / Double(Self.sampleCount)).squareRoot().rounded()))
        let picked = (
            x: Array(stride(from: 2 + turn * 3 % apart, to: size.width - 2, by: apart)),
            y: Array(stride(from: 2 + turn * 5 % apart, to: size.height - 2, by: apart))
        )
        let sent = planes.normals(
            normals, rows: picked.y.map { rows[$0] }, columns: picked.x.map { columns[$0] })
        let rough = planes.values(
            roughness, rows: picked.y.map { rows[$0] }, columns: picked.x.map { columns[$0] })
        samples = picked.y.enumerated().flatMap { row, y in
            picked.x.enumerated().map { column, x in
                let index = row * picked.x.count + column
                return Sample(x: x, y: y, normal: sent[index], roughness: rough[index] / 255)
            }
        }
        motion = layout.plane(.motion).flatMap { plane in
            layout.motion.map { encoding in
                let up: Float = layout.origin == .bottomLeft ? -1 : 1
                let scale = SIMD2(encoding.scaleX, encoding.scaleY * up) / Float(step)
                let values = planes.motion(
                    plane, rows: picked.y.map { rows[$0] }, columns: picked.x.map { columns[$0] })
                return Motion(
                    values: values.map { $0 * scale }, from: gbuffer.motionFrom,
                    isJittered: encoding.isJittered)
            }
        }
        if case .deviceReversed(let near, let far) = encoding {
            device = SIMD2(near, far)
        } else {
            device = nil
        }
        camera = gbuffer.camera.map { DoctorCamera($0, step: step) }
        jitter = SIMD2(Double(gbuffer.jitter.x), Double(gbuffer.jitter.y)) / Double(step)
    }
}

/// Of frames that were not looked at; nil: without one.
package struct LeftOutCameras: Sendable {
    package var first, last: Camera?

    package init(first: Camera?, last: Camera?) {
        self.first = first
        self.last = last
    }
}

/// A camera as the doctor computes with it.
struct DoctorCamera: Sendable, Equatable {
    var fx, fy, cx, cy: Double
    /// Columns of the rotation from camera to world.
    var right, up, back: SIMD3<Double>
    var position: SIMD3<Double>

    /// Of the picture that keeps every `step`-th pixel, from the `step / 2`-th on.
    init(_ camera: Camera, step: Int) {
        let first = Double(step / 2)
        let scale = 1 / Double(step)
        fx = camera.fx * scale
        fy = camera.fy * scale
        cx = (camera.cx - first - 0.5) * scale + 0.5
        cy = (camera.cy - first - 0.5) * scale + 0.5
        let rows = camera.cameraToWorld
        right = SIMD3(rows.x.x, rows.y.x, rows.z.x)
        up = SIMD3(rows.x.y, rows.y.y, rows.z.y)
        back = SIMD3(rows.x.z, rows.y.z, rows.z.z)
        position = SIMD3(rows.x.w, rows.y.w, rows.z.w)
    }

    func turned(_ v: SIMD3<Double>) -> SIMD3<Double> { right * v.x + up * v.y + back * v.z }

    /// Into this camera's space, without its position.
    func turnedBack(_ v: SIMD3<Double>) -> SIMD3<Double> {
        SIMD3((right * v).sum(), (up * v).sum(), (back * v).sum())
    }

    /// Through a pixel, in camera space, of length 1 along -Z.
    func ray(_ x: Double, _ y: Double) -> SIMD3<Double> {
        SIMD3((x - cx) / fx, -(y - cy) / fy, -1)
    }
}

/// Reads single pixels of a frame's planes.
private struct PlaneSampler {
    let gbuffer: GBuffer

    /// Bytes of the pixels at these rows, counted from the top, and columns.
    private func bytes(_ plane: PlaneLayout, rows: [Int], columns: [Int]) -> [UInt8] {
        let height = gbuffer.layout.size.height
        let inMemory = gbuffer.layout.origin == .topLeft ? rows : rows.map { height - 1 - $0 }
        let pixel = plane.format.bytesPerPixel
        return gbuffer.storage.gathered(
            rowOffsets: inMemory.map { plane.offset + $0 * plane.rowStride },
            columnOffsets: columns.map { $0 * pixel }, byteCount: pixel)
    }

    func baseColor(_ plane: PlaneLayout, rows: [Int], columns: [Int]) -> [SIMD4<UInt8>] {
        let bytes = bytes(plane, rows: rows, columns: columns)
        let pixel = plane.format.bytesPerPixel
        return (0..<rows.count * columns.count).map {
            SIMD4(bytes[$0 * pixel], bytes[$0 * pixel + 1], bytes[$0 * pixel + 2], 255)
        }
    }

    func normals(_ plane: PlaneLayout, rows: [Int], columns: [Int]) -> [SIMD3<Float>] {
        let bytes = bytes(plane, rows: rows, columns: columns)
        let pixel = plane.format.bytesPerPixel
        return (0..<rows.count * columns.count).map { index in
            let at = index * pixel
            guard plane.format == .rgb10a2 else {
                return SIMD3(Float(bytes[at]), Float(bytes[at + 1]), Float(bytes[at + 2])) / 127.5
                    - 1
            }
            let word = word(bytes, at)
            return SIMD3(
                Float(word & 1023), Float(word >> 10 & 1023), Float(word >> 20 & 1023)) / 511.5 - 1
        }
    }

    /// Numbers as stored: `R8` and `R16` as whole numbers.
    func values(_ plane: PlaneLayout, rows: [Int], columns: [Int]) -> [Float] {
        let bytes = bytes(plane, rows: rows, columns: columns)
        return (0..<rows.count * columns.count).map { index in
            switch plane.format {
            case .r16: Float(UInt16(bytes[index * 2]) | UInt16(bytes[index * 2 + 1]) << 8)
            case .r32Float: Float(bitPattern: word(bytes, index * 4))
            default: Float(bytes[index * plane.format.bytesPerPixel])
            }
        }
    }

    /// As stored; motion planes are halves.
    func motion(_ plane: PlaneLayout, rows: [Int], columns: [Int]) -> [SIMD2<Float>] {
        let bytes = bytes(plane, rows: rows, columns: columns)
        let pixel = plane.format.bytesPerPixel
        return (0..<rows.count * columns.count).map { index in
            func half(_ at: Int) -> Float {
                Float(Float16(bitPattern: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8))
            }
            return SIMD2(half(index * pixel), half(index * pixel + 2))
        }
    }

    private func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
            | UInt32(bytes[at + 3]) << 24
    }
}
