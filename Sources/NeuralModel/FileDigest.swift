// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CCrypto

/// SHA-256 of a file's bytes, as model.json states it.
enum FileDigest {
    static func sha256(_ bytes: [UInt8]) -> String? {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        // Both arrays outlive the call; SHA-256 writes 32 bytes.
        let isDone = unsafe EVP_Digest(
            bytes, bytes.count, &digest, &length, EVP_sha256(), nil)
        guard isDone == 1, length == 32 else { return nil }
        let digits = Array("0123456789abcdef")
        return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
