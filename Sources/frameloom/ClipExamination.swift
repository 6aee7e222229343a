// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameClip
import FrameDoctor

/// The doctor on the frames of a clip.
enum ClipExamination {
    /// - Parameters:
    ///   - model: that the clip is for; empty: the only model of the folder. What it does not say, and
    ///     what it says where it is not clear which is meant, is not told.
    ///   - limit: frames to look at.
    static func doctor(
        for clip: Clip, model: String, in folder: String?, limit: Int = .max
    ) throws -> FrameDoctor {
        let path = folder.flatMap { try? LocalRenderer.modelFolder(named: model, in: $0) }
        var doctor = FrameDoctor(
            palette: try path.flatMap { try PaletteFile.read($0 + "/" + PaletteFile.name) },
            space: path.flatMap { KnownSpace.read(modelFolder: $0) })
        for index in clip.frames.indices.prefix(limit) {
            let gbuffer = clip.gbuffer(index, frameID: UInt64(index))
            guard let frame = DoctorFrame(gbuffer, turn: index) else { break }
            doctor.examine(frame)
        }
        doctor.finish()
        return doctor
    }
}
