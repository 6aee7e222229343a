// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Glibc

/// Finds the mistakes that everybody makes when planes and cameras are first connected: upside down,
/// other axes, other units, a camera of another frame.
///
/// The planes of a frame, moved by depth and camera to where they were in an earlier frame, must show
/// what that frame showed, and normals must be those of the surfaces that depth draws. Both are
/// computed as stated and again under every alternative in a list. What is stated is wrong where one
/// alternative explains the planes much better, frame after frame. Nothing is compared to an absolute
/// measure of how good planes are, so noise, plain walls and darkness weaken the evidence and never
/// make a finding.
///
/// A value of one owner; frames are given in order. A frame is judged when the next one has come,
/// since a camera that is one frame late can only be told by the camera after it.
package struct FrameDoctor: Sendable {
    /// Comparisons before anything is said.
    static let needed = 4
    /// By how much an alternative must be better: right planes cost about 0.15.
    static let gain = 0.02
    /// Of the comparisons that must agree.
    static let share = 0.8
    /// By how much a frame must be likelier among those of the training, as a logarithm: one that is
    /// right loses 1.8 or more by any alternative.
    static let colorGain = 1.0
    /// Frames that a comparison may reach back.
    static let gapLimit = 4

    /// Each mistake hides others: the first is said, and the next when it is mended.
    package private(set) var finding: Finding?
    package private(set) var measures = Measures()

    private let palette: Palette?
    private var gains: [Hypothesis: [Double]] = [:]
    private var costs: [Double] = []
    private var depths: [Double] = []
    private var marks: [Finding.Name: Int] = [:]
    private var colorGains: [Finding.Name: [Double]] = [:]
    private var waiting: DoctorFrame?
    private var reference: DoctorFrame?
    private var age = 0
    private var isDevice = false
    private(set) var hasJitter = false
    private var sendsView = false

    package init(palette: Palette? = nil) {
        self.palette = palette
    }

    var hasPalette: Bool { palette != nil }

    /// Whether more frames could say more: a camera that stood still says little.
    package var isSure: Bool { finding != nil || measures.movingFrames >= 12 }

    /// - Parameter isCut: the frame does not follow the one before.
    package mutating func examine(_ frame: DoctorFrame, isCut: Bool = false) {
        var frame = frame
        if var judged = waiting {
            if !isCut {
                judged.cameraAfter = frame.camera
                frame.cameraBefore = judged.camera
            }
            judge(judged)
        }
        if isCut {
            reference = nil
            age = 0
        }
        waiting = frame
    }

    /// Judges the last frame too; of a short clip more is believed.
    package mutating func finish() {
        if let waiting { judge(waiting) }
        waiting = nil
        reference = nil
        if finding == nil && costs.count < Self.needed {
            conclude(needed: 1, gain: 3 * Self.gain, share: 1)
        }
    }

    private mutating func judge(_ frame: DoctorFrame) {
        measures.frames += 1
        isDevice = frame.device != nil
        if frame.jitter != .zero { hasJitter = true }
        sendsView = frame.normalSpace == .view
        let surfaces = frame.camera.map { Surfaces(frame, $0, under: .stated) }
        look(frame, surfaces)
        if let reference { compare(frame, reference, surfaces) }
        age += 1
        // A frame without one before it cannot tell whether cameras are early: soon replaced.
        if age > (reference?.cameraBefore == nil ? 0 : Self.gapLimit) {
            reference = frame
            age = 0
        }
        if finding == nil { conclude(needed: Self.needed, gain: Self.gain, share: Self.share) }
    }

    // MARK: What one frame shows by itself

    private mutating func look(_ frame: DoctorFrame, _ surfaces: Surfaces?) {
        let look = FrameLook(frame, surfaces)
        measures.add(look)
        for name in look.suspicions { marks[name, default: 0] += 1 }
        if look.medianDepth > 0 { depths.append(look.medianDepth) }
        if let palette {
            for (name, gain) in look.colorGains(frame, palette) {
                colorGains[name, default: []].append(gain)
            }
        }
    }

    // MARK: What two frames show together

    private mutating func compare(
        _ frame: DoctorFrame, _ earlier: DoctorFrame, _ surfaces: Surfaces?
    ) {
        guard let surfaces, let camera = frame.camera,
            let stated = Comparison(frame, earlier, under: .stated)
        else { return }
        measures.add(stated)
        let drawn = surfaces.likeness(to: frame.samples)
        func apart(_ likeness: Likeness?, _ camera: DoctorCamera) -> Double {
            guard drawn != nil, let likeness else { return 0 }
            return 1 - (sendsView ? likeness : likeness.turned(by: camera)).along(.same)
        }
        let cost = stated.cost + apart(drawn, camera)
        var found: [Hypothesis: Double] = [:]
        for hypothesis in Hypothesis.all(frame, earlier) where hypothesis != .stated {
            guard let other = hypothesis.camera(of: frame),
                let comparison = Comparison(frame, earlier, under: hypothesis)
            else { continue }
            let likeness =
                hypothesis.changesSurfaces
                ? Surfaces(frame, other, under: hypothesis).likeness(to: frame.samples) : drawn
            found[hypothesis] = comparison.cost + apart(likeness, other)
        }
        if let drawn {
            let inStated = sendsView ? drawn : drawn.turned(by: camera)
            for axes in SignedAxes.all where axes != .same {
                found[.normalAxes(axes)] = stated.cost + 1 - inStated.along(axes)
            }
            let inOther = sendsView ? drawn.turned(by: camera) : drawn
            found[.normalSpace] = stated.cost + 1 - inOther.along(.same)
        }
        // A cut, or nothing that can be found again whatever is assumed.
        guard min(cost, found.values.min() ?? 1) < 0.8 else { return }
        costs.append(cost)
        for (hypothesis, other) in found { gains[hypothesis, default: []].append(cost - other) }
    }

    // MARK: What follows

    private mutating func conclude(needed: Int, gain: Double, share: Double) {
        for name in Finding.Name.allCases {
            let count = marks[name] ?? 0
            if count >= needed && Double(count) >= 0.8 * Double(measures.frames) {
                return say(name, "in \(count) of \(measures.frames) frames")
            }
        }
        let ranked = gains.compactMap { hypothesis, gains -> (Hypothesis, Double)? in
            let median = gains.median
            guard gains.count >= max(needed, Int(0.7 * Double(costs.count))), median >= gain,
                Double(gains.count(where: { $0 > 0 })) >= share * Double(gains.count)
            else { return nil }
            return (hypothesis, median)
        }.sorted { $0.1 > $1.1 }
        if let (best, better) = ranked.first {
            let equals = ranked.dropFirst().filter { $0.1 > 0.9 * better }
                .compactMap { $0.0.family == best.family ? nil : $0.0.name?.rawValue }
            // More frames, or a camera that moves, will tell.
            if equals.isEmpty || measures.frames >= 30 {
                sayGeometry(best, better, equals: Set(equals).sorted())
            }
            return
        }
        for name in Finding.Name.allCases {
            guard let gains = colorGains[name], gains.count >= needed,
                gains.median > Self.colorGain,
                Double(gains.count(where: { $0 > 0 })) >= share * Double(gains.count)
            else { continue }
            return say(
                name,
                "\(decimal(exp(gains.median), 1)) times likelier among what the model was trained "
                    + "on than as stated")
        }
    }

    private mutating func sayGeometry(_ best: Hypothesis, _ better: Double, equals: [String]) {
        guard var name = best.name else { return }
        let stated = costs.median
        var evidence =
            "planes and frames before differ by \(decimal(stated, 2)) as stated, by "
            + "\(decimal(stated - better, 2)) that way, over \(costs.count) frames"
        switch best {
        case .unit(let factor), .nearPlane(let factor):
            let unit = unit(factor)
            name = unit.name
            evidence += "; the factor is \(short(unit.factor))"
        case .fieldOfView(let factor), .farPlane(let factor):
            evidence += "; the factor is \(short(factor))"
        case .normalAxes(let axes) where name == .normalsAxes:
            evidence += "; our x, y, z are its \(axes.text)"
            if let owner = axes.owner { evidence += ", \(owner)" }
        case .normalSpace where sendsView: name = .normalsWorld
        default: break
        }
        if !equals.isEmpty {
            evidence += "; \(equals.joined(separator: " and ")) would explain it as well"
        }
        say(name, evidence)
    }

    /// Depth that is k times too small looks like positions that are k times too large; the depths
    /// themselves say which is likelier: rooms and streets are some metres deep.
    private func unit(_ factor: Double) -> (name: Finding.Name, factor: Double) {
        func off(_ depth: Double) -> Double { abs(log10(max(depth, 1e-9) / 5)) }
        let depth = depths.median
        if off(depth) <= off(depth * factor) { return (.cameraUnit, 1 / factor) }
        return (isDevice ? .nearPlane : .depthUnit, factor)
    }

    private mutating func say(_ name: Finding.Name, _ evidence: String) {
        finding = Finding(name: name, evidence: evidence, frames: measures.frames)
    }
}

extension Hypothesis {
    /// Hypotheses of one family are one verdict.
    fileprivate var family: String {
        switch self {
        case .unit, .nearPlane: "unit"
        default: name?.rawValue ?? ""
        }
    }
}

extension [Double] {
    /// 0 of none; the upper one of two.
    var median: Double { isEmpty ? 0 : sorted()[count / 2] }
}

func decimal(_ value: Double, _ digits: Int) -> String {
    let scale = pow(10, Double(digits))
    let rounded = Int((abs(value) * scale).rounded())
    let unit = Int(scale)
    let rest = String(rounded % unit)
    let zeros = String(repeating: "0", count: max(0, digits - rest.count))
    return (value < 0 && rounded > 0 ? "-" : "") + "\(rounded / unit).\(zeros)\(rest)"
}

/// 0.01, 100, 1.3.
func short(_ value: Double) -> String {
    value >= 10 ? String(Int(value.rounded())) : String((value * 10_000).rounded() / 10_000)
}
