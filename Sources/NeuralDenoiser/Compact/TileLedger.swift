// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import NeuralOps

/// What is known of each tile of an incremental session, and which tiles a frame renders.
struct TileLedger {
    enum Verdict: Equatable {
        /// Rendering would give the same bytes, or, if not `isExact`, nearly the same.
        case unchanged(isExact: Bool)
        case partial
        case full
    }

    private let settings: IncrementalSettings
    private let halos: [Int]
    /// Frames that a tile has been near rendered ones.
    private var exposure: [Int]
    /// How often a tile was rendered again only because it had not settled, since its planes changed.
    private var attempts: [Int]
    private(set) var dirty: [Bool]
    /// Their planes differ from those that they were rendered from.
    private var isChanged: [Bool]
    /// Tiles that had changed in the last frame that rendered the deep levels.
    private var wasSeenDeep: [Bool]
    /// Frames since then.
    private var restedFrames = 0

    init(grid: TileGrid, levelCount: Int, settings: IncrementalSettings) {
        self.settings = settings
        var halos: [Int] = []
        for level in 0..<levelCount {
            let stated =
                settings.halos.isEmpty
                ? 1 : settings.halos[min(level, settings.halos.count - 1)]
            // A level is made from the one above it: it never covers less.
            halos.append(max(stated, halos.last ?? 0))
        }
        self.halos = halos + [max(settings.reach, halos.last ?? 0)]
        exposure = Array(repeating: 0, count: grid.tileCount)
        attempts = exposure
        dirty = Array(repeating: false, count: grid.tileCount)
        isChanged = dirty
        wasSeenDeep = dirty
        forgetExposure()
    }

    /// After a frame that was rendered whole. Tiles start apart, so that their budgets do not all
    /// end with the same frame.
    mutating func forgetExposure() {
        for tile in exposure.indices {
            exposure[tile] = start(of: tile)
            wasSeenDeep[tile] = false
        }
    }

    /// After a frame that had no other one to be compared with.
    mutating func forgetAttempts() {
        for tile in attempts.indices { attempts[tile] = 0 }
    }

    private func start(of tile: Int) -> Int { tile * 7 % max(1, settings.budget / 2) }

    /// Whether the last picture was the same bytes as the one before it.
    func isFixed(_ kept: KeptFrame) -> Bool {
        dirty.indices.allSatisfy { kept.change(of: $0).most == 0 }
    }

    /// Marks the dirty tiles in `region`.
    /// - Parameters:
    ///   - isFixed: rendering would give the picture that is there, byte for byte.
    ///   - isRefresh: what was carried over so far is to be rendered anew.
    mutating func decide(
        _ kept: KeptFrame, allowsApproximate: Bool, isFixed: Bool, isRefresh: Bool
    ) -> Verdict {
        let rests = noteChanges(kept) && restsDeep(kept)
        var dueCount = 0
        for tile in dirty.indices {
            // What only lies near changes waits for a frame that renders all levels.
            let isDue = isChanged[tile] || !rests && exposure[tile] >= settings.budget
            if isDue { dueCount += 1 }
            dirty[tile] = isDue || kept.change(of: tile).most > settings.movingDifference
        }
        if isFixed { return .unchanged(isExact: true) }
        guard allowsApproximate, !isRefresh else { return .full }
        if dueCount == 0, !markUnsettled(kept) { return .unchanged(isExact: false) }
        if rests { restedFrames += 1 } else { noteDeepFrame() }
        let resting = settings.firstRestingLevel..<max(settings.firstRestingLevel, halos.count - 1)
        kept.region.set(dirty, halos: halos, resting: rests ? resting : 0..<0)
        let share = Float(kept.region.tilesComputed) / Float(dirty.count)
        return share > settings.largestShare ? .full : .partial
    }

    /// Gives whether any tile's planes changed.
    private mutating func noteChanges(_ kept: KeptFrame) -> Bool {
        var found = false
        for tile in isChanged.indices {
            isChanged[tile] = kept.difference(of: tile) == .beyond
            if isChanged[tile] {
                attempts[tile] = 0
                found = true
            }
        }
        return found
    }

    /// Whether the deep levels can stay as they are: where they have seen the same tiles change a
    /// frame or two before.
    private func restsDeep(_ kept: KeptFrame) -> Bool {
        guard restedFrames < settings.restFrames else { return false }
        return isChanged.indices.allSatisfy { tile in
            !isChanged[tile]
                || wasSeenDeep[tile] && kept.change(of: tile).mean <= settings.restingChange
        }
    }

    private mutating func noteDeepFrame() {
        restedFrames = 0
        for tile in dirty.indices { wasSeenDeep[tile] = isChanged[tile] }
    }

    /// Where nothing else is to be done, every tile is brought to rest. A picture that goes round in a
    /// circle of a few levels, as rounded numbers may, never rests by itself.
    private mutating func markUnsettled(_ kept: KeptFrame) -> Bool {
        var found = false
        for tile in dirty.indices {
            dirty[tile] =
                kept.change(of: tile).most > settings.settledDifference
                && attempts[tile] < settings.patience
            if dirty[tile] {
                attempts[tile] += 1
                found = true
            }
        }
        return found
    }

    /// After a partly rendered frame.
    mutating func countExposure(_ region: RenderRegion) {
        let columns = region.grid.columns
        for tile in exposure.indices {
            let (row, column) = (tile / columns, tile % columns)
            if region.contains(row: row, column: column) {
                exposure[tile] = start(of: tile)
            } else if region.contains(row: row, column: column, level: halos.count - 1) {
                exposure[tile] += 1
            }
        }
    }
}
