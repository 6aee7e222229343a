// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameConversion
import FrameProtocol
import FrameScheduler
import FrameSession
import FrameSocket
import FrameTypes
import Logging

/// The frame was withdrawn, or it is too old by now.
private struct NothingToRender: Error {}

/// Jobs to the render threads, and their results back.
extension Server {
    func render(_ job: FrameJob, for client: Client) {
        guard let grant = client.grant, let workspace = grant.workspace(at: job.quality) else {
            return
        }
        let usesCache = grant.cache != nil && job.quality == grant.qualities.first
        let doctor = client.doctor
        // Instead of the picture, beside the picture for somebody else, or not at all.
        let showsPlanes = job.message.showsPlanes
        let snapshot = showsPlanes ? nil : snapshots.sheet(for: client.id, size: grant.size)
        var steps = showsPlanes ? workspace.sheetSteps : workspace.steps
        if snapshot != nil { steps.insert(contentsOf: workspace.sheetSteps, at: 0) }
        let copies = watches.copies(for: job, of: client.id, now: EventLoop.now) { byteCount in
            memory.hasRoom(forCopies: byteCount)
        }
        if let copies { steps += copies.steps(of: job) }
        if showsPlanes,
            let copy = snapshots.copyStep(of: job, for: client.id, layout: grant.request.layout)
        {
            steps.append(copy)
        }
        let converter = grant.request.conversion.map { PlaneConverter($0) }
        submit(
            RenderSteps(
                conversionSteps(converter, doctor) + steps,
                begin: {
                    guard let request = job.take(now: EventLoop.now) else {
                        throw NothingToRender()
                    }
                    if let converter {
                        converter.begin(request)
                    } else {
                        doctor?.look(request)
                    }
                    guard !showsPlanes else {
                        return try workspace.show(
                            request, on: request.picture, origin: request.gbuffer.layout.origin)
                    }
                    try workspace.begin(request)
                    if let snapshot {
                        try workspace.show(request, on: snapshot, origin: .topLeft)
                    }
                },
                finish: {
                    converter?.finish()
                    job.rendered(
                        historyFrame: workspace.usedHistoryFrame,
                        work: showsPlanes ? .full : workspace.work)
                    workspace.finish()
                }),
            .frame(job), of: client,
            workspace: WorkspaceKey(
                model: "\(grant.model.name) \(grant.model.generation)"
                    + (job.quality == .full ? "" : " \(job.quality)"),
                size: grant.size, owner: usesCache ? client.id : nil),
            deadline: grant.request.frameBudgetNanoseconds.map { EventLoop.now + $0 })
    }

    /// What comes before the denoiser where a client's planes are not those that models read. Only
    /// after it are they what the doctor can look at.
    private func conversionSteps(
        _ converter: PlaneConverter?, _ doctor: SessionDoctor?
    ) -> [RenderStep] {
        guard let converter else { return [] }
        return converter.steps + [
            RenderStep(name: "doctor.look", stage: .convert, tileCount: 1) { _, _ in
                if let request = converter.request { doctor?.look(request) }
            }
        ]
    }

    /// A job that shares its memory with nobody.
    func convert(_ conversion: HistoryConversion, for client: Client) {
        submit(
            RenderSteps(conversion.steps), .historyConversion, of: client,
            workspace: WorkspaceKey(
                model: "history", size: conversion.description.size, owner: client.id))
    }

    private func submit(
        _ work: RenderSteps, _ pending: PendingJob, of client: Client, workspace: WorkspaceKey,
        deadline: UInt64? = nil
    ) {
        let id = nextJobID()
        client.jobs[id] = pending
        scheduler.submit(
            RenderJob(
                id: id, session: client.id, user: client.connection.peer.userID,
                deadline: deadline,
                workspace: workspace, work: work))
    }

    func cancelJobs(of client: Client) {
        scheduler.cancel(session: client.id)
    }

    func takeResults() {
        let load = Float(scheduler.statistics.load)
        for result in scheduler.takeResults() {
            if let own = ownJobs.removeValue(forKey: result.id) {
                own(result)
                continue
            }
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
            watches.showFrame(job, of: client.id)
            snapshots.show(job, of: client.id, layout: client.grant?.request.layout)
        } else {
            watches.abandon(client.id)
        }
        let seen = client.doctor?.seen ?? SeenPlanes()
        client.tell { $0.renderFinished(job, result, load: load, seen: seen, now: $1) }
        guard client.session.counters.frames.rendered > count else { return }
        let age = client.session.lastPictureAge
        client.notePicture(age: age)
        latency.record(ns: age)
        if let model = client.grant?.model.name { ledger.record(age, of: model) }
        noteSlowFrame(result, age: age, of: client)
    }

    /// Where its time went: what the render threads spent on it, and where it waited for others.
    private func noteSlowFrame(_ result: JobResult, age: UInt64, of client: Client) {
        let limit = settings.log.slowFrameMilliseconds
        guard limit > 0, age >= UInt64(limit) * 1_000_000 else { return }
        let times = result.times
        let onThreads = result.finishedAt - (result.startedAt ?? result.finishedAt)
        let back = EventLoop.now - min(EventLoop.now, result.finishedAt)
        func milliseconds(_ nanoseconds: UInt64) -> Logger.MetadataValue {
            "\(Double(nanoseconds / 100_000) / 10)"
        }
        log.notice(
            "slow frame",
            metadata: [
                "session": "\(client.id)", "ms": milliseconds(age),
                "queue_ms": milliseconds(age - min(age, onThreads + back)),
                "convert_ms": milliseconds(times.convert),
                "render_ms": milliseconds(times.render),
                "encode_ms": milliseconds(times.encode),
                "aside_ms": milliseconds(onThreads - min(onThreads, times.job)),
                "set_aside": "\(result.timesSetAside)", "back_ms": milliseconds(back),
            ])
    }
}
