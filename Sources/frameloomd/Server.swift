// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameDoctor
import FrameProtocol
import FrameScheduler
import FrameSession
import FrameSocket
import FrameTypes
import Glibc
import Logging
import NeuralDenoiser
import Synchronization

/// What the server holds for an admitted session.
struct Grant {
    var denoiser: Denoiser
    var model: String
    var request: OpenRequest
    var workspace: any FrameWorkspace
    var key: WorkspaceShelf.Key
    var plannedBytes: Int
    /// For a session of incremental frames, while there is memory for it.
    var cache: SessionCache?
}

/// What a session has in the scheduler, by the job's id.
enum PendingJob {
    case frame(FrameJob)
    case historyConversion
}

/// The frame was withdrawn, or it is too old by now.
private struct NothingToRender: Error {}

/// The workspace of one session that keeps what it rendered. It can be taken away at any time: the
/// session's frames are then rendered whole in the shared one.
struct SessionCache {
    var workspace: any FrameWorkspace
    var byteCount: Int
}

/// The daemon: the only place where clients and the denoiser meet.
///
/// The path of a frame:
///
///     Connection → Client.didRead → MessageDecoder → Session.receive → Session.payloadFinished
///       → SessionAction.start → Server.render → Scheduler (render threads: the workspace's steps)
///       → Server.takeResults → Session.renderFinished → SessionAction.sendPicture → Connection
///
/// and what it is called on the way: FrameMessage (announced) → ReceivedFrame (came whole) → FrameJob
/// (submitted; the session may still put a newer frame in it) → FrameRequest (taken by the job when
/// it begins) → JobResult (what became of it) → PictureReply. A stale frame is dropped by the
/// session: `Session+Receiving` while it waits, `FrameJob.take` when it would begin too late.
///
/// Everything here runs on the loop thread; jobs run on render threads and come back by the waker.
final class Server {
    let settings: Configuration
    let log = Logger(label: "frameloomd")
    let startedAt = EventLoop.now
    let loop: EventLoop
    let models: ModelLibrary
    let scheduler: Scheduler
    let pool: RenderPool
    let defaultModel: ModelDescription
    private let manager: ServiceManager
    let logQueue: LogQueue

    private(set) var clients: [UInt64: Client] = [:]
    private(set) var isDraining = false
    var admission: AdmissionControl
    var shelf = WorkspaceShelf()
    let watches: PictureWatches
    /// Counters of sessions that ended.
    var endedWork = WorkCounts()
    var latency = LatencyHistogram()
    var sessionsOpened: UInt64 = 0
    var sessionsRefused: UInt64 = 0
    var protocolErrors: UInt64 = 0

    private var nextSession: UInt64 = 1
    private var nextJob: UInt64 = 1
    private let sessionSettings: SessionSettings
    private var listener: Listener?
    private var control: ControlServer?
    private var ticker: LoopTimer?
    private var drainDeadline: UInt64?

    init(settings: Configuration, manager: ServiceManager, logQueue: LogQueue) throws {
        self.settings = settings
        self.logQueue = logQueue
        self.manager = manager
        loop = try EventLoop()
        sessionSettings = SessionSettings(settings.limits)
        admission = AdmissionControl(limits: settings.limits)
        watches = PictureWatches(limit: settings.limits.viewers)

        let wakeHandler = WakeHandler()
        let waker = try loop.makeWaker { wakeHandler.run() }
        let kernelPath = KernelPath(rawValue: settings.render.kernelPath)
        models = ModelLibrary(
            folder: settings.models.folder, kernelPath: kernelPath,
            precision: PrecisionChoice(name: settings.render.precision) ?? .automatic,
            wake: { waker.wake() })
        let denoiser = try models.loadAtStart(settings.models.default)
        defaultModel = denoiser.description

        pool = try RenderPool(
            .init(
                threadCount: settings.render.threads == 0
                    ? AvailableProcessors.count : settings.render.threads,
                pinsThreads: settings.render.pinsThreads,
                threadSetup: { Denoiser.prepareRenderThread() }))
        try WarmUp.render(with: denoiser, on: pool)
        scheduler = Scheduler(pool: pool, onResult: { waker.wake() })
        wakeHandler.handler = { [unowned self] in
            models.takeArrivals()
            takeResults()
        }
        try listen()
        try watch()
        let model = denoiser.description
        log.info(
            "ready",
            metadata: [
                "socket": "\(settings.socket.path)", "control": "\(settings.control.path)",
                "model": "\(model.name) \(model.version)", "kernel_path": "\(model.kernelPath)",
                "threads": "\(pool.threadCount)",
            ])
        manager.ready(status: "serving \(model.name) on \(pool.threadCount) threads")
    }

