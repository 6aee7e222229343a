// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import Testing

@Suite struct DefaultPathsTests {
    @Test func aPersonsDaemonLivesInTheirRuntimeFolder() {
        let environment = ["XDG_RUNTIME_DIR": "/run/user/1000"]
        #expect(
            DefaultPaths.frameSocket(environment: environment, isRoot: false)
                == "/run/user/1000/frameloom/frames.sock")
        #expect(
            DefaultPaths.controlSocket(environment: environment, isRoot: false)
                == "/run/user/1000/frameloom/control.sock")
    }

    @Test func rootAndPeopleWithoutARuntimeFolderUseTheSystems() {
        for (environment, isRoot) in [
            (["XDG_RUNTIME_DIR": "/run/user/0"], true), ([:], false),
            (["XDG_RUNTIME_DIR": ""], false),
        ] {
            #expect(
                DefaultPaths.frameSocket(environment: environment, isRoot: isRoot)
                    == "/run/frameloom/frames.sock")
        }
    }

    @Test func theEnvironmentHasTheLastWord() {
        let environment = [
            "FRAMELOOM_SOCKET": "/a", "FRAMELOOM_CONTROL": "/b", "XDG_RUNTIME_DIR": "/c",
        ]
        #expect(DefaultPaths.frameSocket(environment: environment, isRoot: false) == "/a")
        #expect(DefaultPaths.controlSocket(environment: environment, isRoot: true) == "/b")
    }

    @Test func findsTheModelsAboveABuildFolder() throws {
        let root = FileManager.default.temporaryDirectory.path + "/paths-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(
            atPath: root + "/Models", withIntermediateDirectories: true)
        let found = DefaultPaths.modelFolder(executable: root + "/.build/debug/frameloom")
        // Another one comes first only where the tests run beside a folder of that name.
        #expect(found == (isFolder("Models") ? "Models" : root + "/Models"))
    }

    @Test func findsTheModelsInstalledBesideThePrograms() throws {
        let root = FileManager.default.temporaryDirectory.path + "/paths-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for folder in ["/share/frameloom/models", "/bin/share/frameloom/models"] {
            try FileManager.default.createDirectory(
                atPath: root + folder, withIntermediateDirectories: true)
        }
        let found = DefaultPaths.modelFolder(executable: root + "/bin/frameloomd")
        #expect(found == (isFolder("Models") ? "Models" : root + "/share/frameloom/models"))
    }

    @Test func findsTheTrainingToolsInstalledBesideTheProgramsAndInACheckout() throws {
        let root = FileManager.default.temporaryDirectory.path + "/paths-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        for folder in ["share/frameloom/training", "checkout/training"] {
            let path = "\(root)/\(folder)"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: path + "/convert.py"))
        }
        #expect(
            DefaultPaths.trainingFolder(executable: root + "/bin/frameloom")
                == root + "/share/frameloom/training")
        #expect(
            DefaultPaths.trainingFolder(executable: root + "/checkout/.build/debug/frameloom")
                == root + "/checkout/training")
    }

    private func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }
}
