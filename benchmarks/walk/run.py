# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""Walks in a real Chromium: how soon, how often and how late pictures come, and what ten tabs do to each other.

    for p in frameloomd frameloom frameloom-gateway; do swift build -c release --product $p; done
    export FRAMELOOM_PROGRAMS=.build/release FRAMELOOM_DAEMON_OPTIONS="--set limits.sessions_per_user=16"
    examples/with-daemon python3 benchmarks/walk/run.py [--size 512]

Without a GPU, WebGL runs on the processors that the daemon renders with, and most of the time is its;
`draw` says how much. So the many tabs are pages without WebGL then (tab.js). Needs Debian's chromium.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Browser:
    """Chromium by its DevTools pipe."""

    def __init__(self, use_gpu):
        self.profile = tempfile.mkdtemp()
        ours, theirs = os.pipe(), os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-dev-shm-usage", "--remote-debugging-pipe",
                 f"--user-data-dir={self.profile}", "about:blank"]
        if not use_gpu:
            flags = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", *flags]
        line = f'exec chromium "$@" 3<&{ours[0]} 4>&{theirs[1]}'
        self.process = subprocess.Popen(
            ["bash", "-c", line, "chromium", *flags], pass_fds=(ours[0], theirs[1]),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0]), os.close(theirs[1])
        self.send, self.receive = os.fdopen(ours[1], "wb", 0), os.fdopen(theirs[0], "rb", 0)
        self.buffer, self.last = b"", 0

    def call(self, method, session=None, wait=True, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.send.write(json.dumps(message).encode() + b"\0")
        while wait:
            while b"\0" not in self.buffer:
                self.buffer += self.receive.read(1 << 16) or exit("Chromium ended")
            reply, self.buffer = self.buffer.split(b"\0", 1)
            reply = json.loads(reply)
            if reply.get("id") == self.last:
                if "error" in reply:
                    raise SystemExit(f"{method}: {reply['error']}")
                return reply["result"]

    def open(self, address):
        """A window of its own: tabs behind others are not drawn."""
        target = self.call("Target.createTarget", url=address, newWindow=True)["targetId"]
        return self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def evaluate(self, session, expression):
        result = self.call("Runtime.evaluate", session, expression=expression, awaitPromise=True,
                           returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{expression[:60]}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, session, condition, seconds=120):
        end = time.monotonic() + seconds
        while not self.evaluate(session, f"!!({condition})"):
            if time.monotonic() > end:
                raise SystemExit(f"{condition} does not come true")
            time.sleep(0.02)

    def key(self, session, kind, code, key):
        self.call("Input.dispatchKeyEvent", session, type=kind, code=code, key=key)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)


NUMBERS = """(() => { const r = walk.readout, q = (m, s) => m.quantile(s); return {
  fps: r.framesPerSecond, p50: q(r.latency, 0.5), p99: q(r.latency, 0.99),
  key50: q(r.keyLatency, 0.5), key99: q(r.keyLatency, 0.99), keys: r.keyLatency.values.length,
  draw: q(r.draw, 0.5), ...Object.fromEntries(Object.entries(r.stages).map(([n, m]) => [n, q(m, 0.5)])) }; })()"""
FORGET = """for (const m of [walk.readout.latency, walk.readout.keyLatency, walk.readout.draw,
  ...Object.values(walk.readout.stages)]) m.values = []; walk.readout.shown = []; 0"""
# Turns by itself, so that every frame is a new one.
TURN = "setInterval(() => walk.controls.turn(0.01, 0), 30); 0"


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def child(parent, name):
    for pid in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        if name in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
            return int(pid)
    raise SystemExit(f"no {name}")


