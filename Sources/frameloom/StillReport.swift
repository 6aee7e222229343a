// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralDenoiser

/// One step of a frame, mean of its times.
struct StillStep: Encodable {
    var name: String
    var wholeMs: Double
    var partlyMs: Double
}

/// What a still scenario cost and lost; the keys of `--json` are its names in snake case.
struct StillReport: Encodable {
    var width: Int
    var height: Int
    var model: String
    var precision: String
    var kernelPath: String
    var threads: Int
    var frames: Int
    var unchangedFrames: Int
    var partialFrames: Int
    var fullFrames: Int
    var wholeMsP50: Double
    var wholeMsP99: Double
    var partlyMsP50: Double
    var partlyMsP99: Double
    var partlyMsMean: Double
    /// Of the medians.
    var costRatio: Double
    var tileShareMean: Double
    /// Of 255, in the rendered tiles and one tile around them.
    var errorMean: Double
    var errorP999: Int
    var errorMax: Int
    var errorMaxFrame: Int
    var errorMaxX: Int
    var errorMaxY: Int
    /// The same in the whole picture.
    var pictureErrorMean: Double
    var pictureErrorP999: Int
    var pictureErrorMax: Int
    /// With `--profile`.
    var steps: [StillStep]?

    init(_ run: StillRun, denoiser: Denoiser, threads: Int) {
        width = run.layout.size.width
        height = run.layout.size.height
        model = denoiser.description.name
        precision = denoiser.description.precision
        kernelPath = denoiser.description.kernelPath
        self.threads = threads
        frames = run.partlyTimes.count
        unchangedFrames = run.kinds[.unchanged] ?? 0
        partialFrames = run.kinds[.partial] ?? 0
        fullFrames = run.kinds[.full] ?? 0
        let (whole, partly) = (Durations(run.wholeTimes), Durations(run.partlyTimes))
        wholeMsP50 = whole.milliseconds(atPercentile: 50)
        wholeMsP99 = whole.milliseconds(atPercentile: 99)
        partlyMsP50 = partly.milliseconds(atPercentile: 50)
        partlyMsP99 = partly.milliseconds(atPercentile: 99)
        partlyMsMean = Double(run.partlyTimes.reduce(0, +)) / 1e6 / Double(max(frames, 1))
        costRatio = wholeMsP50 > 0 ? partlyMsP50 / wholeMsP50 : 0
        tileShareMean = run.shares.reduce(0, +) / Double(max(frames, 1))
        errorMean = run.errors.mean
        errorP999 = run.errors.percentile(99.9)
        errorMax = run.errors.largest
        errorMaxFrame = run.errors.place.frame
        errorMaxX = run.errors.place.x
        errorMaxY = run.errors.place.y
        pictureErrorMean = run.allErrors.mean
        pictureErrorP999 = run.allErrors.percentile(99.9)
        pictureErrorMax = run.allErrors.largest
        if !run.stepTimes.isEmpty { steps = run.stepTimes }
    }

    var json: String { ReportText.json(self) }

    /// For people.
    var text: String { ([summary] + table).joined(separator: "\n") }

    private var table: [String] {
        guard let steps else { return [] }
        var table = Table(["STEP", "WHOLE MS", "CHANGED MS"])
        for step in steps {
            table.add([step.name, decimal(step.wholeMs, 3), decimal(step.partlyMs, 3)])
        }
        return ["", table.text]
    }

    private var summary: String {
        """
        Model      \(model), \(kernelPath), \(threads) threads, \(width)x\(height)
        Frames     \(frames): \(unchangedFrames) unchanged, \(partialFrames) in part, \
        \(fullFrames) whole; \(decimal(tileShareMean * 100, 1)) % of the tiles
        Whole      p50 \(decimal(wholeMsP50, 2)) ms, p99 \(decimal(wholeMsP99, 2)) ms
        Changed    p50 \(decimal(partlyMsP50, 2)) ms, p99 \(decimal(partlyMsP99, 2)) ms, mean \
        \(decimal(partlyMsMean, 2)) ms; \(decimal(costRatio, 4)) of whole
        Difference mean \(decimal(errorMean, 3)), 99.9 % within \(errorP999), largest \(errorMax) \
        of 255 (frame \(errorMaxFrame), x \(errorMaxX), y \(errorMaxY)) where rendered and around
                   mean \(decimal(pictureErrorMean, 3)), 99.9 % within \(pictureErrorP999), \
        largest \(pictureErrorMax) in the whole picture
        """
    }
}
