// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import CKernels
import COpenBLAS

/// The BLAS of the kernel path `openblas`, loaded when something first asks for that path.
///
/// `@unchecked Sendable`: two functions of a library that is never unloaded; several threads may call
/// them at once.
struct OpenBLAS: @unchecked Sendable {
    /// How the sums of a matrix product come about: "openblas0.3.21+haswell".
    let name: String
    private let library: ob_library
    /// Why it cannot be used; nil if it can.
    let error: String?

    static let shared = OpenBLAS()

    private init() {
        var library = ob_library()
        ob_load(&library)
        name = "openblas\(Self.text(of: library.version))+\(Self.text(of: library.core))"
        error = library.sgemm == nil ? Self.text(of: library.error) : nil
        self.library = library
    }

    /// cblas_sgemm.
    var sgemm: k_sgemm? { library.sgemm }

    /// A C array that ends with a zero.
    private static func text<Characters>(of array: Characters) -> String {
        withUnsafeBytes(of: array) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
