// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CCrypto
import FileFormats
import NeuralOps

/// SHA-256 of a file's bytes, as model.json states it.
package enum FileDigest {
    package static func sha256(_ bytes: [UInt8]) -> String? {
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        // Both arrays outlive the call; SHA-256 writes 32 bytes.
        let isDone = unsafe EVP_Digest(
            bytes, bytes.count, &digest, &length, EVP_sha256(), nil)
        guard isDone == 1, length == 32 else { return nil }
        return hexadecimal(digest)
    }

    /// Of a file that is read piece by piece.
    static func sha256(path: String) throws(FileBytes.ReadError) -> String? {
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        defer { unsafe EVP_MD_CTX_free(context) }
        // The context lives until the end; each update reads one piece's bytes.
        guard unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else { return nil }
        var isDone = true
        try FileBytes.forEachPiece(of: path) { piece in
            isDone = unsafe EVP_DigestUpdate(context, piece, piece.count) == 1 && isDone
        }
        var digest = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        guard isDone, unsafe EVP_DigestFinal_ex(context, &digest, &length) == 1, length == 32 else {
            return nil
        }
        return hexadecimal(digest)
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