    /// Until a signal ends it.
    func run() {
        loop.run()
        scheduler.stop(finishRunning: false)
        scheduler.join()
        loop.close()
        log.info("ended")
    }

    // MARK: Start

    private func listen() throws {
        let inherited = manager.sockets.first { $0.name == "frames" } ?? manager.sockets.first
        let listener: Listener
        if let inherited {
            listener = try Listener(loop: loop, inherited: inherited.descriptor)
        } else {
            try RuntimeFolder.make(for: settings.socket.path)
            listener = try Listener(loop: loop, address: SocketAddress(settings.socket))
        }
        try RuntimeFolder.make(for: settings.control.path)
        control = try ControlServer(
            loop: loop, address: SocketAddress(settings.control),
            connectionLimit: settings.limits.controlConnections,
            onError: { [log] in log.warning("control socket: \($0)") },
            watches: watches, describe: { [unowned self] in describe($0) },
            answer: { [unowned self] in answer($0) })
        listener.start(
            onConnection: { [unowned self] in accept($0) },
            onError: { [log] in log.warning("frame socket: \($0)") })
        self.listener = listener
    }

    private func watch() throws {
        loop.blockedThreshold = UInt64(settings.log.blockedLoopMilliseconds) * 1_000_000
        loop.onBlocked = { [log] in
            log.warning("the loop was blocked", metadata: ["ms": "\($0 / 1_000_000)"])
        }
        try loop.onSignals([SIGTERM, SIGINT, SIGHUP]) { [unowned self] _ in drain() }
        let ticker = try loop.makeTimer { [unowned self] in tick() }
        ticker.start(after: 100, every: 100)
        self.ticker = ticker
    }

    // MARK: Connections

    private func accept(_ connection: Connection) {
        let client = Client(
            id: nextSession, connection: connection, settings: sessionSettings, server: self)
        nextSession += 1
        clients[client.id] = client
        log.debug(
            "connected",
            metadata: ["session": "\(client.id)", "pid": "\(connection.peer.processID)"])
        client.start()
    }

    /// The session is over; its connection may still be sending the last words.
    func sessionEnded(_ client: Client, _ reason: EndReason) {
        endWatches(of: client)
        var words: Logger.Metadata = ["session": "\(client.id)"]
        switch reason {
        case .closedByClient: log.info("session closed", metadata: words)
        case .connectionLost: log.info("client gone", metadata: words)
        case .error(let error):
            if client.grant == nil { sessionsRefused += 1 } else { protocolErrors += 1 }
            words["reason"] = "\(ErrorReply(error, severity: .session).text)"
            log.notice("session ended", metadata: words)
        }
    }

    private func endWatches(of client: Client) {
        watches.end(session: client.id, saying: MessageEncoder.closed())
    }

    /// Once the connection is closed and no job holds the session's memory any more.
    func forgetIfDone(_ client: Client) {
        guard client.isClosed, client.session.isDone, clients[client.id] != nil else { return }
        clients[client.id] = nil
        scheduler.cancel(session: client.id)
        endedWork += client.session.counters
        admission.release(client.id)
        if let grant = client.grant { shelf.give(back: grant.key) }
        client.grant = nil
        if isDraining, clients.isEmpty { endNow() }
    }

