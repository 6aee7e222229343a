// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import Foundation
import Testing

@testable import frameloomd

@Suite struct TOMLFileTests {
    private func entries(_ text: String) throws -> [TOMLFile.Entry] { try TOMLFile(text).entries }

    private func refusal(_ text: String) -> String? {
        do {
            _ = try TOMLFile(text)
            return nil
        } catch {
            return "\(error.line):\(error.column) \(error.reason)"
        }
    }

    @Test func readsWhatAConfigurationMayHold() throws {
        let text = """
            \u{FEFF}# comment, \t with a tab and ü
            top = 1\r
            [ limits ]  # blanks in a header
            "sessions" = 0x1F
            memory . mib = -9_223_372_036_854_775_808
            'quoted only' = true

            [socket.inner]
            path = "a\\tb\\u00e9\\U0001F600\\"#" # after a text
            raw = 'C:\\n'
            empty = ""
            """
        #expect(
            try entries(text) == [
                .init(key: "top", line: 2, value: .integer(1)),
                .init(key: "limits.sessions", line: 4, value: .integer(31)),
                .init(key: "limits.memory.mib", line: 5, value: .integer(.min)),
                .init(key: "limits.\"quoted only\"", line: 6, value: .boolean(true)),
                .init(key: "socket.inner.path", line: 9, value: .text("a\tbé😀\"#")),
                .init(key: "socket.inner.raw", line: 10, value: .text("C:\\n")),
                .init(key: "socket.inner.empty", line: 11, value: .text("")),
            ])
        #expect(try entries("") == [])
    }

    /// A quoted name with a dot is not the key that its parts would be.
    @Test func aDotInQuotesIsNoSeparator() throws {
        #expect(try entries("\"limits.sessions\" = 1")[0].key == "\"limits.sessions\"")
    }

    @Test(arguments: [
        ("a = [}\nn\n", "1:5 an array, which no key takes"),
        ("a = {b = 1}", "1:5 an inline table, which no key takes"),
        ("a = \"\"\"x\"\"\"", "1:5 a text of several lines, which no key takes"),
        ("a = 1979-05-27", "1:5 '1979-05-27' is no whole number, and no key takes another"),
        ("a = 1.5", "1:5 '1.5' is no whole number, and no key takes another"),
        ("a = 007", "1:5 '007' is no whole number, and no key takes another"),
        ("a = 9223372036854775808", "1:5 9223372036854775808 does not fit in 64 bits"),
        ("level = debug", "1:9 'debug' is no value; a text stands in quotes"),
        ("a = \"b\nc = 1", "1:7 a text's closing \" is missing"),
        ("a = \"\\q\"", "1:8 an unknown escape in a text"),
        ("a = \"\\uD800\"", "1:12 an escape that is no Unicode character"),
        ("a = 1 b = 2", "1:7 'b' where a line should end"),
        ("a\n", "1:2 '=' is missing after a key"),
        ("a =\n", "1:4 a value is missing"),
        ("a. = 1", "1:4 '=' where a name should be"),
        ("# \u{7}", "1:3 the byte 0x7 in a comment"),
        ("a = 1\n\n a = 2", "3:2 'a' is defined in line 1 already"),
        ("[a]\n[a]", "2:1 'a' is defined in line 1 already"),
        ("a.b = 1\n[a]", "2:1 'a' is defined in line 1 already"),
        ("a = 1\na.b = 1", "2:1 'a' is defined in line 1 already"),
        ("[[a]]\n", "1:2 an array of tables, which no key takes"),
        ("[a\n", "1:3 \"]\" is missing after a table's name"),
        ("\u{FEFF}[%", "1:2 '%' where a name should be"),
        ("\u{A0}[%", "1:1 the byte 0xC2 where a name should be"),
    ])
    func saysWhereAndWhyATextIsRefused(text: String, words: String) {
        #expect(refusal(text) == words)
    }

    /// Python's tomllib reads the same texts, made of pieces at random: what it refuses is refused, what it
    /// reads is read alike unless it holds values that no key takes.
    @Test func readsAsPythonDoes() throws {
        let script = #"""
            import json, random, sys
            try:
                import tomllib
            except ImportError:
                sys.exit(3)
            random.seed(int(sys.argv[1]))
            keys = ["a", "b", "c", "a.b", "b . c", '"a"', "'x y'", '""', "1", "-", "a.b.c", "", "%", '"\\u0041"']
            values = ["1", "-0", "+7", "1_0", "1__0", "0x_1", "0b11", "0o17", "01", "true", "false", "True",
                      '"t"', "'l'", '"\\n"', '"\\x"', '"', "'", "1.5", "1e3", "inf", "1979-05-27", "[1]", "[}",
                      "{a=1}", '"""m"""', "", "x", "0xG", "99999999999999999999", '"\\uD800"', '"é#"', "1#"]
            ends = ["\n"] * 12 + ["\r\n", " # c\n", "\r", "", "\x00\n", " x\n", "\t\n"]
            def line():
                kind = random.random()
                if kind < .25: return "[%s]" % random.choice(keys)
                if kind < .29: return random.choice(["[", "[[a]]", "[ a ", "]", "[a]b", "[%", "\ufeff"])
                if kind < .34: return random.choice(["", " ", "# only", "#\x07", "=", "a", "a b = 1"])
                return random.choice(keys) + random.choice(["=", " = ", "= ", " "]) + random.choice(values)
            def plain(tree, path=()):
                for key, value in tree.items():
                    if isinstance(value, dict): yield from plain(value, path + (key,))
                    else: yield path + (key,), value
            for _ in range(4000):
                text = "".join(line() + random.choice(ends) for _ in range(random.randint(1, 4)))
                try:
                    found = dict(plain(tomllib.loads(text.removeprefix('\ufeff'))))
                except tomllib.TOMLDecodeError:
                    verdict = None
                except (ValueError, RecursionError):
                    verdict = None
                else:
                    takes = all(type(v) in (int, bool, str) for v in found.values()) and \
                        all(abs(v) < 1 << 63 for v in found.values() if type(v) is int) and \
                        not any(s in text for s in ('"""', "{"))
                    verdict = sorted([".".join(k if k and all(c.isascii() and (c.isalnum() or c in "-_") for c in k)
                        else '"%s"' % k for k in key), type(v).__name__, str(v)] for key, v in found.items()) \
                        if takes else None
                print(json.dumps([text, verdict]))
            """#
        let seed = UInt32.random(in: 0...(.max))
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/env")
        python.arguments = ["python3", "-c", script, "\(seed)"]
        let output = Pipe()
        python.standardOutput = output
        try python.run()
        let lines = try output.fileHandleForReading.readToEnd() ?? Data()
        python.waitUntilExit()
        if python.terminationStatus == 3 {
            print("SKIPPED: python3 has no tomllib")
            return
        }
        #expect(python.terminationStatus == 0)
        var read = 0
        for line in lines.split(separator: 0x0A) {
            let pair = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [Any])
            let text = try #require(pair[0] as? String)
            let wanted = pair[1] as? [[String]]
            let found = (try? TOMLFile(text)).map { file in
                file.entries.map { entry in
                    switch entry.value {
                    case .integer(let number): [entry.key, "int", "\(number)"]
                    case .boolean(let flag): [entry.key, "bool", flag ? "True" : "False"]
                    case .text(let words): [entry.key, "str", words]
                    }
                }.sorted { $0[0].unicodeScalars.lexicographicallyPrecedes($1[0].unicodeScalars) }
            }
            read += found == nil ? 0 : 1
            #expect(found == wanted, "\(text.debugDescription), seed \(seed)")
        }
        #expect(read > 200, "too few texts were right to tell anything")
    }
}
