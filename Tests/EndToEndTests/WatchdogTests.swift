// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import FrameControl
import FrameTypes
import Glibc
import TestSupport
import Testing

extension EndToEnd {
    /// What systemd hears while the render threads work, and when they hang.
    @Suite(.timeLimit(.minutes(3))) struct Watchdog {
        /// Stops every thread of a process but the first, which is the loop's, as a bug in a kernel would;
        /// for as long as this program runs.
        private static let stopper = """
            import ctypes, os, sys, time
            libc = ctypes.CDLL(None, use_errno=True)
            libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
            pid = int(sys.argv[1])
            for thread in map(int, os.listdir(f"/proc/{pid}/task")):
                if thread != pid:
                    # PTRACE_SEIZE, PTRACE_INTERRUPT
                    if libc.ptrace(0x4206, thread, None, None) or libc.ptrace(0x4207, thread, None, None):
                        sys.exit(f"ptrace: {os.strerror(ctypes.get_errno())}")
            print("stopped", flush=True)
            time.sleep(600)
            """

        @Test(.enabled(if: geteuid() == 0, "stopping another process's threads needs root"))
        func isNotFedWhileRenderThreadsHang() throws {
            let folder = try TestFolder()
            let notify = try NotifySocket(at: folder.path + "/notify")
            let daemon = try Daemon(
                unready: [], in: folder,
                launcher: ["/usr/bin/env", "NOTIFY_SOCKET=\(folder.path)/notify"])
            try daemon.waitUntilReady()
            func feedings(seconds: Double) -> Int {
                _ = notify.messages()
                usleep(UInt32(seconds * 1e6))
                return notify.messages().count { $0.contains("WATCHDOG=1") }
            }
            // Idle is alive.
            #expect(feedings(seconds: 2) > 0)

            let size = FrameSize(width: 2048, height: 2048)
            let session = try RawSession(daemon, SyntheticFrame.open(size))
            var frame = SyntheticFrame(FrameSize(width: 64, height: 64), index: 0)
            frame.planes = [4, 3, 2, 1, 1].map {
                [UInt8](repeating: 130, count: size.pixelCount * $0)
            }
            try session.send(1, frame)
            while try daemon.stats().total.frames.rendering == 0 { usleep(1000) }
            let stopper = try RunningProgram(
                ["/usr/bin/env", "python3", "-c", Self.stopper, "\(daemon.program.pid)"],
                output: folder.path + "/stopper")
            let end = ContinuousClock.now + .seconds(30)
            while !stopper.output.contains("stopped"), ContinuousClock.now < end { usleep(1000) }
            try #require(stopper.output.contains("stopped"), "\(stopper.output)")
            // Five seconds without a step, and some for a machine that is busy.
            sleep(8)
            #expect(feedings(seconds: 3) == 0)
            // The loop turns: it is not the loop that systemd would restart the daemon for.
            #expect(daemon.program.exitStatus() == nil)

            // They get on: so does the daemon.
            stopper.kill()
            #expect(try session.picture().frameID == 1)
            #expect(feedings(seconds: 3) > 0)
        }
    }
}
