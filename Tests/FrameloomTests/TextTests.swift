// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Testing

@testable import frameloom

@Suite struct TextTests {
    @Test func decimalsAreRoundedAndPadded() {
        #expect(decimal(1.005, 1) == "1.0")
        #expect(decimal(0.06, 1) == "0.1")
        #expect(decimal(12.3456, 3) == "12.346")
        #expect(decimal(-0.5, 2) == "-0.50")
        #expect(decimal(-0.001, 2) == "0.00")
        #expect(decimal(9.999, 2) == "10.00")
        #expect(decimal(7.4, 0) == "7")
        #expect(decimal(.infinity, 2) == "inf")
        #expect(decimal(.nan, 2) == "-")
        #expect(decimal(1e300, 2) == "1e+300")
    }

    @Test func durationsShowTheirTwoLargestUnits() {
        let second: UInt64 = 1_000_000_000
        #expect(duration(42 * second) == "42 s")
        #expect(duration(3725 * second) == "1 h 2 min")
        #expect(duration(125 * second) == "2 min 5 s")
        #expect(duration(90_000 * second) == "1 d 1 h")
    }

    @Test func aClientsNameCannotSteerTheTerminal() {
        #expect(printable("a\u{1B}[2Jb\nü\u{9B}") == "a.[2Jb.ü.")
    }

    @Test func columnsAreAsWideAsTheirWidestCell() {
        var table = Table(["NAME", "COUNT"])
        table.add(["a", "5"])
        table.add(["longer", "1234567"])
        #expect(table.text == "NAME      COUNT\na             5\nlonger  1234567")
    }
}
