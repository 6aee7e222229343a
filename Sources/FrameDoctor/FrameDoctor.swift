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
    /// Of the surfaces, frames that are right have 0.97 or more inside of the space that the model knows.
    /// In a world of other axes so many must be inside, and as stated so few. A smaller world always
    /// lies inside: there as stated still fewer.
    static let inside = 0.95
    static let outsideTurned = 0.9
    static let outsideScaled = 0.5
    /// Where nothing lies there, no other world need be found.
    static let elsewhere = 0.05
    /// Frames that a comparison may reach back.
    static let gapLimit = 4

    /// Each mistake hides others: the first is said, and the next when it is mended.
    package private(set) var finding: Finding?
    package private(set) var measures = Measures()

    private let palette: Palette?
    private let space: KnownSpace?
    private var gains: [Hypothesis: [Double]] = [:]
    private var costs: [Double] = []
    private var motionCosts: [Double] = []
    private var insideShares: [OtherWorld: [Double]] = [:]
    private var depths: [Double] = []
    private var marks: [Finding.Name: Int] = [:]
    private var colorGains: [Finding.Name: [Double]] = [:]
    private var waiting: DoctorFrame?
    private var reference: DoctorFrame?
    private var age = 0
    /// The frame before the one that is judged, where none was left out between them.
    private var previous: DoctorFrame?
    private var isDevice = false
    private(set) var hasJitter = false
    private(set) var hasMotion = false
    /// Comparisons by motion planes that moved.
    private(set) var motionCount = 0
    private var sendsView = false

    package init(palette: Palette? = nil, space: KnownSpace? = nil) {
        self.palette = palette
        self.space = space
    }

    var hasPalette: Bool { palette != nil }
    var hasSpace: Bool { space != nil }

    /// Whether more frames could say more: a camera that stood still says little.
    package var isSure: Bool { finding != nil || measures.movingFrames >= 12 }

    /// - Parameters:
    ///   - isCut: the frame does not follow the one before.
    ///   - leftOut: cameras of the first and the last of the frames that were not looked at since the
    ///     one before; nil: there were none.
    package mutating func examine(
        _ frame: DoctorFrame, isCut: Bool = false, leftOut: LeftOutCameras? = nil
    ) {
        var frame = frame
        if var judged = waiting {
            if !isCut {
                judged.cameraAfter =
                    leftOut.map { $0.first.map { DoctorCamera($0, step: judged.step) } }
                    ?? frame.camera
                frame.cameraBefore =
                    leftOut.map { $0.last.map { DoctorCamera($0, step: frame.step) } }
                    ?? judged.camera
            }
            judge(judged)
            previous = isCut || leftOut != nil ? nil : judged
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
        previous = nil
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
        if let previous { compareMotion(frame, previous) }
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
        if let shares = space?.shares(of: frame) {
            for (world, share) in shares { insideShares[world, default: []].append(share) }
        }
    }

    // MARK: What two frames show together

    private mutating func compareMotion(_ frame: DoctorFrame, _ earlier: DoctorFrame) {
        guard let stated = MotionComparison(frame, earlier) else { return }
        hasMotion = true
        if stated.movement >= 0.5 { motionCount += 1 }
        let (width, height) = (frame.size.width * frame.step, frame.size.height * frame.step)
        var found: [Hypothesis: Double] = [:]
        for reading in MotionReading.all(Double(width), Double(height)) {
            guard let other = MotionComparison(frame, earlier, as: reading) else { continue }
            found[.motion(reading)] = other.cost
        }
        guard min(stated.cost, found.values.min() ?? 1) < 0.8 else { return }
        motionCosts.append(stated.cost)
        for (hypothesis, other) in found {
            gains[hypothesis, default: []].append(stated.cost - other)
        }
    }

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
            let count = hypothesis.isOfMotion ? motionCosts.count : costs.count
            guard gains.count >= max(needed, Int(0.7 * Double(count))), median >= gain,
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
        // What geometry tells says more: it has its turn first.
        if let outside = outsideOfModel(needed: 2 * needed, share: share) {
            return say(.outsideModel, outside)
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
        let costs = best.isOfMotion ? motionCosts : costs
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
        case .motion(let reading): evidence += "; the values are \(reading.words)"
        default: break
        }
        if !equals.isEmpty {
            evidence += "; \(equals.joined(separator: " and ")) would explain it as well"
        }
        say(name, evidence)
    }

    /// Evidence, if the surfaces lie where the model knows nothing, and in another world they would not
    /// or none of them is where it knows anything.
    private func outsideOfModel(needed: Int, share: Double) -> String? {
        guard let stated = insideShares[.stated], stated.count >= needed else { return nil }
        func isOutside(_ limit: Double) -> Bool {
            stated.median < limit
                && Double(stated.count { $0 < limit }) >= share * Double(stated.count)
        }
        let other = OtherWorld.all.dropFirst().first { world in
            isOutside(world.scale == 1 ? Self.outsideTurned : Self.outsideScaled)
                && (insideShares[world] ?? []).median >= Self.inside
        }
        guard other != nil || isOutside(Self.elsewhere) else { return nil }
        var evidence =
            "\(decimal(stated.median * 100, 1)) % of them lie inside, over \(stated.count) frames"
        if let other {
            let share = (insideShares[other] ?? []).median * 100
            evidence += "; \(decimal(share, 1)) % would if it is so: \(other.text)"
        }
        return evidence
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
    fileprivate var isOfMotion: Bool {
        if case .motion = self { true } else { false }
    }

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
