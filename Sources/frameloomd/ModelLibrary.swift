// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameTypes
import NeuralDenoiser
import Synchronization

/// The models of the model folder: loaded once, on a thread of their own, and kept.
///
/// Loop thread only. Loading takes a tenth of a second for a small model and much longer for a large
/// one, so that it never happens on the loop once sessions are served.
final class ModelLibrary {
    enum LoadError: Error, CustomStringConvertible {
        case badName(String)
        case absent(name: String, folder: String, known: [String])
        case broken(String)

        var description: String {
            switch self {
            case .badName(let name):
                "'\(name)' is no model name: a name is \(ModelName.rule)"
            case .absent(let name, let folder, let known):
                "there is no model '\(name)' in \(folder); there are: "
                    + (known.isEmpty ? "none" : known.joined(separator: ", "))
            case .broken(let reason): reason
            }
        }
    }

    let folder: String
    let kernelPath: KernelPath?
    let precision: PrecisionChoice
    private var loaded: [String: Denoiser] = [:]
    private var failures: [String: String] = [:]
    private var waiting: [String: [(Result<Denoiser, LoadError>) -> Void]] = [:]
    private let arrivals = LoadedModels()
    /// Wakes the loop, which then calls `takeArrivals`.
    private let wake: @Sendable () -> Void

    init(
        folder: String, kernelPath: KernelPath?, precision: PrecisionChoice,
        wake: @escaping @Sendable () -> Void
    ) {
        self.folder = folder
        self.kernelPath = kernelPath
        self.precision = precision
        self.wake = wake
    }

    /// Loads before anything is served; blocks.
    func loadAtStart(_ name: String) throws(LoadError) -> Denoiser {
        let path = try path(of: name)
        do {
            let denoiser = try Denoiser(
                modelFolder: path, kernelPath: kernelPath, choosing: precision)
            loaded[name] = denoiser
            return denoiser
        } catch {
            throw .broken("model '\(name)': \(error)")
        }
    }

    /// Calls back at once if the model is there, else from `takeArrivals`.
    func find(_ name: String, _ completion: @escaping (Result<Denoiser, LoadError>) -> Void) {
        if let denoiser = loaded[name] { return completion(.success(denoiser)) }
        let path: String
        do {
            path = try self.path(of: name)
        } catch {
            return completion(.failure(error))
        }
        let isLoading = waiting[name] != nil
        waiting[name, default: []].append(completion)
        guard !isLoading else { return }
        let (kernelPath, precision) = (self.kernelPath, self.precision)
        let (arrivals, wake) = (self.arrivals, self.wake)
        Thread.detachNewThread {
            do {
                let denoiser = try Denoiser(
                    modelFolder: path, kernelPath: kernelPath, choosing: precision)
                arrivals.add(name, .success(denoiser))
            } catch {
                arrivals.add(name, .failure(.broken("model '\(name)': \(error)")))
            }
            wake()
        }
    }

    /// Hands models that have been loaded since to those who wait for them.
    func takeArrivals() {
        for (name, result) in arrivals.take() {
            switch result {
            case .success(let denoiser):
                loaded[name] = denoiser
                failures[name] = nil
            case .failure(let error):
                failures[name] = error.description
            }
            for completion in waiting.removeValue(forKey: name) ?? [] { completion(result) }
        }
    }

    var loadedWeightBytes: Int {
        loaded.values.reduce(0) { $0 + $1.description.weightBytes }
    }

    func reports(defaultName: String, sessions: [String: Int]) -> [ModelReport] {
        names().map { name in
            var report = ModelReport(name: name, state: .available)
            report.isDefault = name == defaultName
            report.sessions = sessions[name] ?? 0
            if let denoiser = loaded[name] {
                let model = denoiser.description
                report.state = .loaded
                report.version = model.version
                report.family = model.family
                report.precision = model.precision
                report.kernelPath = model.kernelPath
                report.licence = model.licence
                report.description = model.description
                report.weightBytes = UInt64(model.weightBytes)
                report.readsEmissive = denoiser.readsEmissive
            } else if let failure = failures[name] {
                report.state = .broken
                report.error = failure
            }
            return report
        }
    }

    private func names() -> [String] { (try? ModelFolders.names(in: folder)) ?? [] }

    private func path(of name: String) throws(LoadError) -> String {
        guard ModelName.isValid(name) else { throw .badName(name) }
        let path = folder + "/" + name
        guard ModelFolders.holdsModel(path) else {
            throw .absent(name: name, folder: "the model folder", known: names())
        }
        return path
    }
}

/// Models on their way from the loading threads to the loop.
private final class LoadedModels: Sendable {
    private typealias Arrival = (String, Result<Denoiser, ModelLibrary.LoadError>)
    private let list = Mutex<[Arrival]>([])

    func add(_ name: String, _ result: Result<Denoiser, ModelLibrary.LoadError>) {
        list.withLock { $0.append((name, result)) }
    }

    func take() -> [(String, Result<Denoiser, ModelLibrary.LoadError>)] {
        list.withLock { list in
            defer { list.removeAll() }
            return list
        }
    }
}
