// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import FrameClip
import FrameDoctor

/// The doctor on the frames of a clip.
enum ClipExamination {
    /// - Parameter limit: frames to look at.
    static func doctor(
        for clip: Clip, palette: Palette?, limit: Int = .max
    ) throws -> FrameDoctor {
        var doctor = FrameDoctor(palette: palette)
        for index in clip.frames.indices.prefix(limit) {
            let gbuffer = clip.gbuffer(index, frameID: UInt64(index))
            guard let frame = DoctorFrame(gbuffer, turn: index) else { break }
            doctor.examine(frame)
        }
        doctor.finish()
        return doctor
    }

    /// - Parameter model: empty: the only model of the folder.
    /// - Returns: nil where the model has none, or it is not clear which model is meant.
    static func palette(model: String, in folder: String?) throws -> Palette? {
        guard let folder, let path = try? LocalRenderer.modelFolder(named: model, in: folder)
        else { return nil }
        return try PaletteFile.read(path + "/" + PaletteFile.name)
    }
}
