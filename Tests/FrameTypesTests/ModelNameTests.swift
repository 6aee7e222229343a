// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import FrameTypes
import Testing

@Suite struct ModelNameTests {
    @Test(arguments: ["a", "atrium", "atrium-2_b.1", "9", "-", String(repeating: "x", count: 63)])
    func namesOfFoldersAreAccepted(name: String) {
        #expect(ModelName.isValid(name))
    }

    @Test(arguments: [
        "", ".", "..", ".hidden", "a/b", "../atrium", "Atrium", "a b", "\u{e9}", "a\u{0}b", "a\n",
        String(repeating: "x", count: 64),
    ])
    func pathsAndHiddenFoldersAreRefused(name: String) {
        #expect(!ModelName.isValid(name))
    }
}
