// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameClip
import FrameTypes

/// Who renders a clip: the daemon behind its socket, or this process. Frames go in and pictures come
/// out in the same order; up to `maxFramesInFlight` are under way at once.
protocol FrameRenderer {
    var description: RendererDescription { get }

    /// Takes one frame of the clip; may block until it is handed over.
    func send(_ frame: FrameToRender) throws

    /// The next reply, waiting at most so long; its picture, if it has one, is in `pixels` (RGBA8,
    /// rows packed, in the clip's order of rows).
    /// - Returns: nil if nothing came in time.
    func receive(
        into pixels: inout [UInt8], waitingNanoseconds: UInt64
    ) throws -> RenderReply?

    /// Ends in good order, after the last reply.
    func finish() throws
}

struct FrameToRender {
    var id: UInt64
    /// Index into the clip's frames.
    var clipFrame: Int
    /// Start without history.
    var isReset: Bool
}

struct RendererDescription {
    var model = ""
    var modelVersion = ""
    var precision = ""
    var kernelPath = ""
    /// Threads in this process; nil behind a socket.
    var threads: Int?
    var maxFramesInFlight = 1
    /// How often a broken connection was taken up again.
    var resumeCount = 0
    /// Metres: what lies at or beyond is sky; nil where the renderer does not tell.
    var farthestSurface: Float?
}

struct RenderReply {
    enum Outcome {
        case picture
        /// One sentence.
        case failed(String)
    }

    var id: UInt64
    var outcome: Outcome
    var historyFrame: UInt64?
    var isLate = false
    /// Last byte of the frame to its reply, nanoseconds; nil where there is no socket between.
    var age: UInt64?
    /// Some tiles were carried over instead of rendered.
    var isApproximate = false
    /// Of the tiles, those that were rendered.
    var computedShare = 1.0
    /// At which size its light was computed.
    var quality = FrameQuality.full
    /// Nanoseconds by stage, as the renderer counted them.
    var stages = StageTimes()
}

/// What ends a run; the sentence says what to do.
enum RunError: Error, CustomStringConvertible {
    case client(String)
    case stalled(frame: UInt64, seconds: Int)
    case nameTooLong(name: String, limit: Int)
    case modelFolder(String)
    case modelChoice(folder: String, known: [String])
    case clipFolder
    case denoiser(String)
    case outputExists(String)
    case outputFolder(String, reason: String)
    case program(String, reason: String)
    case output(String)

    var description: String {
        switch self {
        case .client(let text): text
        case .stalled(let frame, let seconds):
            "no picture came for frame \(frame) within \(seconds) seconds"
        case .nameTooLong(let name, let limit):
            "the name \(name) is longer than \(limit) bytes"
        case .modelFolder(let text): text
        case .modelChoice(let folder, let known):
            known.isEmpty
                ? "there is no model in \(folder); name another folder with --models"
                : "choose one of the models in \(folder) with --model: "
                    + known.joined(separator: ", ")
        case .clipFolder: "the demo clip was not found; name a clip's folder with --clip"
        case .denoiser(let text): text
        case .outputExists(let path):
            "\(path) exists already and is not written over; choose another folder with --out"
        case .outputFolder(let path, let reason): "cannot make the folder \(path): \(reason)"
        case .output(let text): text
        case .program(let name, let reason): "\(name): \(reason)"
        }
    }
}
