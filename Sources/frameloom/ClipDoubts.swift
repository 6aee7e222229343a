// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameDoctor
import FrameTypes
import NeuralDenoiser

/// What is legal in a clip and looks wrong: said at the end of a run, beside the doctor's finding. The
/// training tools' `dataset.py check` says the same of a data set.
enum ClipDoubts {
    /// Frames that are looked at, from the first on.
    private static let frameLimit = 12
    /// Of all pixels: less is an edge of the sky.
    private static let smallestShare = 0.001

    /// - Parameters:
    ///   - farthest: metres; where the model takes everything for sky; nil: not known.
    ///   - measures: of the doctor that looked at the clip; nil: it did not.
    static func sentences(
        about clip: Clip, farthest: Float?, measures: Measures?
    ) -> [String] {
        var said = skySentences(about: clip, farthest: farthest)
        if let measures, measures.movingFrames > 0, let found = measures.historyShare, found < 0.5 {
            said.append(
                "only \(percent(found)) of the surfaces are found again in the frame before: depth "
                    + "scale, axes or order of the cameras?")
        }
        return said
    }

    /// Depth that was taken for sky: beyond a stated far plane, or where no network has seen any.
    private static func skySentences(about clip: Clip, farthest: Float?) -> [String] {
        guard let plane = clip.layout.plane(.depth), !clip.frames.isEmpty else { return [] }
        var (pixels, stated, distant, surfaces, firstSurfaces) = (0, 0, 0, 0, 0)
        var far = Double.infinity
        for index in clip.frames.indices.prefix(frameLimit) {
            let gbuffer = clip.gbuffer(index, frameID: UInt64(index))
            let encoding = clip.layout.depth.overruled(by: gbuffer.camera)
            guard encoding.isUsable else { continue }
            far = min(far, encoding.statedFar)
            let endless = count(gbuffer, plane, DepthConversion(encoding.withoutFar))
            let before = count(gbuffer, plane, DepthConversion(encoding))
            let limit = farthest ?? .infinity
            let seen = count(gbuffer, plane, DepthConversion(encoding, farthest: limit))
            pixels += clip.size.pixelCount
            stated += endless - before
            distant += before - seen
            surfaces += seen
            if index == 0 { firstSurfaces = seen }
        }
        guard pixels > 0 else { return [] }
        var said: [String] = []
        let share = { (count: Int) in Double(count) / Double(pixels) }
        if share(stated) > smallestShare {
            said.append(
                "\(percent(share(stated))) of the pixels lie at or beyond the stated far plane "
                    + "(\(decimal(far, 1)) m) and are taken as sky")
        }
        if share(distant) > smallestShare, let farthest {
            said.append(
                "\(percent(share(distant))) of the pixels lie farther than this model knows surfaces "
                    + "(\(decimal(Double(farthest), 0)) m) and are taken as sky: state the far plane, "
                    + "or the depth scale")
        }
        if surfaces == 0 {
            said.append("all depth is sky")
        } else if firstSurfaces == 0 {
            said.append("the first frame is all sky")
        }
        return said
    }

    /// Pixels of a surface.
    private static func count(
        _ gbuffer: GBuffer, _ plane: PlaneLayout, _ conversion: DepthConversion
    ) -> Int {
        let size = gbuffer.layout.size
        let metres = PixelStorage(byteCount: size.width * 4)
        var count = 0
        for y in 0..<size.height {
            metres.putMetres(
                PixelRow(offset: 0, stride: 4, count: size.width), from: gbuffer.storage,
                PixelRow(
                    offset: plane.offset + y * plane.rowStride,
                    stride: plane.format.bytesPerPixel, count: size.width),
                format: plane.format, conversion)
            let bytes = metres.copiedBytes()
            // Metres are never negative: all bytes of a sky pixel are 0.
            for at in stride(from: 0, to: size.width * 4, by: 4)
            where bytes[at] | bytes[at + 1] | bytes[at + 2] | bytes[at + 3] != 0 {
                count += 1
            }
        }
        return count
    }

    private static func percent(_ share: Double) -> String { decimal(share * 100, 1) + " %" }
}

extension DepthEncoding {
    fileprivate var statedFar: Double {
        switch self {
        case .linear(_, let far), .deviceReversed(_, let far): far
        }
    }

    /// Device depth ends at its far plane by itself.
    fileprivate var withoutFar: DepthEncoding {
        switch self {
        case .linear(let metresPerUnit, _): .linear(metresPerUnit: metresPerUnit, far: .infinity)
        case .deviceReversed: self
        }
    }
}
