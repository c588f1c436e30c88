// swift-tools-version: 6.2
// The layers of Documentation/Architecture.md, one target each; a target names only targets of lower layers,
// so the compiler rejects an arrow that points upwards (deploy/build.sh passes --explicit-target-dependency-import-check error).

import PackageDescription

/// Settings of every Swift target.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),  // SE-0443
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
]

/// Targets that hold no C handle and no pointer; the compiler proves it.
let safe: [SwiftSetting] = strict + [.strictMemorySafety()]  // SE-0458

/// How the executable is linked on Linux: the standard library and Foundation inside it, so that a process maps what it uses of them
/// rather than whole libraries, and relocations packed. A router without a model is 7 MB smaller for it; it needs glibc 2.36 (Debian 12).
let standalone: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs", "-Xlinker",
            "--icf=safe",
            "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCollections", "-l_FoundationCShims", "-lstdc++",
        ], .when(platforms: [.linux]))
]

let package = Package(
    name: "skein",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "skein", targets: ["skein"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Layer 0: C.
        .systemLibrary(
            name: "CZeroMQ", pkgConfig: "libzmq", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            // Its pkg-config file has flags that SwiftPM refuses; the headers are where every compiler looks.
            name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CEnvelope", dependencies: ["CProtobufC"], exclude: ["skein.proto", "regenerate.sh"]),
        .target(name: "CKernels"),
        .target(name: "CPlatform"),

        // Layer 1: values and the wrappers of one C library each.
        .target(name: "SystemReasons", swiftSettings: strict),
        .target(name: "Benchmarking", dependencies: ["SystemReasons"], swiftSettings: strict),
        .target(name: "PortableMath", swiftSettings: safe),
        .target(name: "Evaluation", dependencies: ["PortableMath"], swiftSettings: safe),
        .target(name: "Charts", swiftSettings: safe),
        .target(name: "Digest", dependencies: ["COpenSSL"], swiftSettings: strict),
        .target(name: "Threading", dependencies: ["CPlatform"], swiftSettings: strict),
        .target(name: "Endpoints", dependencies: ["CCurl", "Threading"], swiftSettings: strict),
        .target(name: "Kernels", dependencies: ["CKernels"], swiftSettings: strict),
        .target(name: "LinearAlgebra", dependencies: ["COpenBLAS"], swiftSettings: strict),
        .target(name: "Gating", dependencies: ["PortableMath"], swiftSettings: safe),
        .target(name: "Deciding", dependencies: ["PortableMath"], swiftSettings: safe),
        .target(name: "Weights", dependencies: ["Digest"], swiftSettings: strict),
        .target(name: "Tokenization", dependencies: ["SystemReasons", "Weights"], swiftSettings: safe),
        .target(
            name: "Topology", dependencies: ["SystemReasons", .product(name: "Yams", package: "Yams")],
            swiftSettings: safe),

        // Layer 2: engines.
        .target(
            name: "Inference", dependencies: ["Deciding", "Gating", "Kernels", "Weights", "Digest", "PortableMath"],
            swiftSettings: safe),
        .target(
            name: "ExpertStore",
            dependencies: [
                "Digest", "LinearAlgebra", "SystemReasons", "Weights", .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: safe),
        .target(
            name: "Messaging", dependencies: ["CZeroMQ", "CEnvelope", "Threading"],
            swiftSettings: strict),
        .target(name: "Routing", dependencies: ["Deciding", "PortableMath"], swiftSettings: safe),
        .target(
            name: "Statistics",
            dependencies: [
                "PortableMath",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ], swiftSettings: safe),

        // Layer 3: shells that perform.
        .target(name: "Simulation", dependencies: ["Deciding", "Routing"], swiftSettings: safe),
        .target(
            name: "Observability",
            dependencies: ["Threading", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .target(
            name: "Learning",
            dependencies: [
                "Digest", "Inference", "Kernels", "PortableMath", "SystemReasons", "Tokenization", "Weights",
            ],
            swiftSettings: strict),
        .target(name: "Client", dependencies: ["Messaging", "SystemReasons", "Threading"], swiftSettings: strict),
        .target(
            name: "Launcher",
            dependencies: [
                "SystemReasons", "Topology", "Threading", .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .target(
            name: "ContentTransfer", dependencies: ["ExpertStore", "Messaging", "Threading"], swiftSettings: strict),
        .target(
            name: "WorkerService",
            dependencies: [
                "ContentTransfer", "Deciding", "Digest", "ExpertStore", "Gating", "Inference", "Messaging", "Threading",
                "Tokenization",
                "Topology", "Weights", "Kernels",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .target(
            name: "RouterService",
            dependencies: [
                "ContentTransfer", "Deciding", "Digest", "Endpoints", "ExpertStore", "Messaging", "Routing",
                "Statistics",
                "SystemReasons", "Threading", "Tokenization", "Topology", "Weights",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),

        // Layer 4: the composition root.
        .executableTarget(
            name: "skein",
            dependencies: [
                "Benchmarking", "Charts", "Client", "Deciding", "Digest", "Evaluation", "ExpertStore", "Gating",
                "Inference",
                "Kernels", "Launcher", "Learning", "Messaging", "Observability",
                "PortableMath", "RouterService", "Routing", "Simulation", "Statistics", "SystemReasons", "Threading",
                "Tokenization", "Topology",
                "Weights",
                "WorkerService",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict,
            linkerSettings: standalone),

        // Tests mirror Sources; Cluster runs real processes and sockets.
        .testTarget(name: "SystemReasonsTests", dependencies: ["SystemReasons"], swiftSettings: strict),
        .testTarget(name: "BenchmarkingTests", dependencies: ["Benchmarking"], swiftSettings: strict),
        .testTarget(name: "EndpointsTests", dependencies: ["Endpoints", "Threading"], swiftSettings: strict),
        .testTarget(name: "EvaluationTests", dependencies: ["Evaluation"], swiftSettings: strict),
        .testTarget(name: "ChartsTests", dependencies: ["Charts"], swiftSettings: strict),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "CKernels"], exclude: ["Goldens"], swiftSettings: strict),
        .testTarget(
            name: "LinearAlgebraTests", dependencies: ["LinearAlgebra"], exclude: ["Goldens"], swiftSettings: strict),
        .testTarget(name: "PortableMathTests", dependencies: ["PortableMath"], swiftSettings: strict),
        .testTarget(
            name: "GatingTests", dependencies: ["Gating"], exclude: ["Goldens"], swiftSettings: strict),
        .testTarget(name: "DecidingTests", dependencies: ["Deciding", "PortableMath"], swiftSettings: strict),
        .testTarget(
            name: "WeightsTests", dependencies: ["Weights", "Digest"], exclude: ["Goldens"], swiftSettings: strict),
        .testTarget(
            name: "TokenizationTests", dependencies: ["Tokenization", "Weights"], exclude: ["Goldens"],
            swiftSettings: strict),
        .testTarget(
            name: "InferenceTests", dependencies: ["Inference", "Gating", "Kernels", "Weights", "Digest"],
            exclude: ["Goldens"],
            swiftSettings: strict),
        .testTarget(
            name: "LearningTests", dependencies: ["Digest", "Learning", "Tokenization", "Weights"],
            exclude: ["Goldens"],
            swiftSettings: strict),
        .testTarget(
            name: "ExpertStoreTests", dependencies: ["ExpertStore", "Weights", "Digest"], swiftSettings: strict),
        .testTarget(
            name: "MessagingTests", dependencies: ["Messaging", "Client", "Digest", "Threading", "CZeroMQ"],
            exclude: ["Goldens"], swiftSettings: strict),
        .testTarget(name: "RoutingTests", dependencies: ["Routing", "Deciding"], swiftSettings: strict),
        .testTarget(name: "SimulationTests", dependencies: ["Simulation", "Routing"], swiftSettings: strict),
        .testTarget(name: "TopologyTests", dependencies: ["Topology"], swiftSettings: strict),
        .testTarget(name: "StatisticsTests", dependencies: ["Statistics"], swiftSettings: strict),
        .testTarget(
            name: "LauncherTests",
            dependencies: [
                "Launcher", "Observability", "Topology", .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .testTarget(
            name: "WorkerServiceTests", dependencies: ["WorkerService", "Messaging"], swiftSettings: strict),
        .testTarget(
            name: "RouterServiceTests", dependencies: ["RouterService", "Messaging", "Routing", "Topology"],
            swiftSettings: strict),
        .testTarget(name: "TidyTests", dependencies: [], swiftSettings: strict),
        .testTarget(
            name: "ClusterTests",
            dependencies: ["Client", "Messaging", "Digest", "ExpertStore", "Threading", "Topology", "Weights"],
            swiftSettings: strict),
    ]
)
