// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
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
