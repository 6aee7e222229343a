// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

import PackageDescription

let warnings: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let safe: [SwiftSetting] = warnings + [.strictMemorySafety()]
/// Of what a frame runs through, since tests count its allocations, and loops that are not optimised
/// make some that the daemon's never do; and of what visits each pixel of many pictures, which takes
/// minutes otherwise.
let optimised: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]
let cWarnings: [CSetting] = [
    .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
]

let package = Package(
    name: "frameloom",
    products: [
        .executable(name: "frameloomd", targets: ["frameloomd"]),
        .executable(name: "frameloom", targets: ["frameloom"]),
        .executable(name: "frameloom-gateway", targets: ["frameloom-gateway"]),
        .library(name: "CFrameClient", type: .static, targets: ["CFrameClient"]),
    ],
    dependencies: [
        // Command lines of both programs.
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        // The daemon's log, in the API that other Swift services use.
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        // Latency histograms with a known error at every percentile.
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: [
        // Words that every stage shares.
        .target(name: "FrameTypes", swiftSettings: safe),
        // Formats of files: JSON, safetensors, whole files.
        .target(name: "FileFormats", dependencies: ["CHalves"], swiftSettings: safe),
        // Numbers of 16 bits in files.
        .target(
            name: "CHalves",
            cSettings: cWarnings + [.unsafeFlags(["-O3"], .when(configuration: .debug))]),

        // Service half: socket → protocol → session → scheduler.
        .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
        // Two calls of malloc.h, which Swift's Glibc does not export.
        .target(name: "CMemory", cSettings: cWarnings),
        .target(
            name: "FrameSocket", dependencies: ["FrameTypes", "CUV"], swiftSettings: warnings),
        .target(name: "CFrameProtocol", cSettings: cWarnings),
        .target(
            name: "FrameProtocol", dependencies: ["FrameTypes", "CFrameProtocol"],
            swiftSettings: safe),
        // Engines' planes to those that models read.
        .target(
            name: "CPlaneKernels",
            cSettings: cWarnings + [
                .unsafeFlags(["-O3"], .when(configuration: .debug))
            ]),
        .target(
            name: "FrameConversion", dependencies: ["FrameTypes", "CPlaneKernels"],
            swiftSettings: warnings),
        .target(
            name: "FrameSession", dependencies: ["FrameProtocol", "FrameTypes", "FrameConversion"],
            swiftSettings: safe),
        .target(
            name: "FrameScheduler", dependencies: ["FrameTypes", "CAffinity"],
            swiftSettings: safe),
        // What glibc declares for C with _GNU_SOURCE alone, and what Swift cannot call.
        .target(name: "CAffinity", cSettings: cWarnings),

        // Inference half: denoiser → model → ops → kernels.
        .target(
            name: "NeuralDenoiser",
            dependencies: ["FrameTypes", "FileFormats", "NeuralModel", "NeuralOps"],
            swiftSettings: safe + optimised),
        .target(
            name: "NeuralModel",
            dependencies: ["FrameTypes", "NeuralOps", "FileFormats", "CCrypto"],
            swiftSettings: safe),
        .target(
            name: "NeuralOps", dependencies: ["FrameTypes", "CKernels", "COpenBLAS"],
            swiftSettings: warnings + optimised),
        .target(
            name: "CKernels", dependencies: ["CHalves"],
            cSettings: cWarnings + [
                .headerSearchPath("."),
                // Unoptimised kernels are 80 times slower, too slow even for tests.
                .unsafeFlags(["-O3"], .when(configuration: .debug)),
            ]),
        // OpenBLAS, loaded where kernels of our own are slower: linked, it would have to be installed
        // everywhere, reads its environment before we can clean it and starts threads before `main`.
        .target(name: "COpenBLAS", cSettings: cWarnings),
        // SHA-256 of model files.
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

        // Edges: recorded clips, the control socket, engines.
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        // libpng's longjmp must not cross Swift frames: it ends in this C file.
        .target(
            name: "CPNGFile", dependencies: ["CPNG"], cSettings: cWarnings,
            linkerSettings: [.linkedLibrary("z")]),
        // JPEG planes, by libjpeg-turbo; its longjmp ends in a C file as well.
        .systemLibrary(
            name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg62-turbo-dev"])]),
        .target(name: "CJPEGFile", dependencies: ["CJPEG"], cSettings: cWarnings),
        .target(
            name: "FrameClip",
            dependencies: ["FrameTypes", "FileFormats", "CPNGFile", "CJPEGFile"],
            swiftSettings: safe + optimised),
        // Mistakes in what clients send.
        .target(
            name: "FrameDoctor", dependencies: ["FileFormats", "FrameTypes"],
            swiftSettings: safe + optimised),
        .target(
            name: "FrameControl",
            dependencies: [
                "FrameTypes", "FrameDoctor", "CAffinity",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: safe),
        .target(name: "CFrameClient", dependencies: ["CFrameProtocol"], cSettings: cWarnings),

        // Browsers: WebSockets on one side, the daemon's socket on the other.
        // libwebsockets, not FlyingFox 0.27: it hands messages over in pieces as they come (FlyingFox
        // collects a message of any claimed length first, and unmasks it byte by byte in Swift), can
        // stop reading, has time limits for handshakes, and Debian keeps it secure.
        .systemLibrary(
            name: "CWebSockets", pkgConfig: "libwebsockets",
            providers: [.apt(["libwebsockets-dev"])]),
        // JPEG for browsers on slow connections: libjpeg-turbo, the fastest there is on a CPU.
        .systemLibrary(
            name: "CTurboJPEG", pkgConfig: "libturbojpeg",
            providers: [.apt(["libturbojpeg0-dev"])]),
        .target(
            name: "FrameGateway",
            dependencies: ["FrameTypes", "CFrameProtocol", "CWebSockets", "CTurboJPEG"],
            swiftSettings: warnings),

        // Programs.
        .executableTarget(
            name: "frameloom-gateway",
            dependencies: [
                "FrameGateway", "FrameControl",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: warnings),
        .executableTarget(
            name: "frameloomd",
            dependencies: [
                "FrameTypes", "FrameSocket", "FrameProtocol", "FrameSession", "FrameConversion",
                "FrameScheduler", "FrameControl", "FrameDoctor", "NeuralDenoiser", "CMemory",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: safe),
        .executableTarget(
            name: "frameloom",
            dependencies: [
                "FrameTypes", "FileFormats", "FrameClip", "FrameDoctor", "FrameControl",
                "CFrameClient", "FrameScheduler", "NeuralDenoiser",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ], swiftSettings: safe),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                "FrameTypes", "FrameProtocol", "FileFormats", "NeuralModel", "NeuralOps",
                "CFrameClient",
                "CFrameProtocol",
            ],
            path: "Tests/TestSupport", exclude: ["Goldens"], swiftSettings: warnings),
        // Counts heap allocations: rendering a frame must make none.
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount", cSettings: cWarnings),
        .testTarget(
            name: "FileFormatsTests", dependencies: ["FileFormats", "TestSupport"],
            swiftSettings: warnings),
        .testTarget(
            name: "FrameTypesTests", dependencies: ["FrameTypes"], swiftSettings: warnings),
        .testTarget(
            name: "FrameSocketTests", dependencies: ["FrameSocket", "FrameTypes"],
            swiftSettings: warnings),
        .testTarget(
            name: "FrameProtocolTests",
            dependencies: ["FrameProtocol", "FrameTypes", "CFrameProtocol", "TestSupport"],
            swiftSettings: warnings),
        .testTarget(
            name: "FrameConversionTests",
            dependencies: ["FrameConversion", "FrameTypes", "TestSupport"],
            swiftSettings: warnings + optimised),
        .testTarget(
            name: "FrameSessionTests",
            dependencies: [
                "FrameSession", "FrameProtocol", "FrameTypes", "TestSupport", "CFrameProtocol",
            ],
            swiftSettings: warnings),
        .testTarget(
            name: "FrameSchedulerTests", dependencies: ["FrameScheduler", "FrameTypes"],
            swiftSettings: warnings),
        .testTarget(
            name: "NeuralOpsTests", dependencies: ["NeuralOps", "CKernels", "TestSupport"],
            swiftSettings: warnings),
        .testTarget(
            name: "NeuralModelTests",
            dependencies: ["FrameTypes", "NeuralModel", "NeuralOps", "FileFormats", "TestSupport"],
            swiftSettings: warnings),
        .testTarget(
            name: "NeuralDenoiserTests",
            dependencies: [
                "NeuralDenoiser", "NeuralModel", "NeuralOps", "FileFormats", "CKernels",
                "FrameTypes",
                "TestSupport", "CAllocationCount",
            ], swiftSettings: warnings),
        .testTarget(
            name: "FrameClipTests", dependencies: ["FrameClip", "FrameTypes", "TestSupport"],
            swiftSettings: warnings),
        .testTarget(
            name: "FrameDoctorTests", dependencies: ["FrameDoctor", "FrameClip", "FrameTypes"],
            swiftSettings: warnings + optimised),
        .testTarget(
            name: "FrameControlTests", dependencies: ["FrameControl", "FrameTypes"],
            swiftSettings: warnings),
        .testTarget(
            name: "FrameloomTests",
            dependencies: [
                "frameloom", "FrameClip", "FrameScheduler", "FrameTypes", "NeuralDenoiser",
            ], swiftSettings: warnings),
        .testTarget(
            name: "CFrameClientTests",
            dependencies: [
                "CFrameClient", "CFrameProtocol", "FrameProtocol", "FrameTypes", "TestSupport",
            ],
            swiftSettings: warnings),
        .testTarget(
            name: "frameloomdTests", dependencies: ["frameloomd", "FrameProtocol"],
            swiftSettings: warnings),
        .testTarget(
            name: "FrameGatewayTests", dependencies: ["FrameGateway", "CFrameProtocol"],
            swiftSettings: warnings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "CFrameProtocol", "FrameProtocol", "FrameTypes", "FrameClip", "CFrameClient",
                "FrameControl", "NeuralDenoiser", "NeuralOps", "TestSupport", "frameloomd",
                "frameloom", "frameloom-gateway",
            ],
            swiftSettings: warnings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11
)

// scripts/fuzz: a program that libFuzzer drives, and libraries that count what its inputs reach. The
// variable names clang's runtime; the daemon's configuration is compiled once more, since a program
// cannot be imported.
package.targets.append(.target(name: "CFuzzer", path: "Fuzz/CFuzzer", cSettings: cWarnings))
if let runtime = Context.environment["FRAMELOOM_FUZZER_RUNTIME"] {
    let instrumented: Set = [
        "FrameTypes", "FrameSocket", "FrameProtocol", "FrameSession", "FrameControl",
        "FrameClip", "FileFormats", "NeuralModel",
    ]
    for target in package.targets where instrumented.contains(target.name) {
        target.swiftSettings = (target.swiftSettings ?? []) + [.unsafeFlags(["-sanitize=fuzzer"])]
    }
    for target in package.targets where ["CPNGFile", "CJPEGFile"].contains(target.name) {
        target.cSettings =
            (target.cSettings ?? []) + [
                .unsafeFlags(["-fsanitize=fuzzer-no-link"])
            ]
    }
    package.targets += [
        .target(
            name: "DaemonConfiguration",
            dependencies: [
                "FrameTypes", "FrameSocket", "NeuralDenoiser",
            ],
            path: "Fuzz/DaemonConfiguration",
            swiftSettings: warnings + [.unsafeFlags(["-sanitize=fuzzer"])]),
        .executableTarget(
            name: "frameloom-fuzz",
            dependencies: [
                "CFuzzer", "DaemonConfiguration", "FrameTypes", "FrameSocket",
                "FrameProtocol", "FrameSession", "FrameControl", "FrameClip", "FileFormats",
                "NeuralModel",
            ],
            path: "Fuzz", sources: ["Targets", "Program"],
            swiftSettings: warnings + [.define("FUZZING")],
            linkerSettings: [.unsafeFlags([runtime]), .linkedLibrary("stdc++")]),
    ]
} else {
    // The same targets over the committed inputs, as a test.
    package.targets.append(
        .testTarget(
            name: "FuzzReplayTests",
            dependencies: [
                "CFuzzer", "frameloomd", "FrameTypes", "FrameSocket", "FrameProtocol",
                "FrameSession", "FrameControl", "FrameClip", "FileFormats", "NeuralModel",
            ],
            path: "Fuzz", exclude: ["corpora", "words", "make_seeds.py"],
            sources: ["Targets", "Replay"], swiftSettings: warnings))
}
