// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CFrameClient
import Foundation
import Testing

@Suite struct HeaderTests {
    @Test func everyCodeHasATextOfItsOwn() {
        let codes = (FC_ERROR_LAST...0).map { $0 }
        let texts = Set(codes.map { String(cString: fc_strerror($0)) })
        #expect(texts.count == codes.count)
        #expect(!texts.contains(String(cString: fc_strerror(FC_ERROR_LAST - 1))))
        #expect(String(cString: fc_strerror(1)) == "unknown error code")
    }

    @Test func nothingIsNeededToAskForTheLastError() {
        #expect(fc_last_error(nil).pointee.code == 0)
        fc_close(nil)
    }

    @Test func callsWithoutAClientAreRefused() {
        var open = fl_open()
        #expect(fc_open(nil, &open, nil, 0) == FC_ERROR_ARGUMENT)
        #expect(fc_wait(nil, nil, nil, 0, 0) == FC_ERROR_ARGUMENT)
        #expect(fc_poll(nil) == FC_ERROR_ARGUMENT)
        #expect(fc_resume(nil, nil, 0) == FC_ERROR_ARGUMENT)
        #expect(fc_fd(nil) == -1)
    }

    /// Engines include the header from C++, with warnings of their own.
    @Test(.timeLimit(.minutes(1))) func compilesAsCAndCxx() throws {
        let sources = URL(filePath: #filePath)
            .deletingLastPathComponent().appending(path: "../../Sources").standardized
        for (language, standard) in [("c", "c11"), ("c++", "c++17")] {
            let compiler = Process()
            compiler.executableURL = URL(filePath: "/usr/bin/env")
            compiler.arguments =
                ["clang", "-x", language, "-std=\(standard)"]
                + ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
                + ["-I", sources.appending(path: "CFrameProtocol/include").path]
                + [sources.appending(path: "CFrameClient/include/frame_client.h").path]
            try compiler.run()
            compiler.waitUntilExit()
            #expect(compiler.terminationStatus == 0, "as \(language)")
        }
    }
}
