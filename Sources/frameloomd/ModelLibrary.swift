// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameTypes
import NeuralDenoiser
import Synchronization

/// The models of the model folder, each loaded once and shared by its sessions. Loop thread only.
///
/// Files are looked at and read on a thread of their own, one model at a time. Memory is asked for
/// before a model is read; a model without sessions is let go of when the memory is wanted, the least
/// recently used first, but never the default one.
final class ModelLibrary {
    /// One version of one model; the next one of the same name has a larger generation.
    struct ID: Hashable, Sendable {
        var name: String
        var generation: Int
    }

    struct Model {
        var id: ID
        var denoiser: Denoiser
    }

    enum LoadError: Error, CustomStringConvertible {
        case badName(String)
        case absent(name: String, known: [String])
        case broken(String)
        case noRoom(byteCount: Int)

        var description: String {
            switch self {
            case .badName(let name):
                "'\(name)' is no model name: a name is \(ModelName.rule)"
            case .absent(let name, let known):
                "there is no model '\(name)' in the model folder; there are: "
                    + (known.isEmpty ? "none" : known.joined(separator: ", "))
            case .broken(let reason): reason
            case .noRoom(let byteCount):
                "loading it may take \(byteCount >> 20) MiB, more than models, work memory and "
                    + "sessions leave (limits.memory_mib)"
            }
        }
    }

    fileprivate struct Entry {
        var denoiser: Denoiser
        var users = 0
        var lastUsed: UInt64
    }

    private typealias Completion = (Result<Model, LoadError>) -> Void

    let folder: String
    let defaultName: String
    private let kernelPath: KernelPath?
    private let precision: PrecisionChoice
    private let meter: PrecisionMeter?
    private let work: BackgroundWork
    private var entries: [ID: Entry] = [:]
    /// What a name means now.
    private var current: [String: ID] = [:]
    private var failures: [String: String] = [:]
    private var waiting: [String: [Completion]] = [:]
    /// Bytes promised to models that are being read.
    private var reserved: [String: Int] = [:]
    /// Bytes of models that were read anew and not adopted yet.
    private var reread: [String: Int] = [:]
    private var generation = 0
    private var uses: UInt64 = 0
    /// Told of each model that is there from now on.
    var onLoad: (_ name: String, _ denoiser: Denoiser) -> Void = { _, _ in }
    /// Whether so many bytes more can be planned, after making room where that is possible.
    var hasRoom: (_ byteCount: Int) -> Bool = { _ in true }

    init(
        folder: String, defaultName: String, kernelPath: KernelPath?, precision: PrecisionChoice,
        measuring meter: PrecisionMeter?, work: BackgroundWork
    ) {
        self.folder = folder
        self.defaultName = defaultName
        self.kernelPath = kernelPath
        self.precision = precision
        self.meter = meter
        self.work = work
    }

    /// Loads the default model before anything is served; blocks.
    func loadDefault() throws(LoadError) -> Model {
        let path = try Self.path(of: defaultName, in: folder)
        do {
            let denoiser = try Denoiser(
                modelFolder: path, kernelPath: kernelPath, choosing: precision, measuring: meter)
            return add(denoiser, as: defaultName)
        } catch {
            throw .broken("model '\(defaultName)': \(error)")
        }
    }

    /// Calls back at once if the model is there, else later. A model that is found counts as used
    /// until `release`.
    func find(_ name: String, _ completion: @escaping (Result<Model, LoadError>) -> Void) {
        if let id = current[name], let entry = entries[id] {
            use(id)
            return completion(.success(Model(id: id, denoiser: entry.denoiser)))
        }
        guard ModelName.isValid(name) else { return completion(.failure(.badName(name))) }
        let isLoading = waiting[name] != nil
        waiting[name, default: []].append { [unowned self] result in
            if case .success(let model) = result { use(model.id) }
            completion(result)
        }
        guard !isLoading else { return }
        load(name) { [unowned self] result in
            for completion in waiting.removeValue(forKey: name) ?? [] { completion(result) }
        }
    }

    /// Reads a model's files anew, beside the version that is served; `adopt` then swaps them.
    func readAnew(_ name: String, _ completion: @escaping (Result<Denoiser, LoadError>) -> Void) {
        read(name) { [unowned self] result in
            if case .success(let denoiser) = result {
                reread[name] = denoiser.description.weightBytes
            }
            completion(result)
        }
    }

