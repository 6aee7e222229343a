// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CMemory
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

    private(set) var clients: [UInt64: Client] = [:]
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

    private var nextSession: UInt64 = 1
    private var nextJob: UInt64 = 1
    private var sessionSettings: SessionSettings
    /// Clients over their share of the loop's time.
    private var paused: [Client] = []
    private var pauseTimer: LoopTimer?
    /// Clients in the order of their ticks; the next one's place.
    private var tickOrder: [UInt64] = []
    private var nextTick = 0
    /// Connections of each user, sessions or not.
    private var connectionCounts: [UInt32: Int] = [:]
    /// Told that there is no room, and not closed yet.
    private var turnedAway = 0
    private let connectionLimit: Int
    /// Reads the file and the command line again. Any thread.
    let readConfiguration: @Sendable () throws(ConfigurationError) -> Configuration
    var isReloading = false
    /// Jobs of the daemon itself, by id.
    var ownJobs: [UInt64: (JobResult) -> Void] = [:]
    private var hasFreedMemory = false
    private var lastTrim: UInt64 = 0
    private var listener: Listener?
    private var control: ControlServer?
    private var ticker: LoopTimer?
    private var drainDeadline: UInt64?
    private var toldStatus = ""
    private var toldStatusAt: UInt64 = 0
    private var lastTick: UInt64 = 0
    private var lastFed: UInt64 = 0

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

    private func tellStatus() {
        guard EventLoop.now - toldStatusAt >= 5_000_000_000 else { return }
        toldStatusAt = EventLoop.now
        let text = status
        guard text != toldStatus, !isDraining else { return }
        toldStatus = text
        manager.status(text)
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
            whoMayChange: try PeerList(settings.permissions.change), work: reporting,
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
        admission.memoryLimit = MemoryLimit.bytes(
            configured: settings.limits.memory << 20,
            planned: models.byteCount + shelf.byteCount + admission.sessionBytes)
        loop.blockedThreshold = UInt64(settings.log.blockedLoopMilliseconds) * 1_000_000
    }

    private static let tickMilliseconds: UInt64 = 20
    /// Between two ticks, nanoseconds: longer than any turn of the loop.
    private static let gap: UInt64 = 1_000_000_000

    /// Connections to the frame socket: some descriptors are kept for the operator's connections, for
    /// models and for whatever the process needs besides.
    private static func connectionLimit(_ limits: Configuration.Limits) -> Int {
        let descriptors = Int(clamping: ProcessSetup.raiseDescriptorLimit())
        let kept = 64 + limits.controlConnections
        return max(1, min(limits.connections, descriptors > kept ? descriptors - kept : 1))
    }

    // MARK: Connections

    private func accept(_ connection: Connection) {
        let user = connection.peer.userID
        if let error = refusal(of: user) { return turnAway(connection, error) }
        connectionCounts[user, default: 0] += 1
        let client = Client(
            id: nextSession, connection: connection, settings: sessionSettings, server: self)
        nextSession += 1
        clients[client.id] = client
        tickOrder.append(client.id)
        log.debug(
            "connected",
            metadata: ["session": "\(client.id)", "pid": "\(connection.peer.processID)"])
        client.start()
    }

    /// Why one more connection of the user would be too many.
    private func refusal(of user: UInt32) -> ProtocolError? {
        let percent = admission.hasSeveralUsers ? settings.limits.userSharePercent : 100
        let most = max(1, connectionLimit * percent / 100)
        let own = connectionCounts[user] ?? 0
        if clients.count >= connectionLimit {
            return .identityLimit(
                open: clients.count, limit: connectionLimit, key: "limits.connections",
                reason: "\(clients.count) connections are open, at most \(connectionLimit) are "
                    + "allowed (limits.connections, and the limit of open files).")
        }
        guard own >= most else { return nil }
        return .identityLimit(
            open: own, limit: most, key: "limits.user_share_percent",
            reason: "User id \(user) has \(own) connections open, at most \(most) are one user's "
                + "(limits.user_share_percent).")
    }

    /// Tells the reason, unless too many are being told it already.
    private func turnAway(_ connection: Connection, _ error: ProtocolError) {
        sessionsRefused += 1
        connection.start(
            .init(
                nextTarget: { nil }, didRead: { _ in }, didEnd: { _ in },
                didClose: { [weak self] in self?.turnedAway -= 1 }))
        turnedAway += 1
        guard turnedAway <= 32 else { return connection.abort() }
        connection.write(MessageEncoder.error(ErrorReply(error, severity: .session)))
        connection.closeAfterWrites(limit: 1000)
    }

    /// Reads from the client again when its share of the loop's time allows it.
    func resumeLater(_ client: Client) {
        paused.append(client)
        if paused.count == 1 { pauseTimer?.start(after: 2, every: 2) }
    }

    private func resumePaused() {
        let now = EventLoop.now
        var looked = 0
        var kept: [Client] = []
        for client in paused {
            // A frame in shared memory is copied here.
            guard looked == 0 || loop.workTime < EventLoop.turnBudget else { break }
            looked += 1
            if !client.isClosed, !client.resumeIfAllowed(now: now) { kept.append(client) }
        }
        paused = paused[looked...] + kept
        if paused.isEmpty { pauseTimer?.stop() }
    }

    /// The session is over; its connection may still be sending the last words.
    func sessionEnded(_ client: Client, _ reason: EndReason) {
        endWatches(of: client)
        defer { giveBackIfDone(client) }
        var words = self.words(about: client)
        switch reason {
        case .closedByClient: log.info("session closed", metadata: words)
        case .connectionLost: log.info("client gone", metadata: words)
        case .error(let error):
            if client.grant == nil { sessionsRefused += 1 } else { protocolErrors += 1 }
            words["reason"] = "\(ErrorReply(error, severity: .session).text)"
            log.notice("session ended", metadata: words)
        }
    }

    func endWatches(of client: Client) {
        watches.end(session: client.id, saying: MessageEncoder.closed())
        snapshots.end(session: client.id)
    }

    /// What the journal finds a session's lines by.
    func words(about client: Client) -> Logger.Metadata {
        var words: Logger.Metadata = [
            "session": "\(client.id)", "user": "\(client.connection.peer.userID)",
        ]
        if let grant = client.grant { words["model"] = "\(grant.model.name)" }
        return words
    }

    func qualityChanged(_ quality: FrameQuality, of client: Client) {
        var words = self.words(about: client)
        words["quality"] = "\(quality)"
        words["load_percent"] = "\(Int((scheduler.statistics.load * 100).rounded()))"
        log.info("quality changed", metadata: words)
    }

    func frameFailed(_ error: ProtocolError, _ frameID: UInt64, of client: Client) {
        frameErrors += 1
        let reply = ErrorReply(error, severity: .frame)
        client.lastError = FrameErrorReport(
            frame: frameID, field: reply.field, text: reply.text,
            count: (client.lastError?.count ?? 0) + 1)
        guard let leftOut = client.errorLimiter.admit(now: EventLoop.now) else { return }
        var words = self.words(about: client)
        words["frame"] = "\(frameID)"
        words["reason"] = "\(reply.text)"
        if leftOut > 0 { words["left_out"] = "\(leftOut)" }
        log.notice("frame failed", metadata: words)
    }

    /// Once no job holds the session's memory any more; what others may have then.
    func giveBackIfDone(_ client: Client) {
        guard client.session.isDone else { return }
        admission.release(client.id)
        ledger.book(client)
        if let grant = client.grant { giveBack(grant) }
        client.grant = nil
    }

    func giveBack(_ grant: Grant) {
        for place in grant.workspaces { shelf.give(back: place.key) }
        models.release(grant.model)
        hasFreedMemory = true
    }

    /// Once its connection is closed as well.
    func forgetIfDone(_ client: Client) {
        giveBackIfDone(client)
        guard client.isClosed, client.session.isDone, clients[client.id] != nil else { return }
        clients[client.id] = nil
        let user = client.connection.peer.userID
        let connections = (connectionCounts[user] ?? 1) - 1
        connectionCounts[user] = connections > 0 ? connections : nil
        scheduler.cancel(session: client.id)
        endedWork += client.session.counters
        if isDraining, clients.isEmpty { endNow() }
    }

    func nextJobID() -> UInt64 {
        defer { nextJob += 1 }
        return nextJob
    }

    // MARK: Time and end

    private func tick() {
        forgiveGap()
        tickSomeClients()
        control?.tick(now: EventLoop.now)
        trimMemory()
        feedWatchdog()
        tellStatus()
        if let drainDeadline, EventLoop.now >= drainDeadline {
            log.warning("clients did not take their pictures in time; ending")
            endNow()
        }
    }

    /// A stopped process or a machine that stood is no client's fault: what they sent meanwhile waits
    /// in their sockets, and their limits in time must not run out before it is read.
    private func forgiveGap() {
        let now = EventLoop.now
        defer { lastTick = now }
        guard now - lastTick > Self.gap else { return }
        let gap = now - lastTick
        log.notice("did not run for a while", metadata: ["ms": "\(gap / 1_000_000)"])
        for client in clients.values { client.forgive(gap) }
        control?.forgive(gap)
        if let deadline = drainDeadline { drainDeadline = deadline + gap }
    }

    /// Steps take milliseconds: a step of seconds means that a render thread hangs, and the service
    /// manager should know.
    private func feedWatchdog() {
        let now = EventLoop.now
        guard now - lastFed >= 500_000_000, scheduler.stalledTime(now: now) < 5_000_000_000 else {
            return
        }
        lastFed = now
        manager.watchdog()
    }

    /// Everybody about ten times a second, as far as the turn's budget goes.
    private func tickSomeClients() {
        let slice = max(1, tickOrder.count / 5)
        for _ in 0..<slice where loop.workTime < EventLoop.turnBudget {
            if nextTick >= tickOrder.count {
                tickOrder.removeAll { clients[$0] == nil }
                nextTick = 0
            }
            guard nextTick < tickOrder.count else { return }
            let client = clients[tickOrder[nextTick]]
            nextTick += 1
            client?.tick(now: EventLoop.now)
        }
    }

    /// The heap's share of what ended sessions let go of; larger pieces went back by themselves.
    private func trimMemory() {
        let now = EventLoop.now
        guard hasFreedMemory, now - lastTrim > 2_000_000_000 else { return }
        hasFreedMemory = false
        lastTrim = now
        preparation.run({ fm_trim_heap() }) {}
    }

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

    private func endNow() {
        listener?.close()
        control?.close()
        ticker?.stop()
        loop.stop()
    }
}
