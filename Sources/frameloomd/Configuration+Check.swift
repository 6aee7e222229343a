// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameSocket
import FrameTypes
import NeuralDenoiser

extension Configuration {
    /// What no daemon could start with although each value is of its kind. `--check-config` and the
    /// start itself say the same.
    func problems() -> [ConfigurationError] {
        var found: [ConfigurationError] = []
        for (name, socket) in [("socket", socket), ("control", control)] {
            if let needs = Self.pathProblem(socket.path) {
                found.append(.unusable(key: "\(name).path", found: socket.path, needs: needs))
            }
            do {
                try SocketAddress(socket).checkOwner()
            } catch {
                let key = if case .unknownGroup = error { "group" } else { "owner" }
                found.append(
                    .unusable(
                        key: "\(name).\(key)", found: key == "group" ? socket.group : socket.owner,
                        needs: "must be a name or number that this machine knows"))
            }
        }
        if socket.path == control.path {
            found.append(
                .unusable(
                    key: "control.path", found: control.path,
                    needs: "must be another path than socket.path"))
        }
        for (key, list) in [
            ("control.change", permissions.change), ("control.watch", permissions.watch),
        ] {
            do {
                _ = try PeerList(list)
            } catch {
                found.append(
                    .unusable(
                        key: key, found: list,
                        needs:
                            "must be users, and groups with an @ before them, that this machine knows"
                    ))
            }
        }
        if !ModelName.isValid(models.default) {
            found.append(
                .unusable(
                    key: "models.default", found: models.default,
                    needs: "must be \(ModelName.rule)"))
        }
        var status = stat()
        // The path is lent to the call as a C string; `status` outlives it.
        if unsafe stat(models.folder, &status) != 0 || status.st_mode & S_IFMT != S_IFDIR {
            found.append(
                .unusable(
                    key: "models.folder", found: models.folder,
                    needs: "must be a folder that exists")
            )
        }
        return found
    }

    /// What a start would meet beyond that: folders that it makes sockets in, and the default model, which is
    /// loaded. Takes as long as loading does.
    func startProblems() -> [ConfigurationError] {
        var found: [ConfigurationError] = []
        for (name, socket) in [("socket", socket), ("control", control)] {
            if let needs = Self.folderProblem(of: socket.path) {
                found.append(.unusable(key: "\(name).path", found: socket.path, needs: needs))
            }
        }
        do {
            _ = try Denoiser(
                modelFolder: models.folder + "/" + models.default,
                kernelPath: KernelPath(rawValue: render.kernelPath),
                choosing: PrecisionChoice(name: render.precision) ?? .automatic)
        } catch {
            found.append(
                .unusable(
                    key: "models.default", found: models.default, needs: "cannot serve: \(error)"))
        }
        return found
    }

    /// The folder itself, or the nearest above it in which it would be made.
    private static func folderProblem(of path: String) -> String? {
        var folder = (path as NSString).deletingLastPathComponent
        while !folder.isEmpty, folder != "/", !FileManager.default.fileExists(atPath: folder) {
            folder = (folder as NSString).deletingLastPathComponent
        }
        var status = stat()
        // The path is lent to the calls as a C string; `status` outlives them.
        guard unsafe stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return "needs a folder, and \(folder) is none"
        }
        guard unsafe access(folder, W_OK | X_OK) == 0 else {
            return "needs a folder that user \(geteuid()) may write, and \(folder) is not"
        }
        return nil
    }

    private static func pathProblem(_ path: String) -> String? {
        if !path.hasPrefix("/") { return "must be an absolute path" }
        if path.utf8.contains(0) { return "must not contain a zero byte" }
        guard path.utf8.count <= SocketAddress.pathLimit else {
            return "has \(path.utf8.count) bytes, at most \(SocketAddress.pathLimit) are possible"
        }
        return nil
    }
}

extension SocketAddress {
    init(_ settings: Configuration.Socket) {
        self.init(
            path: settings.path, mode: UInt32(settings.mode),
            owner: settings.owner.isEmpty ? nil : settings.owner,
            group: settings.group.isEmpty ? nil : settings.group)
    }
}
