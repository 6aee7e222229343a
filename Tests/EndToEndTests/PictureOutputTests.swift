// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameClip
import TestSupport
import Testing

extension EndToEnd {
    /// Where the pictures of `play` go, against the real daemon.
    @Suite(.daemon(), .timeLimit(.minutes(5))) struct PictureOutput {
        private let daemon = SharedDaemon.current!
        private let folder: TestFolder
        private let frames = 4
        private let pixels = SmallClip.size.pixelCount

        init() throws {
            folder = try TestFolder()
            try SmallClip.write(to: folder.path + "/clip", frames: frames)
        }

        /// Runs `play` with what follows it in a shell; `PLAY` is the command so far.
        private func shell(_ line: String) throws -> (code: Int32, errors: String) {
            let play =
                "\(Paths.program("frameloom")) play \(folder.path)/clip --socket \(daemon.framePath)"
            let program = try RunningProgram(
                ["/bin/bash", "-c", "set -o pipefail; PLAY='\(play)'; \(line)"],
                output: folder.path + "/out", errors: folder.path + "/errors")
            return (try program.waitForExit(seconds: 120), program.errors)
        }

        private func bytes(_ name: String) throws -> [UInt8] {
            Array(try Data(contentsOf: URL(filePath: folder.path + "/" + name)))
        }

        @Test func streamsEveryPictureToStandardOutput() throws {
            let raw = try shell("$PLAY --out - --format raw | cat >\(folder.path)/film.raw")
            #expect(raw.code == 0, "\(raw.errors)")
            #expect(raw.errors.contains("Speed"), "the report goes to standard error")
            #expect(!raw.errors.contains("Rendering"), "progress is for terminals")
            let film = try bytes("film.raw")
            #expect(film.count == frames * pixels * 4)

            // The same pictures as the files.
            let files = try shell("$PLAY --out \(folder.path)/files")
            #expect(files.code == 0, "\(files.errors)")
            for frame in 0..<frames {
                let file = try PNGImage(
                    readingFrom: "\(folder.path)/files/Rendered_000\(frame).png")
                let start = frame * pixels * 4
                let isSame = (0..<pixels).allSatisfy { pixel in
                    (0..<3).allSatisfy {
                        film[start + 4 * pixel + $0] == file.bytes[3 * pixel + $0]
                    }
                }
                #expect(isSame, "frame \(frame)")
            }

            let y4m = try shell("$PLAY --out - --loop 2 | cat >\(folder.path)/film.y4m")
            #expect(y4m.code == 0, "\(y4m.errors)")
            let stream = try bytes("film.y4m")
            let header =
                "YUV4MPEG2 W128 H96 F30:1 Ip A1:1 C444 XCOLORRANGE=LIMITED\n"
            #expect(stream.starts(with: Array(header.utf8)))
            #expect(stream.count == header.utf8.count + 2 * frames * (6 + 3 * pixels))
            // Luma of the first pixel by BT.601's own numbers; half a step is the rounding.
            let rgb = film[..<3].map(Double.init)
            let luma = 16 + 219 * (0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]) / 255
            #expect(abs(Double(stream[header.utf8.count + 6]) - luma) <= 0.51)
        }

        private static let ffmpeg = "/usr/bin/ffmpeg"

        /// A film of as many frames as the clip has, whose first and last are the rendered ones.
        @Test(
            .enabled(
                if: FileManager.default.isExecutableFile(atPath: ffmpeg),
                "skipped: no /usr/bin/ffmpeg; scripts/install-packages ffmpeg brings it"))
        func ffmpegMakesAFilmOfIt() throws {
            let film = folder.path + "/film.mkv"
            let made = try shell(
                "$PLAY --out - | \(Self.ffmpeg) -loglevel error -y -i - -c:v ffv1 \(film)")
            #expect(made.code == 0, "\(made.errors)")
            let split = try shell(
                "\(Self.ffmpeg) -loglevel error -i \(film) -pix_fmt rgb24 "
                    + "\(folder.path)/film-%d.png")
            #expect(split.code == 0, "\(split.errors)")
            #expect(
                !FileManager.default.fileExists(atPath: "\(folder.path)/film-\(frames + 1).png"))
            let files = try shell("$PLAY --out \(folder.path)/still")
            #expect(files.code == 0, "\(files.errors)")
            for frame in [0, frames - 1] {
                let shown = try PNGImage(
                    readingFrom: "\(folder.path)/film-\(frame + 1).png")
                let rendered = try PNGImage(
                    readingFrom: "\(folder.path)/still/Rendered_000\(frame).png")
                try #require(shown.size == rendered.size && shown.channels == 3)
                // Y4M has 220 steps of brightness and 225 of color, and ffmpeg rounds once more.
                let apart = zip(shown.bytes, rendered.bytes).map { abs(Int($0) - Int($1)) }
                #expect(apart.reduce(0, +) < apart.count * 2, "frame \(frame)")
            }
        }

        @Test func endsWithItsReader() throws {
            let (code, errors) = try shell(
                "$PLAY --out - --loop 1000 | head -c 100 >/dev/null")
            #expect(code == 1, "\(errors)")
            #expect(errors.contains("the reader of standard output ended"))
            try daemon.expectGoodService()
        }

        @Test func writesFilesWhileTheRunGoesOn() throws {
            let out = folder.path + "/slow"
            let program = try RunningProgram(
                [
                    Paths.program("frameloom"), "play", folder.path + "/clip", "--socket",
                    daemon.framePath, "--fps", "0.2", "--out", out,
                ], output: folder.path + "/log")
            while !FileManager.default.fileExists(atPath: out + "/Rendered_0001.png") {
                try #require(program.exitStatus() == nil, "\(program.output)")
                usleep(20_000)
            }
            // Two more frames come, five seconds each.
            #expect(program.exitStatus() == nil)
            program.signal(SIGINT)
            #expect(try program.waitForExit() == 130)
            #expect(try PNGImage(readingFrom: out + "/Rendered_0001.png").size == SmallClip.size)
        }
    }
}
