// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import TestSupport
import Testing

@testable import FileFormats

@Suite struct SafetensorsTests {
    private func file(_ header: String, data: Int) -> [UInt8] {
        let bytes = Array(header.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> ($0 * 8)) }
        return length + bytes + (0..<data).map { UInt8($0 & 255) }
    }

    private func refusal(_ file: [UInt8]) -> Safetensors.FormatError? {
        do throws(Safetensors.FormatError) {
            _ = try Safetensors(file)
            return nil
        } catch {
            return error
        }
    }

    private let two = """
        {"__metadata__":{"by":"test"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},        "b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}
        """

    @Test func readsWhatIsThere() throws {
        let file = try Safetensors(file(two, data: 11))
        #expect(file.tensors.map(\.name) == ["a", "b"])
        let a = try #require(file.tensor(named: "a"))
        #expect(a.shape == [2, 1])
        #expect(file.floats(a)?.map(\.bitPattern) == [0x0302_0100, 0x0706_0504])
        #expect(file.bytes(try #require(file.tensor(named: "b"))) == [8, 9, 10])
        #expect(file.floats(try #require(file.tensor(named: "b"))) == nil)
    }

    /// Below the normal halves not by Float16 itself: it has no such numbers on a thread that was
    /// prepared for rendering, as this one may have been by another test.
    private func halfBits(_ value: Float) -> UInt16 {
        guard abs(value) < 0x1p-14 else { return Float16(value).bitPattern }
        let steps = UInt16(abs(Double(value) * 0x1p24).rounded(.toNearestOrEven))
        return steps | (value.sign == .minus ? 0x8000 : 0)
    }

    /// What Float16 itself makes of numbers: halves between two, the smallest, too large ones.
    @Test func keepsNumbersAsHalvesInEitherWidth() throws {
        var random = SeededGenerator()
        var values = random.floats(500, in: -2...2) + random.floats(500, in: -1e-4...1e-4)
        values += [0, -0, 1 + 0x1p-11, 1 + 3 * 0x1p-11, 0x1p-24, 0x1p-25, 3 * 0x1p-25, -0x1p-14]
        values += [65504, 65519, 65520, -1e9, .infinity, 0x1p-100, 0x1p-14 - 0x1p-26, 2047.75]
        let halves = values.map(halfBits)
        let whole =
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[\(values.count)],\"data_offsets\":[0,\(values.count * 4)]}}"
        let half =
            "{\"a\":{\"dtype\":\"F16\",\"shape\":[\(values.count)],\"data_offsets\":[0,\(values.count * 2)]}}"
        let expected = stride(from: 0, to: halves.count, by: 2).map {
            UInt32(halves[$0]) | UInt32(halves[$0 + 1]) << 16
        }
        for (header, data) in [
            (whole, values.withUnsafeBytes(Array.init)), (half, halves.withUnsafeBytes(Array.init)),
        ] {
            let file = try Safetensors(self.file(header, data: 0) + data)
            let tensor = try #require(file.tensor(named: "a"))
            #expect(file.halfPairs(tensor) == expected, "seed \(random.seed)")
        }
        let bytes = try Safetensors(file(two, data: 11))
        #expect(bytes.halfPairs(try #require(bytes.tensor(named: "b"))) == nil)
    }

    @Test func refusesEveryTruncation() {
        let whole = file(two, data: 11)
        for count in 0..<whole.count {
            #expect(refusal(Array(whole[..<count])) != nil, "\(count) bytes")
        }
        #expect(refusal(whole) == nil)
        #expect(refusal(whole + [0]) != nil)
    }

    @Test func refusesHeaderLongerThanTheFile() {
        #expect(refusal([255, 255, 255, 255, 255, 255, 255, 255, 1])?.found == "\(UInt64.max)")
        #expect(refusal([2, 0, 0, 0, 0, 0, 0, 0, 0x7B])?.found == "2")
    }

    @Test(arguments: [
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,12]}}"#, "8 bytes", "12"),
        (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "within 0 and 12", "[0, 16]"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "within", "[8, 0]"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#, "within", "[-4, 0]"),
        (
            #"{"a":{"dtype":"BF16","shape":[6],"data_offsets":[0,12]}}"#, "dtype F16 or F32", "BF16"
        ),
        (#"{"a":{"shape":[3],"data_offsets":[0,12]}}"#, "a dtype", "none"),
        (#"{"a":{"dtype":"F32","shape":[-3],"data_offsets":[0,12]}}"#, "counts", "-3"),
        (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,12]}}"#, "counts", "1.5"),
        (#"{"a":{"dtype":"F32","shape":3,"data_offsets":[0,12]}}"#, "a shape", "3"),
        (#"{"a":{"dtype":"F32","shape":[3]}}"#, "data_offsets", "none"),
        (
            #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,99999999999999999999]}}"#,
            "two data_offsets", "an array"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,12]}}"#,
            "fits into memory", "4294967296"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#,
            "once", "twice"
        ),
        (#"{"a":3}"#, "a dtype", "none"),
    ])
    func namesTheTensorAndWhatIsWrong(header: String, expected: String, found: String) throws {
        let error = try #require(refusal(file(header, data: 12)))
        #expect(error.tensor == "a")
        #expect(error.expected.contains(expected), "\(error)")
        #expect(error.found.contains(found), "\(error)")
    }

    @Test func refusesOverlapsAndHoles() throws {
        func header(_ start: Int, _ end: Int) -> String {
            """
            {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},            "b":{"dtype":"F32","shape":[\((end - start) / 4)],"data_offsets":[\(start),\(end)]}}
            """
        }
        #expect(refusal(file(header(8, 12), data: 12)) == nil)
        let overlap = try #require(refusal(file(header(4, 12), data: 12)))
        #expect(overlap.tensor == "b" && overlap.found.contains("overlap"))
        let hole = try #require(refusal(file(header(12, 16), data: 16)))
        #expect(hole.tensor == "b" && hole.found.contains("hole"))
        let tail = try #require(refusal(file(header(8, 12), data: 16)))
        #expect(tail.expected.contains("end with its last tensor"))
    }

    @Test(arguments: ["", "[]", "nonsense", "{\"a\":", "{\"a\":{}", "{} {}", "{\"a\" 1}", "\u{0}"])
    func refusesHeadersThatAreNoObject(header: String) {
        #expect(refusal(file(header, data: 0)) != nil)
    }

    @Test func anyDamageIsAnErrorOrHarmless() {
        var random = SeededGenerator()
        let whole = file(two, data: 11)
        for _ in 0..<3000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            guard let file = try? Safetensors(damaged) else { continue }
            for tensor in file.tensors {
                #expect(tensor.bytes.upperBound <= damaged.count, "seed \(random.seed)")
                _ = file.floats(tensor)
            }
        }
    }
}