    // MARK: Admission

    func admit(_ request: AdmissionRequest, for client: Client) {
        if isDraining {
            return client.tell { $0.refused(.draining, now: $1) }
        }
        let name = request.request.model ?? settings.models.default
        models.find(name) { [weak client, self] result in
            guard let client else { return }
            do {
                let denoiser = try result.get()
                let granted = try grant(request, denoiser, model: name, to: client)
                client.tell { $0.admitted(granted, now: $1) }
            } catch let error as ProtocolError {
                client.tell { $0.refused(error, now: $1) }
            } catch let error as DenoiserError {
                let refusal = ProtocolError.modelRefuses(
                    field: error.field, found: error.found, reason: error.description)
                client.tell { $0.refused(refusal, now: $1) }
            } catch {
                client.tell { $0.refused(.model(name: name, reason: "\(error)"), now: $1) }
            }
        }
    }

    private func grant(
        _ request: AdmissionRequest, _ denoiser: Denoiser, model: String, to client: Client
    ) throws -> Admission {
        let layout = request.request.layout
        try denoiser.check(layout)
        try denoiser.check(request.request.scales)
        let key = WorkspaceShelf.Key(model: model, size: layout.size)
        let added = shelf.addedByteCount(key, denoiser)
        var memory = self.memory
        memory.workspaces += added
        let ownBytes = request.plannedBytes + SessionDoctor.plannedBytes(layout.size)
        try MemoryBudget.checkSystem(gives: ownBytes + added)
        try admission.admit(
            .init(
                user: client.connection.peer.userID, pixels: layout.size.pixelCount,
                bytes: ownBytes),
            session: client.id, memory: memory)
        let workspace = shelf.take(key, denoiser)
        if let old = client.grant { shelf.give(back: old.key) } else { sessionsOpened += 1 }
        // Its pictures may have another size from now on.
        endWatches(of: client)
        client.grant = Grant(
            denoiser: denoiser, model: model, request: request.request, workspace: workspace,
            key: key, plannedBytes: ownBytes + added)
        client.doctor = doctor(for: client, model: model)
        dropCaches()
        makeCache(for: client)
        let cacheBytes = client.grant?.cache?.byteCount ?? 0
        let description = denoiser.description
        log.info(
            "session opened",
            metadata: [
                "session": "\(client.id)", "client": "\(request.request.clientName)",
                "size": "\(layout.size)", "model": "\(model)",
                "planned_mib": "\((ownBytes + added) >> 20)",
                "cache_mib": "\(cacheBytes >> 20)",
            ])
        return Admission(
            plannedBytes: ownBytes + added + cacheBytes, model: model,
            modelVersion: description.version, precision: description.precision,
            kernelPath: description.kernelPath, isIncremental: client.grant?.cache != nil)
    }

    private func doctor(for client: Client, model: String) -> SessionDoctor {
        let (log, session) = (log, client.id)
        return SessionDoctor(
            paletteFile: settings.models.folder + "/\(model)/" + PaletteFile.name,
            warn: { log.warning("doctor", metadata: ["session": "\(session)", "says": "\($0)"]) })
    }

    // MARK: Rendering

    func render(_ job: FrameJob, for client: Client) {
        guard let grant = client.grant else { return }
        let workspace = grant.cache?.workspace ?? grant.workspace
        let doctor = client.doctor
        submit(
            RenderSteps(
                workspace.steps,
                begin: {
                    guard let request = job.take(now: EventLoop.now) else {
                        throw NothingToRender()
                    }
                    doctor?.look(
                        at: request.gbuffer, isCut: request.history == nil, now: EventLoop.now)
                    try workspace.begin(request)
                },
                finish: {
                    job.rendered(historyFrame: workspace.usedHistoryFrame, work: workspace.work)
                    workspace.finish()
                }),
            .frame(job), of: client,
            workspace: grant.cache == nil ? grant.model : "cache of session \(client.id)",
            size: grant.key.size,
            deadline: grant.request.frameBudgetNanoseconds.map { EventLoop.now + $0 })
    }

