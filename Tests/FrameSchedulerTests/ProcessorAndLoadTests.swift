// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Testing

@testable import FrameScheduler

@Suite struct ProcessorAndLoadTests {
    private static func limit(_ files: [String: String]) -> Double? {
        AvailableProcessors.cgroupLimit { files[$0] }
    }

    @Test func smallestQuotaOfTheAncestorsCounts() {
        let files = [
            "/proc/self/cgroup": "0::/a.slice/b.service\n",
            "/sys/fs/cgroup/cpu.max": "max 100000\n",
            "/sys/fs/cgroup/a.slice/cpu.max": "150000 100000\n",
            "/sys/fs/cgroup/a.slice/b.service/cpu.max": "400000 100000\n",
        ]
        #expect(Self.limit(files) == 1.5)
    }

    @Test func containersOwnRootIsRead() {
        let files = [
            "/proc/self/cgroup": "0::/docker/0123/not-visible\n",
            "/sys/fs/cgroup/cpu.max": "200000 100000\n",
        ]
        #expect(Self.limit(files) == 2)
    }

    @Test func versionOneIsRead() {
        let files = [
            "/proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/jobs\n0::/\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu/jobs/cpu.cfs_quota_us": "50000\n",
            "/sys/fs/cgroup/cpu/jobs/cpu.cfs_period_us": "100000\n",
        ]
        #expect(Self.limit(files) == 0.5)
    }

    @Test func noQuotaIsNoLimit() {
        #expect(Self.limit([:]) == nil)
        let files = [
            "/proc/self/cgroup": "0::/\nbroken\n", "/sys/fs/cgroup/cpu.max": "max 100000\n",
        ]
        #expect(Self.limit(files) == nil)
    }

    @Test func affinityIsKnownHere() {
        #expect(!AvailableProcessors.affinity.isEmpty)
        #expect((1...AvailableProcessors.affinity.count).contains(AvailableProcessors.count))
    }

    @Test func loadIsTheBusyShareOfTheLastSecond() {
        var meter = LoadMeter()
        #expect(meter.load(now: 0) == 0)
        // Two thirds of two seconds, in pieces that do not fit the buckets.
        var now: UInt64 = 5_000 * millisecond
        for _ in 0..<70 {
            now += 30 * millisecond
            meter.add(20 * millisecond, now: now)
        }
        #expect(abs(meter.load(now: now) - 2.0 / 3) < 0.03)
        #expect(meter.total == 1_400 * millisecond)
        #expect(meter.load(now: now + 2_000 * millisecond) == 0)
        // A step longer than a bucket.
        meter.add(500 * millisecond, now: now + 2_000 * millisecond)
        #expect(abs(meter.load(now: now + 2_000 * millisecond) - 0.52) < 0.05)
        #expect(meter.load(now: now + 2_900 * millisecond) < 0.2)
    }
}
