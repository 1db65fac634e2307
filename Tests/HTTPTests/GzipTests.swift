import Foundation
import Support
import Testing

@testable import HTTP

/// Against the `gzip` program, which checks length and CRC.
struct GzipTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let bytes: [UInt8]
    }

    @Test(arguments: [
        Case(testDescription: "nothing", bytes: []), Case(testDescription: "a byte", bytes: [0]),
        Case(testDescription: "what repeats", bytes: [UInt8](repeating: 0x61, count: 1 << 20)),
        Case(testDescription: "what cannot be made smaller", bytes: noise(count: 100_000)),
        Case(
            testDescription: "metrics",
            bytes: (0..<100_000).flatMap { Array("tokenwell_test_total{tenant=\"\($0)\"} 1\n".utf8) }),
    ])
    func `is what gzip reads`(_ example: Case) async throws {
        let compressed = try #require(Gzip.compress(example.bytes))
        let (status, output) = try await Self.gunzip(compressed)
        #expect(status == 0)
        #expect(output == example.bytes)
    }

    /// So that the test above could fail.
    @Test(arguments: [-1, -8, 12]) func `gzip finds a changed byte`(_ index: Int) async throws {
        var compressed = try #require(Gzip.compress(Self.noise(count: 1000)))
        compressed[index < 0 ? compressed.count + index : index] ^= 1
        #expect(try await Self.gunzip(compressed).status != 0)
    }

    @Test func `what repeats gets small, and the rest hardly larger`() throws {
        #expect(try #require(Gzip.compress([UInt8](repeating: 0x61, count: 1 << 20))).count < 10_000)
        #expect(try #require(Gzip.compress(Self.noise(count: 100_000))).count < 100_100)
    }

    private static func noise(count: Int) -> [UInt8] {
        var numbers = RandomNumbers(seed: 1)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
    }

    private static func gunzip(_ bytes: [UInt8]) async throws -> (status: Int32, output: [UInt8]) {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (input, output) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
        try Data(bytes).write(to: input)
        try Data().write(to: output)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc"]
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = FileHandle.nullDevice
        let status: Int32 = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return (status, Array(try Data(contentsOf: output)))
    }
}
