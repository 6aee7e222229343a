// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameProtocol
import Foundation
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// `frameloom walk` itself, without a browser.
    @Suite(.serialized, .timeLimit(.minutes(5))) struct WalkProgram {
        /// Running, and no zombie that nobody has waited for.
        private func isAlive(_ pid: pid_t) -> Bool {
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
                let state = text.split(separator: ")").last?.split(separator: " ").first
            else { return false }
            return state != "Z" && state != "X"
        }

        private func children(of pid: pid_t) -> [pid_t] {
            let path = "/proc/\(pid)/task/\(pid)/children"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { pid_t($0) }
        }

        @Test func whatItStartedEndsWithItEvenWhenItIsKilled() throws {
            let folder = try TestFolder()
            let walk = try RunningProgram(
                [
                    Paths.program("frameloom"), "walk", "--no-open", "--socket",
                    folder.path + "/none.sock",
                ], output: folder.path + "/log")
            let end = ContinuousClock.now + .seconds(120)
            while !walk.output.contains("Ctrl-C"), walk.exitStatus() == nil {
                try #require(ContinuousClock.now < end, "\(walk.output)")
                usleep(50_000)
            }
            let started = children(of: walk.pid)
            #expect(started.count == 2, "\(walk.output)")
            #expect(started.allSatisfy(isAlive))
            walk.kill()
            while started.contains(where: isAlive) {
                try #require(ContinuousClock.now < end, "\(started.filter(isAlive)) still run")
                usleep(50_000)
            }
        }
    }

    @Suite(
        .serialized, .daemon(), .timeLimit(.minutes(15)),
        .enabled(
            if: Browser.isInstalled,
            "skipped: no /usr/bin/chromium; scripts/install-packages chromium brings it"))
    struct WalkTests {
        /// Of what the canvas shows in a mode: the mean of its bytes, and how many colors there are.
        private func picture(_ browser: Browser, mode: Int) throws -> (mean: Double, colors: Int) {
            let numbers =
                try browser.evaluate(
                    """
                    (() => {
                      walk.view.mode = \(mode); walk.view.draw();
                      const gl = walk.renderer.getContext();
                      const { width, height } = walk.canvas, bytes = new Uint8Array(width * height * 4);
                      gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
                      walk.view.mode = 0;
                      const colors = new Set(new Uint32Array(bytes.buffer));
                      return [bytes.reduce((a, b) => a + b) / bytes.length, colors.size];
                    })()
                    """) as? [Double] ?? []
            guard numbers.count == 2 else { throw TestFailure("no picture") }
            return (numbers[0], Int(numbers[1]))
        }

        @Test func keysWalkAndPicturesFollow() throws {
            let daemon = try sharedDaemon()
            let gateway = try GatewayProgram(socket: daemon.framePath)
            let browser = try Browser(page: gateway.pageAddress + "&size=128&samples=1")
            try browser.wait(for: "window.walk && walk.pictureCount >= 1")
            _ = try browser.evaluate(
                """
                window.histories = [];
                const add = walk.readout.add.bind(walk.readout);
                walk.readout.add = (picture, times) => { histories.push(picture.historyFrame); add(picture, times); };
                window.startZ = walk.pose.position[2]; window.startCount = walk.pictureCount; 0
                """)

            try browser.press("KeyW", "w")
            try browser.wait(for: "walk.pictureCount >= startCount + 4")
            try browser.release("KeyW", "w")
            #expect(try browser.evaluate("walk.pose.position[2] < startZ") as? Bool == true)
            #expect(try browser.evaluate("histories.at(-1) !== null") as? Bool == true)

            // What is shown is lit: not the base color, and no flat color.
            let lit = try picture(browser, mode: 0)
            let base = try picture(browser, mode: 1)
            #expect(lit.colors > 1000)
            #expect(base.colors > 1000)
            #expect(abs(lit.mean - base.mean) > 1)

            _ = try browser.evaluate("histories.length = 0")
            try browser.press("KeyX", "x")
            try browser.release("KeyX", "x")
            try browser.wait(for: "histories.includes(null)")
            try browser.wait(for: "histories.at(-1) !== null")
            // P: the daemon's own sheet; its panels are the base color's and others', its letters white.
            try browser.press("KeyP", "p")
            try browser.release("KeyP", "p")
            try browser.wait(for: "walk.view.isSheet")
            let sheet = try picture(browser, mode: 0)
            #expect(sheet.colors > 1000 && abs(sheet.mean - lit.mean) > 1)
            try browser.press("KeyP", "p")
            try browser.release("KeyP", "p")
            try browser.wait(for: "!walk.view.isSheet")
            // The hall's north wall is about nine metres from its middle: it stops who walks, not who flies.
            let ends = """
                (() => {
                  const { controls } = walk, ends = [];
                  for (const isFlying of [false, true]) {
                    controls.isFlying = isFlying;
                    controls.pose.position = [0, 1.66, 6]; controls.pose.yaw = 0.25;
                    controls.held.add("KeyW");
                    for (let i = 0; i < 600; i++) controls.update(0.02);
                    controls.held.clear();
                    ends.push(...controls.pose.position);
                  }
                  controls.isFlying = false;
                  return ends;
                })()
                """
            let places = try #require(try browser.evaluate(ends) as? [Double])
            #expect(places[2] > -9 && places[2] < -8, "\(places)")
            #expect(abs(places[1] - 1.66) < 0.05, "\(places)")
            #expect(places[5] < -10, "\(places)")
            try daemon.expectGoodService()
        }

        /// As somebody meets it: `frameloom walk` starts daemon and gateway, and a browser that was not
        /// running opens the page. On two quiet processors without a GPU it took 3.8 s (docs/walk.md).
        @Test func theFirstLitFrameComesWithinTenSeconds() throws {
            let folder = try TestFolder()
            let start = ContinuousClock.now
            let walk = try RunningProgram(
                [
                    Paths.program("frameloom"), "walk", "--no-open", "--size", "128", "--samples",
                    "1", "--socket", folder.path + "/none.sock",
                ], output: folder.path + "/out", errors: folder.path + "/errors")
            while !walk.output.contains("\n"), walk.exitStatus() == nil {
                try #require(ContinuousClock.now < start + .seconds(60), "\(walk.errors)")
                usleep(20_000)
            }
            let address = try #require(
                walk.output.split(separator: "\n").first.map(String.init), "\(walk.errors)")
            let browser = try Browser(page: address)
            try browser.wait(for: "window.walk && walk.pictureCount >= 1", seconds: 60)
            let elapsed = ContinuousClock.now - start
            #expect(elapsed < .seconds(10))
            // That first one is lit.
            let lit = try picture(browser, mode: 0)
            let base = try picture(browser, mode: 1)
            #expect(lit.colors > 1000 && abs(lit.mean - base.mean) > 1)
            walk.signal(SIGINT)
            _ = try walk.waitForExit()
        }

        /// Slider, views, overlay, recorder, pointer and touch; without a daemon, which none of them needs.
        @Test func thePagesControlsDoWhatTheHelpSays() throws {
            let folder = try TestFolder()
            let gateway = try GatewayProgram(socket: folder.path + "/none.sock")
            let browser = try Browser(page: gateway.pageAddress + "&size=64&samples=1")
            try browser.wait(for: "window.walk && walk.gbuffer")
            func type(_ key: String) throws {
                try browser.press("Key\(key.uppercased())", key)
                try browser.release("Key\(key.uppercased())", key)
            }
            func value(_ expression: String) throws -> Double {
                try #require(try browser.evaluate("Number(\(expression))") as? Double)
            }

            _ = try browser.evaluate(
                """
                (() => { const split = document.getElementById("split");
                  split.value = split.max / 4; split.dispatchEvent(new Event("input")); })()
                """)
            #expect(try value("walk.view.split / document.getElementById('split').max") == 0.25)
            for (key, what) in [
                ("b", "walk.view.isBeside"), ("f", "walk.controls.isFlying"),
                ("o", "document.getElementById('readout').classList.contains('hidden')"),
                ("h", "document.getElementById('help').classList.contains('hidden')"),
            ] {
                let before = try value(what)
                try type(key)
                #expect(try value(what) == 1 - before, "\(key)")
                try type(key)
                #expect(try value(what) == before, "\(key)")
            }
            // R records until it is pressed again; what is saved is a film.
            _ = try browser.evaluate(
                """
                window.saved = []; const make = URL.createObjectURL;
                URL.createObjectURL = (blob) => { saved.push([blob.type, blob.size]); return make(blob); }; 0
                """)
            try type("r")
            try browser.wait(for: "walk.recorder?.state === 'recording'")
            _ = try browser.evaluate("walk.view.draw(); 0")
            usleep(500_000)
            try type("r")
            try browser.wait(for: "walk.recorder === null && saved.length === 1", seconds: 60)
            #expect(try browser.evaluate("saved[0][0].startsWith('video/webm')") as? Bool == true)

            // The pointer turns, as far as it was dragged; a finger on the left walks.
            let box = try #require(
                try browser.evaluate(
                    "(() => { const b = walk.canvas.getBoundingClientRect(); "
                        + "return [b.left, b.top, b.width, b.height]; })()") as? [Double])
            let middle = (x: box[0] + box[2] * 0.75, y: box[1] + box[3] / 2)
            let yaw = try value("walk.pose.yaw")
            try browser.drag(from: middle, to: (middle.x - 40, middle.y))
            #expect(try value("walk.pose.yaw") > yaw)
            let place = try value("walk.pose.position[2]")
            let left = (x: box[0] + box[2] / 4, y: middle.y)
            try browser.touch("touchStart", at: left)
            try browser.touch("touchMove", at: (left.x, left.y - 60))
            try browser.wait(for: "walk.pose.position[2] !== \(place)", seconds: 60)
            try browser.touch("touchEnd", at: nil)
            #expect(try value("walk.controls.touches.size") == 0)
        }

        /// What another client renders, in the page that `frameloom view` opens.
        @Test func aSessionIsSeenInThePageOfView() throws {
            let daemon = try sharedDaemon()
            let folder = try TestFolder()
            let size = FrameSize(width: 64, height: 64)
            let session = try RawSession(daemon)
            let opened = try session.open(SyntheticFrame.open(size))
            let view = try RunningProgram(
                [
                    Paths.program("frameloom"), "view", "\(opened.session_id)", "--no-open",
                    "--fps", "60", "--control", daemon.controlPath,
                ], output: folder.path + "/out", errors: folder.path + "/errors")
            let end = ContinuousClock.now + .seconds(60)
            while !view.output.contains("\n") {
                try #require(ContinuousClock.now < end, "\(view.errors)")
                usleep(50_000)
            }
            let address = try #require(view.output.split(separator: "\n").first.map(String.init))
            let browser = try Browser(page: address)
            try browser.wait(for: "document.getElementById('message')")
            var (frame, picture) = (UInt64(0), [UInt8]())
            repeat {
                frame += 1
                picture = try session.render(
                    frame, SyntheticFrame(size, index: 0), flags: FL_FRAME_RESET
                )
                .pixels
                usleep(30_000)
            } while try browser.evaluate("(window.pictureCount ?? 0) >= 2") as? Bool != true
                && ContinuousClock.now < end + .seconds(60)
            // Every frame is the same and has no history, so that any of them may be shown.
            let shown = try #require(
                try browser.evaluate(
                    "[...document.getElementById('canvas').getContext('2d')"
                        + ".getImageData(0, 0, 64, 64).data]") as? [Int])
            #expect(shown == picture.map(Int.init))
            // The address lets nobody send frames.
            let refused = try browser.evaluate(
                """
                new Promise((resolve) => {
                  const socket = new WebSocket(`ws://${location.host}/frames${location.search}`, "frameloom-1");
                  socket.onopen = () => resolve("open"); socket.onerror = () => resolve("refused");
                })
                """)
            #expect(refused as? String == "refused")
            view.signal(SIGINT)
            _ = try view.waitForExit()
        }

        @Test func aNewDaemonGoesOnWithTheWalk() throws {
            let folder = try TestFolder()
            let gateway = try GatewayProgram(socket: folder.path + "/frames.sock")
            let first = try Daemon(in: folder)
            let browser = try Browser(
                page: gateway.pageAddress + "&size=64&samples=1&pictures=jpeg")
            try browser.wait(for: "window.walk && walk.pictureCount >= 1")
            first.program.kill()
            try browser.wait(for: "walk.session === null")
            let second = try Daemon(in: folder)
            _ = try browser.evaluate("window.count = walk.pictureCount")
            try browser.wait(for: "walk.pictureCount > count")
            try second.expectGoodService()
        }
    }
}
