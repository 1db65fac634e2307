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

let package = Package(
    name: "tokenwell",
    dependencies: [
        // Command line: help, completion and errors that people expect.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        // SHA-256 now, sealing next: an API that is hard to misuse, where OpenSSL's EVP would need plumbing of our own.
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        // The ecosystem's logging API; the JSON-lines handler behind it is ours.
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        // epoll, eventfd and accept4, which Swift's Glibc module lacks.
        .systemLibrary(name: "CLinux"),
        // TLS, towards callers and upstreams: cryptography is no place for our own.
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        // libyaml's events carry line and column; Yams would bring in all of ICU (58 MB against 14).
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        .target(
            name: "Telemetry", dependencies: [.product(name: "Logging", package: "swift-log")], swiftSettings: settings),
        .target(name: "Sockets", dependencies: ["CLinux", "COpenSSL"], swiftSettings: settings),
        .target(name: "HTTP", dependencies: ["Sockets"], swiftSettings: settings),
        .target(
            name: "TokenBroker",
            dependencies: [
                "Telemetry", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),
        .target(
            name: "Service",
            dependencies: [
                "CYAML", "HTTP", "Sockets", "Telemetry", "TokenBroker",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            // A link to the file at the top: served as it is described there.
            resources: [.embedInCode("openapi.yaml")], swiftSettings: settings),
        .target(
            name: "VendorSimulator",
            dependencies: ["HTTP", "Sockets", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .executableTarget(
            name: "tokenwell",
            dependencies: [
                "HTTP", "Service", "Sockets", "Telemetry", "TokenBroker", "VendorSimulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),

        .target(
            name: "Support", dependencies: ["CLinux", "Sockets", "TokenBroker"], path: "Tests/Support",
            swiftSettings: settings),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry"], swiftSettings: settings),
        .testTarget(name: "SocketsTests", dependencies: ["Sockets", "Support"], swiftSettings: settings),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Support"], swiftSettings: settings),
        .testTarget(name: "TokenBrokerTests", dependencies: ["TokenBroker", "Support"], swiftSettings: settings),
        .testTarget(
            name: "VendorSimulatorTests",
            dependencies: ["HTTP", "VendorSimulator", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),
        .testTarget(
            name: "ServiceTests", dependencies: ["Service", "VendorSimulator", "HTTP", "Support"],
            swiftSettings: settings),
    ]
)
