// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FileFormats
import Testing

@Suite struct JSONTests {
    private func parse(_ text: String) -> JSON? { try? JSON(parsing: Array(text.utf8)) }

    @Test func readsEveryKindOfValue() throws {
        let json = try #require(
            parse(#" { "a" : [1, -2.5e3, "x\n\u00e9\ud83d\ude00", true, false, null], "b": {} } "#))
        let items = try #require(json["a"]?.array)
        #expect(items[0].int == 1)
        #expect(items[1].double == -2500)
        #expect(items[1].int == nil)
        #expect(items[2].string == "x\né😀")
        #expect(items[3...] == [.bool(true), .bool(false), .null])
        #expect(json["b"]?.members == [])
        #expect(json["c"] == nil)
    }

    @Test func keepsNamesGivenTwice() {
        #expect(parse(#"{"a":1,"a":2}"#)?.members?.map(\.name) == ["a", "a"])
    }

    @Test(arguments: [
        "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01x", "-", "1.", "1e", "tru", "\"", "\"\\x\"",
        "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\n\"", "1 2", "nul", "+1", ".5",
    ])
    func refusesWhatIsNoJSON(text: String) {
        #expect(parse(text) == nil, "\(text)")
    }

    @Test func refusesBytesThatAreNoUTF8() {
        #expect((try? JSON(parsing: [0x22, 0xFF, 0x22])) == nil)
    }

    @Test func depthIsLimited() {
        let levels = 100_000
        #expect(
            parse(String(repeating: "[", count: levels) + String(repeating: "]", count: levels))
                == nil)
        #expect(parse(String(repeating: "[", count: 20) + String(repeating: "]", count: 20)) != nil)
    }
}
