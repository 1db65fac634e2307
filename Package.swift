// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The fuzz targets: a program for `scripts/fuzz`, and tests for everyone else, as what they reach into cannot be seen in
/// a plain release build.
let fuzz: Target =
    if Context.environment["TOKENWELL_FUZZ"] != nil {
        .executableTarget(
            name: "fuzz", dependencies: ["HTTP", "Redis", "Service", "Support", "TokenBroker"], path: "Tests/Fuzz",
            exclude: ["Corpus", "CorpusTests.swift", "Dictionaries"], swiftSettings: settings)
    } else {
        .testTarget(
            name: "FuzzTests", dependencies: ["HTTP", "Redis", "Service", "Support", "TokenBroker"], path: "Tests/Fuzz",
            exclude: ["Corpus", "Dictionaries", "Driver"], swiftSettings: settings)
    }

let package = Package(
    name: "tokenwell",
    dependencies: [
        // Command line: help, completion and errors that people expect.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // SHA-256, HKDF, AES-GCM: an API that is hard to misuse, where OpenSSL's EVP would need plumbing of our own.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // The ecosystem's logging API; the JSON-lines handler behind it is ours.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        // Callers' JWTs: key sets and signatures are no place for our own.
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // epoll, eventfd and accept4, which Swift's Glibc module lacks.
        .systemLibrary(name: "CLinux"),
        // TLS, towards callers and upstreams: cryptography is no place for our own.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        // gzip: what every client's decoder was tested with, and small.
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // libyaml's events carry line and column; Yams would bring in all of ICU (58 MB against 14).
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        // The embedded store. GRDB would bring in all of ICU (61 MB), and a format of our own would have to earn crash safety.
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

        .target(name: "Encodings", swiftSettings: settings),
        .target(
            name: "Sealing", dependencies: ["Encodings", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .target(
            name: "Signatures", dependencies: [.product(name: "JWTKit", package: "jwt-kit")], swiftSettings: settings),
        .target(
            name: "Telemetry", dependencies: [.product(name: "Logging", package: "swift-log")], swiftSettings: settings),
        .target(name: "Sockets", dependencies: ["CLinux", "COpenSSL"], swiftSettings: settings),
        .target(name: "HTTP", dependencies: ["CZlib", "Sockets"], swiftSettings: settings),
        // Redis and Valkey: hiredis 0.14 (Debian 12) has no TLS, and RediStack and valkey-swift are built on NIO.
        .target(name: "Redis", dependencies: ["Sockets"], swiftSettings: settings),
        .target(
            name: "TokenBroker",
            dependencies: [
                "Telemetry", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),
        .target(
            name: "Stores",
            dependencies: [
                "CSQLite", "Redis", "Sealing", "Telemetry", "TokenBroker",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),
        .target(
            name: "Service",
            dependencies: [
                "CLinux", "CYAML", "Encodings", "HTTP", "Redis", "Sealing", "Signatures", "Sockets", "Stores",
                "Telemetry", "TokenBroker",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [
                // A link to the file at the top: served as it is described there.
                .embedInCode("openapi.yaml"), .embedInCode("Status/status.html"), .embedInCode("Status/status.css"),
                .embedInCode("Status/status.js"),
            ], swiftSettings: settings),
        .target(
            name: "VendorSimulator",
            dependencies: ["Encodings", "HTTP", "Sockets", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .executableTarget(
            name: "tokenwell",
            dependencies: [
                "CLinux", "HTTP", "Sealing", "Service", "Sockets", "Stores", "Telemetry", "TokenBroker",
                "VendorSimulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),

        .target(
            name: "Support", dependencies: ["CLinux", "Sockets", "TokenBroker"], path: "Tests/Support",
            swiftSettings: settings),
        .testTarget(name: "EncodingsTests", dependencies: ["Encodings"], swiftSettings: settings),
        .testTarget(name: "SealingTests", dependencies: ["Sealing"], swiftSettings: settings),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"], swiftSettings: settings),
        .testTarget(name: "SocketsTests", dependencies: ["Sockets", "Support"], swiftSettings: settings),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Support"], swiftSettings: settings),
        .testTarget(name: "RedisTests", dependencies: ["Redis", "Support"], swiftSettings: settings),
        .testTarget(name: "TokenBrokerTests", dependencies: ["TokenBroker", "Support"], swiftSettings: settings),
        .testTarget(name: "StoresTests", dependencies: ["Redis", "Stores", "Support"], swiftSettings: settings),
        .testTarget(
            name: "VendorSimulatorTests",
            dependencies: ["HTTP", "VendorSimulator", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "Service", "Redis", "Sealing", "Signatures", "Stores", "VendorSimulator", "HTTP", "Support",
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ], swiftSettings: settings),
        fuzz,
    ]
)
