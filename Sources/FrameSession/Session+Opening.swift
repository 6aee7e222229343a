// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameProtocol
import FrameTypes

extension Session {
    mutating func open(_ request: OpenRequest, history: HistoryDescription?, now: UInt64) {
        guard case .connected = phase else {
            return fail(.unexpectedMessage(name: "FL_OPEN", reason: unexpectedReason), now: now)
        }
        let plan = SessionPlan(request, waitingFrames: settings.waitingFrames, resumes: history)
        askForAdmission(
            AdmissionRequest(request: request, plannedBytes: plan.totalByteCount), history,
            keepsHistory: false)
    }

    /// Only when the frames of the old layout are finished and sent.
    mutating func reconfigure(_ request: OpenRequest, keepsHistory: Bool) {
        let kept = keepsHistory ? history?.size : nil
        let plan = SessionPlan(request, waitingFrames: settings.waitingFrames, keeps: kept)
        askForAdmission(
            AdmissionRequest(request: request, plannedBytes: plan.totalByteCount), nil,
            keepsHistory: keepsHistory)
    }

    private mutating func askForAdmission(
        _ admission: AdmissionRequest, _ history: HistoryDescription?, keepsHistory: Bool
    ) {
        phase = .admitting(admission, history, keepsHistory: keepsHistory)
        act(.admit(admission))
    }

    /// From the next frame without history on the session uses the version of its model that is served
    /// by then; until it is cut it keeps its own.
    package mutating func modelReplaced() { isModelOutdated = true }

    mutating func renewModel() {
        guard let request = agreement?.request else { return }
        let plan = SessionPlan(request, waitingFrames: settings.waitingFrames)
        isRenewing = true
        act(.renewModel(AdmissionRequest(request: request, plannedBytes: plan.totalByteCount)))
    }

    /// - Parameter admission: nil where it stays with its version for now.
    package mutating func renewed(_ admission: Admission?, now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            guard session.isRenewing else { return }
            session.isRenewing = false
            session.isModelOutdated = false
            if let admission { session.agreement?.admission = admission }
        }
    }

    package mutating func refused(_ error: ProtocolError, now: UInt64) -> [SessionAction] {
        perform(now: now) { $0.fail(error, now: now) }
    }

    package mutating func admitted(_ admission: Admission, now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            guard case .admitting(let asked, let description, let keepsHistory) = session.phase
            else { return }
            // The time that the opening took is not the client's; a new configuration is no use of the
            // session.
            if session.agreement == nil { session.lastActivity = max(session.lastActivity, now) }
            session.agreement = Agreement(request: asked.request, admission: admission)
            session.isModelOutdated = false
            // The old storages go before the new ones are made.
            session.storages = nil
            session.slots = nil
            if !keepsHistory { session.history = nil }
            session.historyStart = session.history == nil ? .none : .kept
            if let description {
                guard let payload = session.reserve(description.byteCount, now: now) else { return }
                session.incoming = .history(description, payload)
                session.phase = .receivingHistory
                session.act(.receivePayload(payload))
            } else {
                session.beginRunning(now: now)
            }
        }
    }

    mutating func historyReceived(
        _ description: HistoryDescription, _ payload: PixelStorage, now: UInt64
    ) {
        let byteCount = FrameHistory.byteCount(of: description.size)
        guard let storage = reserve(byteCount, now: now) else { return }
        var converted: PixelStorage?
        if description.conversion.isNeeded {
            converted = reserve(description.conversion.layout.byteCount, now: now)
            guard converted != nil else { return }
        }
        let conversion = HistoryConversion(
            description, payload: payload, converted: converted, storage: storage)
        phase = .convertingHistory(conversion)
        act(.convertHistory(conversion))
    }

    package mutating func historyConverted(now: UInt64) -> [SessionAction] {
        perform(now: now) { session in
            guard case .convertingHistory(let conversion) = session.phase else { return }
            session.history = conversion.history
            session.historyStart = .resumed
            session.lastFrameID = conversion.description.frameID
            session.beginRunning(now: now)
        }
    }

    /// Admitted memory that the system refuses after all ends the session.
    private mutating func reserve(_ byteCount: Int, now: UInt64) -> PixelStorage? {
        do {
            return try PixelStorage(reserving: byteCount)
        } catch {
            fail(ProtocolError(error), now: now)
            return nil
        }
    }

    private mutating func beginRunning(now: UInt64) {
        guard let agreement else { return }
        let request = agreement.request
        let plan = SessionPlan(request, waitingFrames: settings.waitingFrames)
        do {
            storages = try SessionStorages(plan)
        } catch {
            return fail(ProtocolError(error), now: now)
        }
        phase = .running
        let admission = agreement.admission
        control = QualityControl(admission.qualities, settings: settings.quality)
        send(
            MessageEncoder.opened(
                OpenedReply(
                    sessionID: id,
                    features: (admission.isIncremental ? OpenedReply.incrementalFeature : 0)
                        | (request.wantsSharedMemory ? OpenedReply.sharedMemoryFeature : 0)
                        | grantedQuality(request),
                    plannedBytes: UInt64(clamping: admission.plannedBytes),
                    framePayloadByteCount: UInt64(plan.frameByteCount),
                    pictureByteCount: UInt64(plan.pictureByteCount),
                    maxFramesInFlight: plan.frameCount, history: historyStart,
                    model: admission.model, modelVersion: admission.modelVersion,
                    precision: admission.precision, kernelPath: admission.kernelPath,
                    precisionReason: admission.precisionReason)), now: now)
    }
}

extension Session {
    /// For clients that said something about it.
    private func grantedQuality(_ request: OpenRequest) -> UInt64 {
        guard request.quality != nil || request.mayFall, let agreement else { return 0 }
        return control.quality.feature
            | (agreement.admission.qualities.count > 1 ? OpenedReply.mayFallFeature : 0)
    }
}

extension ProtocolError {
    package init(_ refusal: MemoryRefusal) {
        let mebibytes = max(1, (refusal.byteCount + (1 << 20) - 1) >> 20)
        self = .memoryLimit(
            needed: UInt64(clamping: refusal.byteCount), available: 0, key: "limits.memory_mib",
            reason: "The session needs \(mebibytes) MiB more, which the system refuses the daemon "
                + "(limit of address space, overcommit or number of mappings).")
    }
}
