// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import FoundationEssentials
import FrameClip
import FrameTypes
import Glibc

/// The folder that a run leaves behind: one PNG a frame, a contact sheet and the summary.
struct RunOutput {
    let folder: String
    private let clip: Clip

    /// Makes the folder, or takes one that none of the files to be written is in: found out before
    /// hours of rendering, not after.
    init(folder stated: String?, clip: Clip) throws {
        self.clip = clip
        guard let stated else {
            folder = try Self.makeNewFolder(named: clip.name)
            return
        }
        folder = stated.count > 1 && stated.hasSuffix("/") ? String(stated.dropLast()) : stated
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw RunError.outputFolder(folder, reason: FileBytes.text(ofErrno: errno))
        }
        let names = clip.frames.indices.map(picturePath) + [contactSheetPath, summaryPath]
        if let taken = names.first(where: { FileManager.default.fileExists(atPath: $0) }) {
            throw RunError.outputExists(taken)
        }
    }

    var contactSheetPath: String { folder + "/contact-sheet.png" }
    var summaryPath: String { folder + "/summary.json" }

    func picturePath(_ frame: Int) -> String {
        let digits = String(clip.frames[frame].number)
        let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
        return folder + "/Rendered_" + zeros + digits + ".png"
    }

    /// - Returns: nil if there is no picture to show.
    func writeContactSheet(_ pictures: [[UInt8]]) throws -> String? {
        let there = pictures.indices.filter { !pictures[$0].isEmpty }
        guard !there.isEmpty else { return nil }
        let rows = ContactSheet.sampledFrames(of: there.count, count: 6).map {
            ContactSheet.Row(frame: there[$0], rendered: image(pictures[there[$0]]))
        }
        try ContactSheet(clip: clip).draw(rows).write(to: contactSheetPath)
        return contactSheetPath
    }

    func writeSummary(_ report: RunReport) throws {
        try ClipFiles.write([UInt8]((report.json + "\n").utf8), to: summaryPath)
    }

    private func image(_ bytes: [UInt8]) -> PNGImage {
        PNGImage(size: clip.size, channels: 4, bytes: bytes)
    }

    /// The first of `NAME-1`, `NAME-2` … that is not there yet.
    private static func makeNewFolder(named name: String) throws -> String {
        for number in 1...9999 {
            let path = "\(name)-\(number)"
            // The string is lent as a C string for the call.
            if unsafe mkdir(path, 0o777) == 0 { return path }
            guard errno == EEXIST else {
                throw RunError.outputFolder(path, reason: FileBytes.text(ofErrno: errno))
            }
        }
        throw RunError.outputExists("\(name)-9999")
    }
}

/// Mean closeness of pictures to a clip's references.
struct Quality {
    var psnr: Double
    var ssim: Double
    var psnrMin: Double

    /// - Parameter pictures: RGBA8 by clip frame; empty ones are left out.
    /// - Returns: nil without a reference or picture.
    init?(of pictures: [[UInt8]], against clip: Clip) {
        var ratios: [Double] = []
        var similarities: [Double] = []
        let progress = Progress(
            label: "Comparing", total: pictures.count)
        defer { progress.end() }
        for (frame, bytes) in zip(clip.frames, pictures) where !bytes.isEmpty {
            guard let reference = frame.reference else { return nil }
            let picture = PNGImage(size: clip.size, channels: 4, bytes: bytes)
            ratios.append(PictureMetrics.psnr(picture, reference))
            similarities.append(PictureMetrics.ssim(picture, reference))
            progress.update(ratios.count)
        }
        guard let lowest = ratios.min() else { return nil }
        psnr = ratios.reduce(0, +) / Double(ratios.count)
        ssim = similarities.reduce(0, +) / Double(similarities.count)
        psnrMin = lowest
    }
}
