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

    /// The first of these that is a folder: `./Models`, `/usr/share/frameloom/models`, and `Models`
    /// beside the executable or in a folder above it (a build inside the repository).
    package static func modelFolder(executable: String?) -> String? {
        var candidates = ["Models", "/usr/share/frameloom/models"]
        var folder = executable ?? ""
        while let slash = folder.lastIndex(of: "/") {
            folder = String(folder[..<slash])
            candidates.append(folder + "/Models")
        }
        return candidates.first { isFolder($0) }
    }

    package static var frameSocket: String {
        frameSocket(environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0)
    }

    package static var controlSocket: String {
        controlSocket(environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0)
    }

    package static var modelFolder: String? {
        modelFolder(
            executable: try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/exe"))
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