    /// A job of one step that shares its memory with nobody.
    func convert(_ conversion: HistoryConversion, for client: Client) {
        submit(
            RenderSteps([conversion.step]), .historyConversion, of: client,
            workspace: "history of session \(client.id)", size: conversion.description.size)
    }

    private func submit(
        _ work: RenderSteps, _ pending: PendingJob, of client: Client, workspace: String,
        size: FrameSize, deadline: UInt64? = nil
    ) {
        let id = nextJob
        nextJob += 1
        client.jobs[id] = pending
        scheduler.submit(
            RenderJob(
                id: id, session: client.id, user: client.connection.peer.userID,
                deadline: deadline,
                workspace: WorkspaceKey(model: workspace, size: size), work: work))
    }

    func cancelJobs(of client: Client) {
        scheduler.cancel(session: client.id)
    }

    private func takeResults() {
        let load = Float(scheduler.statistics.load)
        for result in scheduler.takeResults() {
            guard let client = clients[result.session],
                let pending = client.jobs.removeValue(forKey: result.id)
            else { continue }
            switch pending {
            case .historyConversion: client.tell { $0.historyConverted(now: $1) }
            case .frame(let job): report(job, result, load: load, to: client)
            }
            forgetIfDone(client)
        }
    }

    private func report(_ job: FrameJob, _ result: JobResult, load: Float, to client: Client) {
        let count = client.session.counters.frames.rendered
        if case .finished = result.outcome {
            watches.showFrame(job, of: client.id, now: EventLoop.now)
        }
        client.tell { $0.renderFinished(job, result, load: load, now: $1) }
        guard client.session.counters.frames.rendered > count else { return }
        let age = client.session.lastPictureAge
        client.latency.record(ns: age)
        latency.record(ns: age)
        noteSlowFrame(result.times, age: age, of: client)
    }

    private func noteSlowFrame(_ times: StageTimes, age: UInt64, of client: Client) {
        let limit = settings.log.slowFrameMilliseconds
        guard limit > 0, age >= UInt64(limit) * 1_000_000 else { return }
        log.notice(
            "slow frame",
            metadata: [
                "session": "\(client.id)", "ms": "\(age / 1_000_000)",
                "convert_ms": "\(times.convert / 1_000_000)",
                "render_ms": "\(times.render / 1_000_000)",
                "encode_ms": "\(times.encode / 1_000_000)",
            ])
    }

    // MARK: Time and end

    private func tick() {
        for client in Array(clients.values) {
            let stalled = client.connection.stalledTime(now: EventLoop.now)
            client.tell { $0.tick(now: $1, writeStall: stalled) }
        }
        // Steps take milliseconds: a step of seconds means that a render thread hangs.
        if scheduler.stalledTime(now: EventLoop.now) < 5_000_000_000 { manager.watchdog() }
        if let drainDeadline, EventLoop.now >= drainDeadline {
            log.warning("clients did not take their pictures in time; ending")
            endNow()
        }
    }

    /// Finishes and sends what is under way, then ends; asked again, ends now.
    private func drain() {
        guard !isDraining else { return endNow() }
        isDraining = true
        log.info("stopping", metadata: ["sessions": "\(clients.count)"])
        manager.stopping()
        listener?.close()
        drainDeadline = EventLoop.now + UInt64(settings.stop.graceSeconds) * 1_000_000_000
        for client in Array(clients.values) { client.tell { $0.drain(now: $1) } }
        if clients.isEmpty { endNow() }
    }

    private func endNow() {
        listener?.close()
        control?.close()
        ticker?.stop()
        loop.stop()
    }
}
