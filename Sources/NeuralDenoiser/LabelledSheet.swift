// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import NeuralOps

/// The sheet that answers "what did you understand?": panels of base color, world normals, depth,
/// roughness, metallic, moved history and trust, each with its name, and the frame's numbers in words.
///
/// `@unchecked Sendable`: `bind` and `release` are called while no step runs; one step writes the words.
final class LabelledSheet: @unchecked Sendable {
    private struct Bound {
        var storage: PixelStorage
        var origin: RowOrigin
        var gbuffer: GBuffer
        var historyFrame: UInt64?
    }

    let panels: PlaneSheet
    private var bound: Bound?

    init(size: FrameSize) { panels = PlaneSheet(size: size) }

    var isBound: Bool { bound != nil }

    /// - Parameter painting: fill the panels.
    func steps(_ painting: [OpStep]) -> [RenderStep] {
        let clear = OpStep(name: "sheet clear", tileCount: 1) { _, _ in self.clear() }
        let words = OpStep(name: "sheet words", tileCount: 1) { _, _ in self.write() }
        return ([clear] + painting + [words]).map { RenderStep($0, stage: .convert) }
    }

    func bind(
        _ request: FrameRequest, historyFrame: UInt64?, to storage: PixelStorage, origin: RowOrigin
    ) throws(DenoiserError) {
        let needed = panels.size.pixelCount * 4
        guard storage.byteCount >= needed else {
            throw .storage(name: "sheet", byteCount: storage.byteCount, needed: needed)
        }
        bound = Bound(
            storage: storage, origin: origin, gbuffer: request.gbuffer, historyFrame: historyFrame)
        panels.bind(storage, origin: origin)
    }

    func release() {
        bound = nil
        panels.release()
    }

    // MARK: Words

    private func clear() {
        guard let bound else { return }
        let row = [UInt8](repeating: 0, count: panels.size.width * 4).enumerated().map {
            $0.offset % 4 == 3 ? 255 : $0.element
        }
        for y in 0..<panels.size.height { bound.storage.copy(row, at: y * row.count) }
    }

    private func write() {
        guard let bound, let facts = panels.facts else { return }
        let (width, height) = (panels.panelSize.width, panels.panelSize.height)
        // Twice as large where a panel would still hold a line of them.
        let scale = max(1, width / 160)
        let names = [
            "BASE COLOR", "WORLD NORMALS", Self.depthLabel(facts), "ROUGHNESS", "METALLIC",
            "HISTORY MOVED", "TRUST",
        ]
        for (panel, name) in names.enumerated() {
            write(
                name, x: panel % PlaneSheet.panelsAcross * width,
                y: panel / PlaneSheet.panelsAcross * height, within: width, scale: scale, bound)
        }
        let x = names.count % PlaneSheet.panelsAcross * width
        var y = names.count / PlaneSheet.panelsAcross * height
        for line in Self.words(bound.gbuffer, historyFrame: bound.historyFrame, facts) {
            write(line, x: x, y: y, within: panels.size.width - x, scale: scale, bound)
            y += PixelFont.lineAdvance * scale
        }
    }

    /// White on black; what does not fit is cut off.
    private func write(
        _ text: String, x: Int, y: Int, within width: Int, scale: Int, _ bound: Bound
    ) {
        let letters = text.prefix(max(0, (width - 2 * scale) / (PixelFont.advance * scale)))
        let boxWidth = (letters.count * PixelFont.advance + 2) * scale
        let boxHeight = (PixelFont.height + 2) * scale
        guard !letters.isEmpty, y + boxHeight <= panels.size.height else { return }
        var rows = [[UInt8]](
            repeating: (0..<boxWidth * 4).map { $0 % 4 == 3 ? 255 : 0 }, count: boxHeight)
        for (index, letter) in letters.enumerated() {
            for dot in PixelFont.dots(of: letter) {
                let left = (1 + index * PixelFont.advance + dot.column) * scale
                for row in (1 + dot.row) * scale..<(2 + dot.row) * scale {
                    for byte in left * 4..<(left + scale) * 4 { rows[row][byte] = 255 }
                }
            }
        }
        for (index, row) in rows.enumerated() {
            let top = y + index
            let line = bound.origin == .bottomLeft ? panels.size.height - 1 - top : top
            bound.storage.copy(row, at: (line * panels.size.width + x) * 4)
        }
    }

    private static func depthLabel(_ facts: PlaneSheet.Facts) -> String {
        guard let depths = facts.depths else { return "DEPTH ALL SKY" }
        return "DEPTH \(short(depths.lowerBound)) TO \(short(depths.upperBound)) M"
    }

    private static func words(
        _ gbuffer: GBuffer, historyFrame: UInt64?, _ facts: PlaneSheet.Facts
    ) -> [String] {
        var lines = [
            "FRAME \(gbuffer.frameID)",
            "SIZE \(gbuffer.layout.size.width) X \(gbuffer.layout.size.height)",
            "SKY \(percent(facts.skyShare))",
        ]
        if let historyFrame {
            lines.append("HISTORY OF \(historyFrame) ON \(percent(facts.continuedShare))")
        } else {
            lines.append("NO HISTORY")
        }
        guard let camera = gbuffer.camera else { return lines + ["NO CAMERA"] }
        let rows = camera.cameraToWorld
        return lines + [
            "CAMERA AT \(short(rows.x.w)) \(short(rows.y.w)) \(short(rows.z.w)) M",
            "LOOKS ALONG \(short(-rows.x.z)) \(short(-rows.y.z)) \(short(-rows.z.z))",
            "FOCAL \(short(camera.fx)) \(short(camera.fy))",
            "CENTER \(short(camera.cx)) \(short(camera.cy))",
            "JITTER \(short(gbuffer.jitter.x)) \(short(gbuffer.jitter.y))",
        ]
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }

    /// Two digits behind the point; large numbers without, huge ones as they are.
    private static func short(_ value: some BinaryFloatingPoint) -> String {
        let value = Double(value)
        guard value.magnitude < 1e6 else { return "\(value)".uppercased() }
        guard value.magnitude < 1000 else { return "\(Int(value.rounded()))" }
        let hundredths = Int((value.magnitude * 100).rounded())
        let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        let sign = value < 0 && hundredths > 0 ? "-" : ""
        return "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}
