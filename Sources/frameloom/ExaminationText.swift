// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl

extension ExaminationReport {
    /// A verdict a line, then what was measured.
    var text: String {
        var lines = verdicts.map { verdict in
            let subject = verdict.subject.padded(to: 12)
            switch verdict.isWrong {
            case false: return subject + "looks right"
            case true: return subject + "WRONG  " + printable(verdict.text ?? "")
            case nil: return subject + "not told: " + printable(verdict.text ?? "")
            }
        }
        var measured = ["\(frames) frames, \(movingFrames) moving", percent(skyShare) + " sky"]
        if let normalsAwayShare {
            measured.append(percent(normalsAwayShare) + " of the normals face away")
        }
        if let historyShare, let baseColorError {
            measured.append(
                percent(historyShare) + " of the surfaces found again, base color "
                    + "\(decimal(baseColorError, 1)) of 255 off there")
        }
        lines.append("Looked at \(measured.joined(separator: "; ")).")
        return lines.joined(separator: "\n")
    }

    private func percent(_ share: Double) -> String { decimal(share * 100, 1) + " %" }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