    /// What was read anew and not adopted is let go of.
    func forgetReread() { reread = [:] }

    /// From now on the name means this one. Sessions of the one before keep it.
    func adopt(_ denoiser: Denoiser, as name: String) -> Model {
        let old = current[name]
        reread[name] = nil
        let model = add(denoiser, as: name)
        if let old, entries[old]?.users == 0 { drop(old) }
        return model
    }

    /// Whether the name means another version by now.
    func isOutdated(_ id: ID) -> Bool { current[id.name] != id }

    /// Names that are loaded, those that sessions use and the default.
    var namesInUse: [String] {
        current.values.filter { $0.name == defaultName || entries[$0]?.users ?? 0 > 0 }
            .map(\.name).sorted()
    }

    func release(_ id: ID) {
        guard let users = entries[id]?.users else { return }
        entries[id]?.users = users - 1
        // Nobody can ask for an old version again.
        if users == 1, isOutdated(id) { drop(id) }
    }

    /// Loaded and promised.
    var byteCount: Int {
        entries.values.reduce(0) { $0 + $1.denoiser.description.weightBytes }
            + reserved.values.reduce(0, +) + reread.values.reduce(0, +)
    }

    /// Lets go of the model that nobody uses and nobody used for longest.
    /// - Returns: false if there is none.
    func dropLeastRecentlyUsed() -> Bool {
        let unused = entries.filter { $0.value.users == 0 && $0.key != current[defaultName] }
        guard let oldest = unused.min(by: { $0.value.lastUsed < $1.value.lastUsed }) else {
            return false
        }
        drop(oldest.key)
        return true
    }

    /// Lets go of what nobody uses but the default: read anew when it is asked for.
    func dropUnused() { while dropLeastRecentlyUsed() {} }

    // MARK: Loading

    private func load(_ name: String, _ completion: @escaping Completion) {
        read(name) { [unowned self] result in
            switch result {
            case .success(let denoiser): completion(.success(add(denoiser, as: name)))
            case .failure(let error): completion(.failure(error))
            }
        }
    }

    private func read(
        _ name: String, _ completion: @escaping (Result<Denoiser, LoadError>) -> Void
    ) {
        let folder = self.folder
        let (kernelPath, precision) = (self.kernelPath, self.precision)
        var meter = self.meter
        work.run({ Self.needs(of: name, in: folder) }) {
            [unowned self] (needs: Result<(path: String, byteCount: Int), LoadError>) in
            switch needs {
            case .failure(let error):
                fail(name, error)
                completion(.failure(error))
            case .success(let (path, byteCount)):
                guard hasRoom(byteCount) else {
                    return completion(.failure(.noRoom(byteCount: byteCount)))
                }
                // Every precision of the model is there while they are timed.
                let several = Precision.allCases.count
                if precision != .automatic || !hasRoom(several * byteCount) { meter = nil }
                let (measuring, models) = (meter, meter == nil ? 1 : several)
                reserved[name] = models * byteCount
                work.run({ () -> Result<Denoiser, LoadError> in
                    do {
                        return .success(
                            try Denoiser(
                                modelFolder: path, kernelPath: kernelPath, choosing: precision,
                                measuring: measuring))
                    } catch {
                        // Clients read this: where the folder lies is not theirs to know.
                        let words = "\(error)".replacing("\(folder)/", with: "")
                        return .failure(.broken("model '\(name)': \(words)"))
                    }
                }) { [unowned self] (result: Result<Denoiser, LoadError>) in
                    reserved[name] = nil
                    switch result {
                    case .failure(let error): fail(name, error)
                    case .success(let denoiser):
                        // What it takes is known exactly now.
                        let byteCount = denoiser.description.weightBytes
                        guard hasRoom(byteCount) else {
                            return completion(.failure(.noRoom(byteCount: byteCount)))
                        }
                    }
                    completion(result)
                }
            }
        }
    }

