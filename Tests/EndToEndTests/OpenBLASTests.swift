// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Foundation
import NeuralDenoiser
import TestSupport
import Testing

extension EndToEnd {
    /// The kernel path whose products a library makes.
    @Suite(.timeLimit(.minutes(5))) struct OpenBLASPath {
        private static let path = "render.kernel_path=openblas"

        /// The kernel path's name, and the bytes of some frames.
        private func rendered(
            _ settings: [String] = [], environment: [String] = []
        ) throws -> (name: String, pictures: [[UInt8]]) {
            let daemon = try Daemon(
                [Self.path, "render.precision=fp32"] + settings,
                launcher: ["/usr/bin/env"] + environment)
            let size = FrameSize(width: 160, height: 96)
            let client = try EngineClient(daemon.framePath)
            let opened = try client.open(SyntheticFrame.open(size))
            let pictures = try (0..<3).map {
                try client.render(UInt64($0 + 1), SyntheticFrame(size, index: $0))
            }
            return (text(opened.kernel_path), pictures)
        }

        @Test(.enabled(if: KernelPath.openblas.isSupported, "OpenBLAS is not installed"))
        func givesTheSameBytesWhateverTheThreadsAndTheEnvironment() throws {
            let first = try rendered(["render.threads=1"])
            #expect(first.name.hasPrefix("openblas") && first.name.hasSuffix("-fp32"))
            #expect(first.pictures.allSatisfy { Set($0).count > 16 })
            for threads in [2, 3] {
                let found = try rendered(["render.threads=\(threads)"])
                #expect(found.name == first.name && found.pictures == first.pictures)
            }
            // What OpenBLAS would read: other kernels, more threads.
            let found = try rendered(environment: [
                "OPENBLAS_CORETYPE=Nehalem", "OPENBLAS_NUM_THREADS=4", "OPENBLAS_L2_SIZE=65536",
            ])
            #expect(found.name == first.name && found.pictures == first.pictures)
        }

        @Test(.enabled(if: KernelPath.openblas.isSupported, "OpenBLAS is not installed"))
        func aCoreThatIsAskedForIsPartOfTheName() throws {
            #if arch(x86_64)
                // What a processor without AVX2 has.
                let old = try rendered(environment: ["FRAMELOOM_OPENBLAS_CORE=Nehalem"])
                #expect(old.name.hasSuffix("+nehalem-fp32"))
                let own = try rendered()
                #expect(own.name != old.name)
                for (a, b) in zip(old.pictures, own.pictures) {
                    let largest = zip(a, b).map { abs(Int($0) - Int($1)) }.max()
                    #expect(largest! <= 1, "the same network")
                }
                #expect(
                    try rendered(environment: ["FRAMELOOM_OPENBLAS_CORE=Nehalem"]).pictures
                        == old.pictures)
            #endif
        }

        @Test func aMissingLibraryIsAnErrorThatSaysSo() throws {
            let folder = try TestFolder()
            for name in ["libopenblas.so.0", "libopenblas.so"] {
                try Data("none".utf8).write(to: URL(filePath: "\(folder.path)/\(name)"))
            }
            let launcher = ["/usr/bin/env", "LD_LIBRARY_PATH=\(folder.path)"]
            let daemon = try Daemon(unready: [Self.path], launcher: launcher)
            #expect(try daemon.program.waitForExit() != 0)
            #expect(daemon.program.output.contains("kernel path openblas"))
            #expect(daemon.program.output.contains("OpenBLAS cannot be loaded"))
            // Nobody else misses it.
            try Daemon(launcher: launcher).expectGoodService()
        }
    }
}
