// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

@testable import FrameSession

/// A client's bytes through the decoder to a real session, with what a daemon does meanwhile: jobs
/// begin, end and fail, replies are taken, time passes, the operator interferes.
///
/// The input is a list of steps, each a byte and what it needs:
///
/// | low four bits | |
/// |---|---|
/// | 0, 1 | u16 length, then bytes from the client |
/// | 2 | the payload that is awaited came whole (its contents: this byte) |
/// | 3, 4 | the oldest job begins; ends |
/// | 5 | the oldest job fails |
/// | 6 | a reply was taken |
/// | 7 | u16: so many times 10 ms pass, then a tick |
/// | 8 | the history was converted |
/// | 9 | a slot could not be read; a descriptor was refused |
/// | 10 to 14 | drain, kick, yield, lost connection, a newer model, each with 255 after it only, so that it is rare |
/// | 15 | what the newer model needs is there, or has no room |
enum ProtocolTarget {
    static func run(_ input: [UInt8]) {
        var drive = SessionDrive()
        var reader = InputReader(input)
        while !reader.isEmpty { drive.step(&reader) }
        drive.finish()
    }
}

private struct SessionDrive {
    private var session = Session(
        id: 1,
        settings: SessionSettings(
            waitingFrames: 2, idleTimeout: 300_000_000_000, openTimeout: 10_000_000_000,
            slowReaderTimeout: 10_000_000_000), now: 1_000_000_000)
    private var decoder = MessageDecoder()
    private var isStreamBroken = false
    private var now: UInt64 = 1_000_000_000

    private var payload: PixelStorage?
    private var isSkipping = false
    private var isRenewing = false
    private var awaitsDescriptor = false
    private var readsSlot = false
    private var conversion: HistoryConversion?
    private var jobs: [FrameJob] = []
    private var unwritten = 0
    private var ends = 0
    private var lastPicture: UInt64 = 0

    /// As the daemon's limits: what is larger is refused, so that inputs stay quick.
    private static let memoryLimit = 4 << 20

    private var awaitsPayload: Bool { payload != nil || isSkipping || awaitsDescriptor }

    mutating func step(_ reader: inout InputReader) {
        let code = reader.byte()
        switch code & 15 {
        case 0, 1: receive(reader.bytes(reader.short()))
        case 2: finishPayload(filling: code)
        case 3: _ = jobs.first?.take(now: now)
        case 4: endJob(.finished)
        case 5: endJob(.failed(Failure()))
        case 6:
            guard unwritten > 0 else { return }
            unwritten -= 1
            perform(session.replyWritten(now: now))
        case 7:
            now += UInt64(reader.short()) * 10_000_000
            perform(session.tick(now: now, writeStall: unwritten > 0 ? UInt64(code) << 26 : 0))
        case 8: convertHistory()
        case 9:
            if readsSlot {
                (readsSlot, payload) = (false, nil)
                perform(session.slotUnreadable(now: now))
            } else if awaitsDescriptor {
                awaitsDescriptor = false
                perform(session.shareReceived(.draining, now: now))
            }
        case 10 where reader.byte() == 255: perform(session.drain(now: now))
        case 11 where reader.byte() == 255: perform(session.kick(now: now))
        case 12 where reader.byte() == 255 && session.isUnused:
            perform(session.yield(now: now))
        case 13 where reader.byte() == 255: perform(session.connectionLost(now: now))
        case 14 where reader.byte() == 255: session.modelReplaced()
        case 15 where isRenewing:
            isRenewing = false
            perform(session.renewed(reader.byte() & 1 == 0 ? Self.admission : nil, now: now))
        default: now += 1
        }
    }

    private struct Failure: Error {}

    /// As the daemon: a piece at a time, and none while a payload is awaited.
    private mutating func receive(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty, !isStreamBroken, !session.hasEnded, !awaitsPayload {
            let piece = rest.prefix(decoder.wantedByteCount)
            rest = rest.dropFirst(piece.count)
            session.bytesArrived(piece.count)
            do {
                guard let message = try decoder.append(piece) else { continue }
                perform(session.receive(message, now: now))
            } catch {
                isStreamBroken = true
                // Whatever is wrong becomes a reply of the agreed size.
                _ = MessageEncoder.error(ErrorReply(error, severity: .session))
                perform(session.protocolFailed(error, now: now))
            }
        }
    }

    private mutating func finishPayload(filling value: UInt8) {
        if let payload {
            payload.copy(
                [UInt8](repeating: value, count: min(payload.byteCount, 4096)))
        } else if awaitsDescriptor {
            awaitsDescriptor = false
            return perform(session.shareReceived(nil, now: now))
        } else if !isSkipping {
            return
        }
        (payload, isSkipping, readsSlot) = (nil, false, false)
        perform(session.payloadFinished(now: now))
    }

    private mutating func convertHistory() {
        guard let conversion else { return }
        self.conversion = nil
        let memory = WorkerMemory()
        for step in conversion.steps {
            for tile in 0..<step.tileCount { step.runTile(tile, memory) }
        }
        perform(session.historyConverted(now: now))
    }

    private mutating func endJob(_ outcome: JobResult.Outcome) {
        guard !jobs.isEmpty else { return }
        let job = jobs.removeFirst()
        if case .finished = outcome {
            // A job that finished has begun.
            _ = job.take(now: now)
            job.rendered(historyFrame: nil, work: .full)
        }
        perform(
            session.renderFinished(
                job,
                JobResult(
                    id: 0, session: 1, outcome: outcome, startedAt: now, finishedAt: now,
                    times: StageTimes()), load: 0.5, now: now))
    }

    mutating func finish() {
        while !jobs.isEmpty { endJob(.finished) }
        perform(session.connectionLost(now: now))
        precondition(session.hasEnded && ends == 1, "a session ends once")
        precondition(session.isDone, "a session without jobs is done")
    }

    private mutating func perform(_ actions: [SessionAction]) {
        for action in actions {
            precondition(ends == 0, "nothing follows the end")
            switch action {
            case .admit(let request): admit(request)
            case .renewModel:
                precondition(!isRenewing && jobs.isEmpty, "renewed twice, or beside a job")
                isRenewing = true
            case .receivePayload(let storage): payload = storage
            case .skipPayload: isSkipping = true
            case .receiveDescriptor: awaitsDescriptor = true
            case .readSlot(let storage, let position):
                precondition(position >= 0, "a slot before the memory")
                (payload, readsSlot) = (storage, true)
            case .convertHistory(let conversion): self.conversion = conversion
            case .start(let job): jobs.append(job)
            case .cancelJob, .setReading, .frameFailed, .qualityChanged: break
            case .send(let bytes):
                precondition(!bytes.isEmpty, "an empty reply")
                unwritten += 1
            case .sendPicture, .sendPictureInSlot: unwritten += 1
            case .end: ends += 1
            }
        }
    }

    private mutating func admit(_ request: AdmissionRequest) {
        guard request.plannedBytes <= Self.memoryLimit else {
            let error = ProtocolError.memoryLimit(
                needed: UInt64(request.plannedBytes), available: UInt64(Self.memoryLimit),
                key: "limits.memory_mib", reason: "too much")
            return perform(session.refused(error, now: now))
        }
        perform(session.admitted(Self.admission, now: now))
    }

    private static let admission = Admission(
        plannedBytes: 1, model: "m", modelVersion: "1", precision: "fp32",
        kernelPath: "portable", isIncremental: false)
}
