// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FoundationEssentials
import Glibc

/// Where the daemon listens and where programs look for it: one rule for both.
package enum DefaultPaths {
    /// `FRAMELOOM_SOCKET`, else `frames.sock` in the runtime folder.
    package static func frameSocket(environment: [String: String], isRoot: Bool) -> String {
        stated("FRAMELOOM_SOCKET", environment)
            ?? runtimeFolder(environment: environment, isRoot: isRoot) + "/frames.sock"
    }

    /// `FRAMELOOM_CONTROL`, else `control.sock` in the runtime folder.
    package static func controlSocket(environment: [String: String], isRoot: Bool) -> String {
        stated("FRAMELOOM_CONTROL", environment)
            ?? runtimeFolder(environment: environment, isRoot: isRoot) + "/control.sock"
    }

    /// A person's own daemon lives in `$XDG_RUNTIME_DIR/frameloom`, the system's in
    /// `/run/frameloom`.
    package static func runtimeFolder(environment: [String: String], isRoot: Bool) -> String {
        guard !isRoot, let folder = stated("XDG_RUNTIME_DIR", environment) else {
            return "/run/frameloom"
        }
        return folder + "/frameloom"
    }

    /// Where the daemon keeps what it can find out again: what systemd made for it (`CacheDirectory=`),
    /// else `frameloom` in `XDG_CACHE_HOME` or in the person's `.cache`; nil: nowhere.
    package static func cacheFolder(environment: [String: String]) -> String? {
        // systemd lists several with colons between them.
        let made = stated("CACHE_DIRECTORY", environment)?.split(separator: ":").first.map(
            String.init)
        let folder =
            made ?? stated("XDG_CACHE_HOME", environment).map { $0 + "/frameloom" }
            ?? stated("HOME", environment).map { $0 + "/.cache/frameloom" }
        // The specification of XDG_CACHE_HOME: relative paths are to be ignored.
        return folder.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }

    package static var cacheFolder: String? {
        cacheFolder(environment: ProcessInfo.processInfo.environment)
    }

    /// The first of these that is a folder: `./Models`; what was installed beside the executable
    /// (`bin` and `share` of one prefix); `Models` in a folder above it (a build inside the
    /// repository); `/usr/share/frameloom/models`.
    package static func modelFolder(executable: String?) -> String? {
        let above = foldersAbove(executable)
        let installed = above.dropFirst().prefix(1).map { $0 + "/share/frameloom/models" }
        let built = above.map { $0 + "/Models" }
        return (["Models"] + installed + built + ["/usr/share/frameloom/models"])
            .first { isFolder($0) }
    }

    /// The demo clip of a checkout, found like its models.
    package static func demoClip(executable: String?) -> String? {
        let name = "Clips/atrium-flight"
        return ([name] + foldersAbove(executable).map { "\($0)/\(name)" }).first { isFolder($0) }
    }

    /// The first of these that holds the walk page and the JavaScript client: the working folder, what
    /// was installed beside the executable, the folders above it, `/usr/share/frameloom`.
    package static func pageFolder(executable: String?) -> String? {
        let above = foldersAbove(executable)
        let installed = above.dropFirst().prefix(1).map { $0 + "/share/frameloom" }
        return (["."] + installed + above + ["/usr/share/frameloom"]).first {
            isFolder("\($0)/walk") && isFolder("\($0)/clients/javascript")
        }
    }

    /// The folder of the training tools: what was installed beside the executable, a checkout above it,
    /// `/usr/share/frameloom/training`.
    package static func trainingFolder(executable: String?) -> String? {
        let above = foldersAbove(executable)
        let installed = above.dropFirst().prefix(1).map { $0 + "/share/frameloom/training" }
        let built = above.map { $0 + "/training" }
        return (installed + built + ["/usr/share/frameloom/training"]).first {
            FileManager.default.fileExists(atPath: $0 + "/convert.py")
        }
    }

    private static func foldersAbove(_ executable: String?) -> [String] {
        var folders: [String] = []
        var folder = executable ?? ""
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            folders.append(folder)
        }
        return folders
    }

    package static var frameSocket: String {
        frameSocket(environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0)
    }

    package static var controlSocket: String {
        controlSocket(environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0)
    }

    /// Where programs look that talk to a daemon: a person without one of his own means the system's.
    package static var frameSocketToUse: String { toUse(frameSocket, "frames.sock") }

    package static var controlSocketToUse: String { toUse(controlSocket, "control.sock") }

    static func toUse(_ path: String, _ name: String, system: String = "/run/frameloom") -> String {
        let other = "\(system)/\(name)"
        return !FileManager.default.fileExists(atPath: path)
            && FileManager.default.fileExists(atPath: other) ? other : path
    }

    package static var modelFolder: String? { modelFolder(executable: executable) }

    package static var demoClip: String? { demoClip(executable: executable) }

    package static var pageFolder: String? { pageFolder(executable: executable) }

    package static var trainingFolder: String? { trainingFolder(executable: executable) }

    /// The interpreter of our Python tools: `FRAMELOOM_PYTHON`, else `python3` in PATH.
    package static var python: String {
        stated("FRAMELOOM_PYTHON", ProcessInfo.processInfo.environment) ?? "python3"
    }

    private static var executable: String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    private static func stated(_ name: String, _ environment: [String: String]) -> String? {
        guard let value = environment[name], !value.isEmpty else { return nil }
        return value
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && isDirectory
    }
}
