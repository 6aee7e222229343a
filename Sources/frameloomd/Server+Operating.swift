// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameControl
import FrameProtocol
import FrameScheduler
import FrameSession
import FrameSocket
import FrameTypes
import Logging
import NeuralDenoiser

/// What an operator changes while the daemon runs: reload, drain, kick.
extension Server {
    /// A model that was read anew, with the frame that proves that it renders.
    private struct Reread: Sendable {
        var name: String
        var denoiser: Denoiser
        var warmUp: RenderSteps
    }

    /// Reads configuration and models again. What is wrong changes nothing and is told; what is right
    /// holds for sessions that open from then on. Sessions that are open keep their model's version
    /// until they are cut (a reset), configured anew or end.
    ///
    /// - Parameter completion: one sentence for each thing that was done or left, or the error.
    func reload(_ completion: @escaping (Result<[String], ControlFault>) -> Void) {
        guard !isReloading else {
            return completion(
                .failure(
                    ControlFault(code: .internalError, text: "a reload is under way already")))
        }
        isReloading = true
        manager.reloading()
        let finish = { [self] (result: Result<[String], ControlFault>) in
            isReloading = false
            models.forgetReread()
            manager.ready(status: status)
            switch result {
            case .success(let words): log.notice("reloaded", metadata: ["did": "\(words)"])
            case .failure(let fault):
                log.error("not reloaded", metadata: ["reason": "\(fault.text)"])
            }
            completion(result)
        }
        let readConfiguration = self.readConfiguration
        loading.run({ () -> Result<Configuration, ConfigurationError> in
            do throws(ConfigurationError) {
                return .success(try readConfiguration())
            } catch {
                return .failure(error)
            }
        }) { [self] (result: Result<Configuration, ConfigurationError>) in
            switch result {
            case .failure(let error):
                finish(.failure(ControlFault(code: .refused, text: error.description)))
            case .success(let new):
                rereadModels(models.namesInUse[...], []) { [self] result in
                    switch result {
                    case .failure(let error):
                        finish(.failure(ControlFault(code: .refused, text: "\(error)")))
                    case .success(let reread): finish(.success(apply(new, reread)))
                    }
                }
            }
        }
    }

    /// One after the other, so that at most one model more than before is in memory while it is
    /// proved; all of them before any is adopted.
    private func rereadModels(
        _ names: ArraySlice<String>, _ done: [Reread],
        _ completion: @escaping (Result<[Reread], any Error>) -> Void
    ) {
        guard let name = names.first else { return completion(.success(done)) }
        models.readAnew(name) { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let denoiser):
                loading.run({ () -> Result<RenderSteps, MemoryRefusal> in
                    do throws(MemoryRefusal) {
                        return .success(try WarmUp.steps(for: denoiser))
                    } catch {
                        return .failure(error)
                    }
                }) { [self] (made: Result<RenderSteps, MemoryRefusal>) in
                    guard case .success(let warmUp) = made else {
                        if case .failure(let error) = made { completion(.failure(error)) }
                        return
                    }
                    prove(Reread(name: name, denoiser: denoiser, warmUp: warmUp)) { [self] error in
                        if let error { return completion(.failure(error)) }
                        rereadModels(
                            names.dropFirst(),
                            done + [Reread(name: name, denoiser: denoiser, warmUp: warmUp)],
                            completion)
                    }
                }
            }
        }
    }

    /// Renders the model's first frame between those of the sessions.
    private func prove(_ model: Reread, _ completion: @escaping ((any Error)?) -> Void) {
        let id = nextJobID()
        ownJobs[id] = { result in
            if case .failed(let error) = result.outcome {
                completion(error)
            } else {
                completion(nil)
            }
        }
        scheduler.submit(
            RenderJob(
                id: id, session: Self.ownSession, user: .max,
                workspace: WorkspaceKey(
                    model: "reload", size: FrameSize(width: 64, height: 64), owner: id),
                work: model.warmUp))
    }

    /// No client has this number.
    static let ownSession = UInt64.max

    private func apply(_ new: Configuration, _ reread: [Reread]) -> [String] {
        var words: [String] = []
        for model in reread {
            let adopted = models.adopt(model.denoiser, as: model.name)
            for client in clients.values where client.grant?.model.name == model.name {
                client.modelReplaced()
            }
            words.append(
                "model \(model.name) is version \(adopted.denoiser.description.version) for new "
                    + "sessions, and for open ones from their next reset on")
        }
        // Their files may have changed as well.
        models.dropUnused()
        var kept: [String] = []
        for key in ConfigurationKey.all where key.read(new) != key.read(settings) {
            if key.isReloadable {
                words.append("\(key.name) is \(key.read(new))")
            } else {
                kept.append(key.name)
            }
        }
        if !kept.isEmpty {
            words.append("only a new start changes \(kept.joined(separator: ", "))")
        }
        settings.limits = new.limits
        settings.log.slowFrameMilliseconds = new.log.slowFrameMilliseconds
        settings.log.blockedLoopMilliseconds = new.log.blockedLoopMilliseconds
        settings.stop = new.stop
        limitsChanged()
        if words.isEmpty { words.append("nothing changed") }
        return words
    }

    /// Ends sessions at the operator's wish: one by its number, or all of a user.
    /// - Returns: how many.
    func kick(_ target: KickTarget) -> Int {
        let chosen = clients.values.filter { client in
            guard !client.session.hasEnded else { return false }
            return switch target {
            case .session(let id): client.id == id
            case .user(let id): client.connection.peer.userID == id
            }
        }
        for client in chosen { loop.later { client.tell { $0.kick(now: $1) } } }
        return chosen.count
    }
}

extension ConfigurationKey {
    /// Whether `frameloom reload` applies it; the others need a new start.
    var isReloadable: Bool {
        name.hasPrefix("limits.") && name != "limits.control_connections"
            && name != "limits.control_idle_seconds" && name != "limits.connections"
            || name == "log.slow_frame_ms" || name == "log.blocked_loop_ms"
            || name.hasPrefix("stop.")
    }
}
