// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
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
    /// Used by this session until the grant is given back.
    var model: ModelLibrary.ID
    var request: OpenRequest
    /// By level: the session's own first, then those that it may fall to.
    var workspaces: [(key: WorkspaceShelf.Key, workspace: any FrameWorkspace)]
    var plannedBytes: Int
    /// For a session of incremental frames, while there is memory for it.
    var cache: SessionCache?

    var size: FrameSize { request.layout.size }
    var qualities: [FrameQuality] { workspaces.map(\.key.quality) }

    /// What renders a frame at a level: the cache at the session's own.
    func workspace(at quality: FrameQuality) -> (any FrameWorkspace)? {
        if let cache, quality == qualities.first { return cache.workspace }
        return workspaces.first { $0.key.quality == quality }?.workspace
    }
}

/// What a session has in the scheduler, by the job's id.
enum PendingJob {
    case frame(FrameJob)
    case historyConversion
}

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
    var settings: Configuration
    let log = Logger(label: "frameloomd")
    let startedAt = EventLoop.now
    let loop: EventLoop
    let models: ModelLibrary
    let scheduler: Scheduler
    let pool: RenderPool
    let defaultModel: ModelDescription
    let manager: ServiceManager
    let logQueue: LogQueue

    var clients: [UInt64: Client] = [:]
    private(set) var isDraining = false
    var admission: AdmissionControl
    var shelf = WorkspaceShelf()
    let watches: PictureWatches
    let snapshots: Snapshots
    var budget = LoopBudget()
    /// Makes workspaces, whose plans take milliseconds.
    let preparation: BackgroundWork
    /// Reads and writes what the control socket says; a quarter of a core at most.
    let reporting: BackgroundWork
    /// Reads and frees models.
    let loading: BackgroundWork
    /// Counters of sessions that ended.
    var endedWork = WorkCounts()
    var latency = LatencyHistogram()
    var ledger = WorkLedger()
    var sessionsOpened: UInt64 = 0
    var sessionsRefused: UInt64 = 0
    /// Sessions that ended with an error after they were open, and frames that failed.
    var protocolErrors: UInt64 = 0
    var frameErrors: UInt64 = 0

    var nextSession: UInt64 = 1
    var nextJob: UInt64 = 1
    var sessionSettings: SessionSettings
    /// Clients over their share of the loop's time.
    var paused: [Client] = []
    var pauseTimer: LoopTimer?
    /// Clients in the order of their ticks; the next one's place.
    var tickOrder: [UInt64] = []
    var nextTick = 0
    /// Connections of each user, sessions or not.
    var connectionCounts: [UInt32: Int] = [:]
    /// Told that there is no room, and not closed yet.
    var turnedAway = 0
    let connectionLimit: Int
    /// Reads the file and the command line again. Any thread.
    let readConfiguration: @Sendable () throws(ConfigurationError) -> Configuration
    var isReloading = false
    /// Jobs of the daemon itself, by id.
    var ownJobs: [UInt64: (JobResult) -> Void] = [:]
    var hasFreedMemory = false
    var lastTrim: UInt64 = 0
    private var listener: Listener?
    var control: ControlServer?
    private var ticker: LoopTimer?
    var drainDeadline: UInt64?
    var toldStatus = ""
    var toldStatusAt: UInt64 = 0
    var lastTick: UInt64 = 0
    var lastFed: UInt64 = 0

    init(
        settings: Configuration, manager: ServiceManager, logQueue: LogQueue,
        readConfiguration: @escaping @Sendable () throws(ConfigurationError) -> Configuration
    ) throws {
        self.settings = settings
        self.readConfiguration = readConfiguration
        self.logQueue = logQueue
        self.manager = manager
        loop = try EventLoop()
        sessionSettings = SessionSettings(settings.limits)
        watches = PictureWatches(limit: settings.limits.viewers)
        snapshots = Snapshots(limit: settings.limits.viewers)
        connectionLimit = Self.connectionLimit(settings.limits)

        let wakeHandler = WakeHandler()
        let waker = try loop.makeWaker { wakeHandler.run() }
        let kernelPath = KernelPath(rawValue: settings.render.kernelPath)
        preparation = BackgroundWork(label: "frameloom.prepare", wake: { waker.wake() })
        reporting = BackgroundWork(label: "frameloom.report", share: 0.25, wake: { waker.wake() })
        loading = BackgroundWork(label: "frameloom.load", wake: { waker.wake() })
        let threads = RenderPool.Configuration(settings.render)
        models = ModelLibrary(
            folder: settings.models.folder, defaultName: settings.models.default,
            kernelPath: kernelPath,
            precision: PrecisionChoice(name: settings.render.precision) ?? .automatic,
            measuring: PrecisionMeter(
                threads, milliseconds: settings.render.measureMilliseconds),
            work: loading)
        models.onLoad = { [log] in Self.note($1, as: $0, log) }
        let denoiser = try models.loadDefault().denoiser
        defaultModel = denoiser.description

        pool = try RenderPool(threads)
        try WarmUp.render(with: denoiser, on: pool)
        scheduler = Scheduler(pool: pool, onResult: { waker.wake() })
        admission = AdmissionControl(
            limits: settings.limits,
            memoryLimit: MemoryLimit.bytes(
                configured: settings.limits.memory << 20, planned: models.byteCount),
            hasSeveralUsers: settings.socket.mode & 0o077 != 0 || !manager.sockets.isEmpty)
        models.hasRoom = { [unowned self] in makeRoom(forModelOf: $0) }
        wakeHandler.handler = { [unowned self] in
            // Pictures first: a frame is what somebody waits for.
            takeResults()
            for work in [loading, preparation, reporting] {
                work.takeFinished { loop.workTime < EventLoop.turnBudget }
            }
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
        manager.ready(status: status)
    }

    /// Which precision a model is served at, and why.
    private static func note(_ denoiser: Denoiser, as name: String, _ log: Logger) {
        let model = denoiser.description
        for note in denoiser.notes {
            log.debug("\(note)", metadata: ["model": "\(name)"])
        }
        log.info(
            "model loaded",
            metadata: [
                "model": "\(name) \(model.version)", "precision": "\(model.precision)",
                "why": "\(model.precisionReason)", "kernel_path": "\(model.kernelPath)",
            ])
    }

    /// For `systemctl status`.
    var status: String {
        let sessions = admission.sessionCount
        return "serving \(defaultModel.name) on \(pool.threadCount) threads: \(sessions) "
            + (sessions == 1 ? "session" : "sessions")
            + ", \(Int((scheduler.statistics.load * 100).rounded())) % busy"
    }

    /// Until a signal ends it.
    func run() {
        ThreadSlice.loop.take()
        loop.run()
        scheduler.stop(finishRunning: false)
        scheduler.join()
        loop.close()
        log.info("ended")
    }

    // MARK: Start

    private func listen() throws {
        let inheritedControl = manager.sockets.first { $0.name == "control" }
        let inherited =
            manager.sockets.first { $0.name == "frames" }
            ?? manager.sockets.first { $0 != inheritedControl }
        let listener = try listener(at: settings.socket, or: inherited)
        control = try ControlServer(
            loop: loop, listener: try self.listener(at: settings.control, or: inheritedControl),
            limits: .init(
                connections: settings.limits.controlConnections,
                idleTime: UInt64(settings.limits.controlIdleSeconds) * 1_000_000_000),
            rights: try ControlServer.Rights(settings.permissions),
            owner: { [unowned self] in clients[$0]?.connection.peer.userID }, work: reporting,
            onError: { [log] in log.warning("control socket: \($0)") },
            watches: watches, snapshots: snapshots,
            describe: { [unowned self] in describe($0) },
            answer: { [unowned self] in answer($0, $1) })
        listener.start(
            onConnection: { [unowned self] in accept($0) },
            onError: { [log] in log.warning("frame socket: \($0)") })
        self.listener = listener
    }

    private func listener(
        at address: Configuration.Socket, or inherited: InheritedSocket?
    ) throws -> Listener {
        if let inherited { return try Listener(loop: loop, inherited: inherited.descriptor) }
        try RuntimeFolder.make(for: address.path)
        return try Listener(loop: loop, address: SocketAddress(address))
    }

    private func watch() throws {
        loop.blockedThreshold = UInt64(settings.log.blockedLoopMilliseconds) * 1_000_000
        loop.onBlocked = { [log] turn in
            log.warning(
                "the loop was blocked",
                metadata: [
                    "ms": "\(turn.time / 1_000_000)", "worked_ms": "\(turn.worked / 1_000_000)",
                    "slept": "\(turn.sleeps)", "preempted": "\(turn.preemptions)",
                ])
        }
        try loop.onSignals([SIGTERM, SIGINT]) { [unowned self] _ in drain() }
        try loop.onSignals([SIGHUP]) { [unowned self] _ in reload { _ in } }
        let ticker = try loop.makeTimer { [unowned self] in tick() }
        lastTick = EventLoop.now
        ticker.start(after: Self.tickMilliseconds, every: Self.tickMilliseconds)
        self.ticker = ticker
        pauseTimer = try loop.makeTimer { [unowned self] in resumePaused() }
    }

    /// After a reload.
    func limitsChanged() {
        sessionSettings = SessionSettings(settings.limits)
        admission.limits = settings.limits
        watches.limit = settings.limits.viewers
        snapshots.limit = settings.limits.viewers
        admission.memoryLimit = MemoryLimit.bytes(
            configured: settings.limits.memory << 20,
            planned: models.byteCount + shelf.byteCount + admission.sessionBytes)
        loop.blockedThreshold = UInt64(settings.log.blockedLoopMilliseconds) * 1_000_000
    }

    private static let tickMilliseconds: UInt64 = 20

    /// Connections to the frame socket: some descriptors are kept for the operator's connections, for
    /// models and for whatever the process needs besides. Of the rest half is for clients' shared memory.
    private static func connectionLimit(_ limits: Configuration.Limits) -> Int {
        let descriptors = Int(clamping: ProcessSetup.raiseDescriptorLimit())
        let kept = 64 + limits.controlConnections
        return max(
            1, min(limits.connections, descriptors > kept ? (descriptors - kept) / 2 : 1))
    }

    /// Whether one more client's memory may be kept, which takes a descriptor.
    var mayShareMemory: Bool {
        clients.values.count { $0.sharesMemory } < connectionLimit
    }

    // MARK: End

    /// Finishes and sends what is under way, then ends; asked again, ends now.
    func drain() {
        guard !isDraining else { return endNow() }
        isDraining = true
        log.info("stopping", metadata: ["sessions": "\(clients.count)"])
        manager.stopping()
        listener?.close()
        drainDeadline = EventLoop.now + UInt64(settings.stop.graceSeconds) * 1_000_000_000
        for client in Array(clients.values) {
            // Each on its own: of thousands the last ones wait a few turns.
            loop.later { client.tell { $0.drain(now: $1) } }
        }
        if clients.isEmpty { endNow() }
    }

    func endNow() {
        listener?.close()
        control?.close()
        ticker?.stop()
        loop.stop()
    }
}
