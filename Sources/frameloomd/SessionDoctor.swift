// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Dispatch
import Foundation
import FrameControl
import FrameDoctor
import FrameProtocol
import FrameScheduler
import FrameSocket
import FrameTypes
import Glibc
import Synchronization

/// The doctor of one session: a render thread copies what it needs of some frames, and a thread of all
/// doctors thinks about them, a frame of each in turn, for a fifth of a core at most. It changes no
/// picture and nobody waits for it. (A thread of the lowest priority would take nothing from anybody,
/// but where the machine is busy it stands still for seconds, and with it whoever wants the lock that
/// it holds then, of the heap for example.)
///
/// Frames are looked at in rows of consecutive ones, since only those can be compared: the first
/// dozen, and then a few every other second, more often until the doctor is sure.
final class SessionDoctor: Sendable {
    private static let firstRow = 14
    private static let laterRow = 6
    private static let pause: UInt64 = 2_000_000_000

    /// Frames that may wait to be thought about: as many as fit into 16 MiB, three to eight. Where
    /// frames come faster than that the others are left out, and only their cameras are kept.
    private static func waitingLimit(_ size: FrameSize) -> Int {
        min(8, max(3, (16 << 20) / DoctorFrame.byteCount(of: size)))
    }

    /// Parts of the thread's time: one of thought, the rest of rest.
    private static let restParts: UInt64 = 4
    private static let queue = DispatchQueue(label: "frameloom.doctor", qos: .utility)
    /// Doctors with frames to think about; beyond so many, frames are left out. Sessions can be opened
    /// and closed faster than anybody thinks.
    private static let busy = Atomic(0)
    private static let mostBusy = 32

    private let state = Mutex(State())
    private let modelFolder: String
    /// A finding, or why the palette cannot be used; each once, on the doctor's thread.
    private let warn: @Sendable (String) -> Void

    private struct State: Sendable {
        var doctor: FrameDoctor?
        var waiting: [Waiting] = []
        var isThinking = false
        /// Of the row under way.
        var rest = SessionDoctor.firstRow
        var isCut = true
        /// Since the last one that was taken.
        var leftOut: LeftOutCameras?
        var lastRow: UInt64 = 0
        var looked = 0

        mutating func cut() {
            isCut = true
            leftOut = nil
        }
    }

    private struct Waiting: Sendable {
        var frame: DoctorFrame
        var isCut: Bool
        var leftOut: LeftOutCameras?
    }

    /// - Parameter modelFolder: the session's model; read on the doctor's thread. What it does not say
    ///   cannot be told.
    init(modelFolder: String, warn: @escaping @Sendable (String) -> Void) {
        self.modelFolder = modelFolder
        self.warn = warn
    }

    /// What it keeps of a session's frames at most.
    static func plannedBytes(_ size: FrameSize) -> Int {
        (waitingLimit(size) + 4) * DoctorFrame.byteCount(of: size)
    }

    /// nil until a frame was looked at.
    var report: ExaminationReport? {
        guard let doctor = state.withLock({ $0.doctor }), doctor.measures.frames > 0 else {
            return nil
        }
        return ExaminationReport(doctor)
    }

    /// For the replies; nothing until a frame was looked at.
    var seen: SeenPlanes {
        guard let measures = state.withLock({ $0.doctor?.measures }), measures.frames > 0 else {
            return SeenPlanes()
        }
        return SeenPlanes(
            historyShare: measures.historyShare, skyShare: measures.skyShare,
            awayShare: measures.awayShare, colorError: measures.baseColorError)
    }

    func look(_ request: FrameRequest) {
        look(at: request.gbuffer, isCut: request.history == nil, now: EventLoop.now)
    }

    /// Any thread; takes about a millisecond where the frame is one to be looked at.
    /// - Parameter isCut: the frame does not follow the one that was here before.
    func look(at gbuffer: GBuffer, isCut: Bool, now: UInt64) {
        let turn = state.withLock { state -> Int? in
            if isCut { state.cut() }
            if state.rest == 0, now &- state.lastRow > Self.pause {
                state.rest = Self.laterRow
                state.cut()
            }
            guard state.rest > 0 else { return nil }
            guard state.waiting.count < Self.waitingLimit(gbuffer.layout.size),
                state.isThinking || Self.busy.load(ordering: .relaxed) < Self.mostBusy
            else {
                let first = state.leftOut.map(\.first) ?? gbuffer.camera
                state.leftOut = LeftOutCameras(first: first, last: gbuffer.camera)
                return nil
            }
            state.rest -= 1
            state.lastRow = now
            state.looked += 1
            return state.looked
        }
        guard let turn, let frame = DoctorFrame(gbuffer, turn: turn) else { return }
        let mustStart = state.withLock { state in
            state.waiting.append(
                Waiting(frame: frame, isCut: state.isCut, leftOut: state.leftOut))
            state.isCut = false
            state.leftOut = nil
            defer { state.isThinking = true }
            return !state.isThinking
        }
        guard mustStart else { return }
        Self.busy.add(1, ordering: .relaxed)
        thinkLater()
    }

    /// A session that ended meanwhile needs no doctor.
    private func thinkLater() {
        Self.queue.async { [weak self] in
            ThreadSlice.background.take()
            if let self, self.think() {
                self.thinkLater()
            } else {
                Self.busy.subtract(1, ordering: .relaxed)
            }
        }
    }

    /// About one frame; about the next one after the other doctors.
    /// - Returns: false if there was none.
    private func think() -> Bool {
        let next = state.withLock { state -> (FrameDoctor?, Waiting)? in
            guard !state.waiting.isEmpty else {
                state.isThinking = false
                return nil
            }
            return (state.doctor, state.waiting.removeFirst())
        }
        guard let (kept, one) = next else { return false }
        let start = Self.processorTime()
        var doctor =
            kept
            ?? FrameDoctor(
                palette: readPalette(), space: KnownSpace.read(modelFolder: modelFolder))
        let knew = doctor.finding != nil
        doctor.examine(one.frame, isCut: one.isCut, leftOut: one.leftOut)
        let now = doctor
        state.withLock { $0.doctor = now }
        if !knew, let finding = doctor.finding { warn(finding.text) }
        let rest = (Self.processorTime() - start) / 1000 * Self.restParts
        usleep(UInt32(min(rest, 500_000)))
        return true
    }

    /// Of the calling thread, nanoseconds.
    private static func processorTime() -> UInt64 {
        var time = timespec()
        // A local that outlives the call.
        guard unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    private func readPalette() -> Palette? {
        do {
            return try PaletteFile.read(modelFolder + "/" + PaletteFile.name)
        } catch {
            warn(error.description)
            return nil
        }
    }
}