    private func add(_ denoiser: Denoiser, as name: String) -> Model {
        generation += 1
        let id = ID(name: name, generation: generation)
        uses += 1
        entries[id] = Entry(denoiser: denoiser, lastUsed: uses)
        current[name] = id
        failures[name] = nil
        onLoad(name, denoiser)
        return Model(id: id, denoiser: denoiser)
    }

    private func use(_ id: ID) {
        uses += 1
        entries[id]?.users += 1
        entries[id]?.lastUsed = uses
    }

    private func fail(_ name: String, _ error: LoadError) {
        // Names are the clients': only those of folders that are there are worth remembering.
        if case .broken(let reason) = error { failures[name] = reason }
    }

    /// Freeing weights takes milliseconds: elsewhere.
    private func drop(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id) else { return }
        if current[id.name] == id { current[id.name] = nil }
        let last = LastReference(entry.denoiser)
        work.run({ last.letGo() }) {}
    }

    private final class LastReference: Sendable {
        private let denoiser: Mutex<Denoiser?>

        init(_ denoiser: Denoiser) { self.denoiser = Mutex(denoiser) }

        func letGo() { denoiser.withLock { $0 = nil } }
    }

    // MARK: The folder, on any thread

    private static func path(of name: String, in folder: String) throws(LoadError) -> String {
        guard ModelName.isValid(name) else { throw .badName(name) }
        let path = folder + "/" + name
        guard ModelFolders.holdsModel(path) else {
            throw .absent(name: name, known: names(in: folder))
        }
        return path
    }

    /// A guess before the files are read: packed weights take up to four times their space, mostly less
    /// than twice (Winograd's form of a kernel is larger).
    private static func needs(
        of name: String, in folder: String
    ) -> Result<(path: String, byteCount: Int), LoadError> {
        do throws(LoadError) {
            let path = try path(of: name, in: folder)
            var byteCount = 0
            for file in FileManager.default.enumerator(atPath: path) ?? .init() {
                guard let file = file as? String, file.hasSuffix(".safetensors") else { continue }
                let words = try? FileManager.default.attributesOfItem(atPath: "\(path)/\(file)")
                byteCount += (words?[.size] as? NSNumber)?.intValue ?? 0
            }
            return .success((path, 2 * byteCount))
        } catch {
            return .failure(error)
        }
    }

    private static func names(in folder: String) -> [String] {
        (try? ModelFolders.names(in: folder)) ?? []
    }

    // MARK: Reports

    fileprivate struct Loaded: Sendable {
        var model: ModelDescription
        var readsEmissive: Bool
        var users: Int

        init(_ entry: Entry) {
            model = entry.denoiser.description
            readsEmissive = entry.denoiser.readsEmissive
            users = entry.users
        }
    }

    /// What is known now; the folder is read when `reports` is called, on any thread.
    struct Snapshot: Sendable {
        fileprivate var folder: String
        fileprivate var defaultName: String
        fileprivate var loaded: [String: Loaded]
        fileprivate var failures: [String: String]

        /// A model whose folder was removed is served until its sessions end, and listed.
        func reports() -> [ModelReport] {
            let names = Set(ModelLibrary.names(in: folder)).union(loaded.keys)
            return names.sorted().map { name in
                var report = ModelReport(name: name, state: .available)
                report.isDefault = name == defaultName
                if let loaded = loaded[name] {
                    let model = loaded.model
                    report.state = .loaded
                    report.sessions = loaded.users
                    report.version = model.version
                    report.family = model.family
                    report.precision = model.precision
                    report.kernelPath = model.kernelPath
                    report.precisionReason = model.precisionReason.description
                    report.licence = model.licence
                    report.description = model.description
                    report.weightBytes = UInt64(model.weightBytes)
                    report.readsEmissive = loaded.readsEmissive
                } else if let failure = failures[name] {
                    report.state = .broken
                    report.error = failure
                }
                return report
            }
        }
    }

    func snapshot() -> Snapshot {
        var loaded: [String: Loaded] = [:]
        // The version that new sessions get last, with the users of all.
        for (id, entry) in entries.sorted(by: { $0.key.generation < $1.key.generation }) {
            let before = loaded[id.name]?.users ?? 0
            loaded[id.name] = Loaded(entry)
            loaded[id.name]?.users += before
        }
        return Snapshot(
            folder: folder, defaultName: defaultName, loaded: loaded, failures: failures)
    }
}