def one_walk(browser, address, seconds, started):
    session = browser.open(address)
    browser.wait(session, "window.walk && walk.pictureCount >= 1")
    print(f"first lit frame {time.monotonic() - started:.1f} s after the start of frameloom walk")
    browser.wait(session, "walk.pictureCount >= 10")
    browser.evaluate(session, FORGET)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind in ("keyDown", "keyUp"):
            browser.key(session, kind, "KeyW", "w")
            time.sleep(0.15)
        browser.evaluate(session, "walk.controls.turn(0.05, 0); 0")
    n = browser.evaluate(session, NUMBERS)
    print(f"{n['fps']:.1f} fps; pose to picture p50 {n['p50']:.0f}, p99 {n['p99']:.0f} ms; key to picture "
          f"p50 {n['key50']:.0f}, p99 {n['key99']:.0f} ms ({n['keys']} keys)")
    print("medians, ms: " + ", ".join(
        f"{name} {n[name]:.1f}" for name in ("draw", "send", "queue", "convert", "render", "encode", "back")))
    browser.evaluate(session, "walk.session.close()")
    browser.call("Page.close", session, wait=False)


def many_tabs(browser, address, size, use_gpu, count, seconds, gateway):
    # The walk, or any document of the same origin, to which tab.js adds a canvas.
    page, query = address.split("?")
    page = page if use_gpu else page.rsplit("/", 1)[0] + "/style.css"
    started = time.monotonic()
    tabs = [browser.open(f"{page}?{query}&size={size}") for _ in range(count)]
    for tab in tabs:
        if not use_gpu:
            browser.wait(tab, "document.readyState == 'complete' && document.body")
            browser.evaluate(tab, (ROOT / "benchmarks/walk/tab.js").read_text())
        browser.wait(tab, "window.walk && walk.pictureCount >= 1", 300)
    print(f"{count} tabs show pictures after {time.monotonic() - started:.0f} s", flush=True)
    for tab in tabs if use_gpu else []:
        browser.evaluate(tab, TURN)

    def measure(words, some):
        for tab in some:
            browser.evaluate(tab, FORGET)
        time.sleep(seconds)
        numbers = [browser.evaluate(tab, NUMBERS) for tab in some]
        print(f"{words}: {statistics.mean(n['fps'] for n in numbers):.2f} fps each, p99 "
              f"{max(n['p99'] for n in numbers):.0f} ms at most; gateway {resident(gateway):.0f} MiB")

    measure(f"{count} tabs", tabs[1:])
    browser.call("Debugger.enable", tabs[0])
    browser.call("Debugger.pause", tabs[0])
    time.sleep(1)
    measure(f"one of {count} tabs frozen by its debugger, the others", tabs[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", default=os.environ.get("FRAMELOOM_PROGRAMS", ".build/release"))
    parser.add_argument("--size", default="512")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--tabs", type=int, default=10, help="0: none")
    parser.add_argument("--tab-size", default="128")
    parser.add_argument("--tabs-only", action="store_true", help="leave out the walk in one tab")
    parser.add_argument("--no-play", action="store_true", help="leave out the daemon's rate without a browser")
    parser.add_argument("--gpu", action="store_true", help="let Chromium use the GPU")
    options = parser.parse_args()
    started = time.monotonic()
    walk = subprocess.Popen(
        [f"{options.programs}/frameloom", "walk", "--no-open"], stdout=subprocess.PIPE, text=True)
    browser = Browser(options.gpu)
    try:
        address = walk.stdout.readline().strip()
        if not options.tabs_only:
            one_walk(browser, f"{address}&size={options.size}", options.seconds, started)
        if options.tabs:
            many_tabs(browser, address, options.tab_size, options.gpu, options.tabs, options.seconds,
                      child(walk.pid, "frameloom-gateway"))
    finally:
        browser.close()
        walk.send_signal(signal.SIGINT)
        walk.wait()
    if options.no_play:
        return
    clip = ["play", str(ROOT / "Clips/atrium-flight"), "--ping-pong", "--loop", "6", "--in-flight", "2",
            "--no-pictures", "--json"]
    report = json.loads(subprocess.run(
        [f"{options.programs}/frameloom", *clip], check=True, capture_output=True, text=True).stdout)
    print(f"the daemon without a browser, 512x512: {report['fps']:.1f} fps, "
          f"p50 {report['frame_ms_p50']:.0f}, p99 {report['frame_ms_p99']:.0f} ms")


if __name__ == "__main__":
    main()
