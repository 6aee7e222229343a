// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameDoctor

/// What the doctor found in the planes and cameras of a session or clip.
package struct ExaminationReport: Sendable, Equatable, Codable {
    package struct Verdict: Sendable, Equatable, Codable {
        /// "camera", "normals" and so on.
        package var subject: String
        /// nil: it cannot be told.
        package var isWrong: Bool?
        /// Of the mistake, e.g. "upside-down".
        package var name: String?
        /// The mistake in words with its remedy, or why nothing can be told.
        package var text: String?

        package init(
            subject: String, isWrong: Bool?, name: String? = nil, text: String? = nil
        ) {
            self.subject = subject
            self.isWrong = isWrong
            self.name = name
            self.text = text
        }
    }

    /// Frames that were looked at, and those among them that moved.
    package var frames = 0
    package var movingFrames = 0
    /// Of the pixels, 0 to 1.
    package var skyShare = 0.0
    /// Of the surfaces: normals that face away from the viewer. nil without cameras.
    package var normalsAwayShare: Double?
    /// Of the surfaces: found in an earlier frame by depth and camera. nil without cameras.
    package var historyShare: Double?
    /// Mean difference of base color there, of 255.
    package var baseColorError: Double?
    package var verdicts: [Verdict] = []

    package init() {}

    /// What is wrong.
    package var finding: Verdict? { verdicts.first { $0.isWrong == true } }
}

extension ExaminationReport {
    package init(_ doctor: FrameDoctor) {
        self.init()
        frames = doctor.measures.frames
        movingFrames = doctor.measures.movingFrames
        skyShare = doctor.measures.skyShare
        normalsAwayShare = doctor.measures.awayShare
        historyShare = doctor.measures.historyShare
        baseColorError = doctor.measures.baseColorError
        verdicts = doctor.verdicts.map { verdict in
            switch verdict.outcome {
            case .right: .init(subject: verdict.subject.rawValue, isWrong: false)
            case .wrong(let finding):
                .init(
                    subject: verdict.subject.rawValue, isWrong: true, name: finding.name.rawValue,
                    text: finding.text)
            case .untold(let reason):
                .init(subject: verdict.subject.rawValue, isWrong: nil, text: reason)
            }
        }
    }
}
