// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

/// What the doctor says of one subject.
package struct Verdict: Sendable, Hashable {
    package enum Outcome: Sendable, Hashable {
        case right
        case wrong(Finding)
        /// Why nothing can be said.
        case untold(String)
    }

    package var subject: Subject
    package var outcome: Outcome

    package enum Subject: String, Sendable, CaseIterable {
        case depth
        case normals
        case orientation
        case camera
        case units
        case timing
        case jitter
        case motion
        case place
        case colors
    }
}

extension Finding.Name {
    package var subject: Verdict.Subject {
        switch self {
        case .upsideDown, .mirrored: .orientation
        case .cameraInverted, .cameraTransposed, .cameraAxes, .principalPoint, .fieldOfView: .camera
        case .rayDepth, .depthEmpty, .depthConstant, .depthBeyondFar: .depth
        case .depthUnit, .cameraUnit, .nearPlane, .farPlane: .units
        case .cameraLate, .cameraEarly: .timing
        case .jitterSign, .jitterFlipped, .jitterUnit: .jitter
        case .motionSign, .motionFlipped, .motionSwapped, .motionUnit: .motion
        case .outsideModel: .place
        case .normalsAxes, .normalsGreen, .normalsView, .normalsWorld, .normalsConstant,
            .normalsNotEncoded, .normalsEncodedTwice:
            .normals
        case .baseColorLinear, .baseColorEncodedTwice, .redBlueSwapped, .smoothness: .colors
        }
    }
}

extension FrameDoctor {
    /// One for each subject.
    package var verdicts: [Verdict] {
        Verdict.Subject.allCases.map { Verdict(subject: $0, outcome: outcome(of: $0)) }
    }

    private func outcome(of subject: Verdict.Subject) -> Verdict.Outcome {
        if let finding {
            return finding.name.subject == subject
                ? .wrong(finding) : .untold("first mend the \(finding.name.subject.rawValue)")
        }
        if subject == .colors {
            return hasPalette ? .right : .untold("the model has no \(PaletteFile.name)")
        }
        if subject == .motion {
            return !hasMotion
                ? .untold("no motion plane is sent")
                : motionCount >= Self.needed ? .right : .untold("hardly anything moved")
        }
        if subject == .place && !hasSpace { return .untold("the model does not say where it is") }
        if measures.historyShare == nil {
            return .untold("no two frames with cameras and surfaces were there")
        }
        switch subject {
        case .orientation, .camera, .units, .timing:
            return measures.movingFrames >= Self.needed
                ? .right : .untold("the camera hardly moved")
        case .jitter:
            return !hasJitter
                ? .untold("none is stated")
                : measures.frames > Self.needed ? .right : .untold("too few frames")
        case .depth, .normals, .motion, .place, .colors: return .right
        }
    }
}
