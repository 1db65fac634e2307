import Foundation
import Testing

/// A run of the program under test, as its users start it.
final class Program {
    struct End {
        let status: Int32
        let output: String
        let errors: String
    }

    private let process = Process()
    private let statuses: AsyncStream<Int32>
    private let outputLines: AsyncStream<String>
    private let errorLines: AsyncStream<String>
    private var errors = ""

    var id: Int32 { process.processIdentifier }

    /// What the process list shows of it.
    var commandLine: String {
        let words = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
        return String(decoding: words.map { $0 == 0 ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }

    /// What a sanitizer has to know: what it leaves alone, and by PATH the symbolizer that gives it the names for that.
    ///
    /// A command ends while its connections' tasks are asleep, which the address sanitizer would take for leaks.
    private static let sanitizers = ProcessInfo.processInfo.environment
        .filter { ["PATH", "TSAN_OPTIONS"].contains($0.key) }
        .merging(["ASAN_OPTIONS": "detect_leaks=0"]) { _, own in own }

    /// - Parameters:
    ///   - environment: All that it gets, but for what sanitizers read.
    ///   - input: Its standard input.
    ///   - launcher: A program with arguments of its own, in whose place it runs.
    init(
        _ arguments: [String], environment: [String: String] = [:], input: FileHandle = .nullDevice,
        launcher: [String] = []
    ) throws {
        // Built beside the tests.
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let program = tests.deletingLastPathComponent().appendingPathComponent("tokenwell").path
        let words = launcher + [program] + arguments
        process.executableURL = URL(fileURLWithPath: words[0])
        process.arguments = Array(words.dropFirst())
        process.environment = environment.merging(Self.sanitizers) { given, _ in given }
        process.standardInput = input
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        let (statuses, ended) = AsyncStream<Int32>.makeStream()
        self.statuses = statuses
        process.terminationHandler = { ended.yield($0.terminationStatus) }
        outputLines = Self.lines(of: output.fileHandleForReading)
        errorLines = Self.lines(of: errors.fileHandleForReading)
        try process.run()
    }

    deinit { if process.isRunning { kill(id, SIGKILL) } }

    /// Runs it to its end.
    static func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> End {
        try await Program(arguments, environment: environment).finish()
    }

    /// Runs it to its end, with that on standard input.
    static func run(_ arguments: String..., input: String, environment: [String: String] = [:]) async throws -> End {
        let pipe = Pipe()
        // Less than a pipe takes at once.
        try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
        try pipe.fileHandleForWriting.close()
        return try await Program(arguments, environment: environment, input: pipe.fileHandleForReading).finish()
    }

    /// Waits for a line on standard error.
    func error(containing text: String) async throws -> String {
        for await line in errorLines {
            errors += line + "\n"
            if line.contains(text) { return line }
        }
        throw Ended(errors: errors)
    }

    /// Asks it to end.
    func terminate() { process.terminate() }

    func finish() async -> End {
        var output = ""
        for await line in outputLines { output += line + "\n" }
        for await line in errorLines { errors += line + "\n" }
        var status: Int32 = -1
        for await ended in statuses {
            status = ended
            break
        }
        return End(status: status, output: output, errors: errors)
    }

    /// It ended without the line that was waited for.
    private struct Ended: Error { let errors: String }

    /// The lines as they come, read on a thread that may block.
    private static func lines(of handle: FileHandle) -> AsyncStream<String> {
        AsyncStream { lines in
            DispatchQueue(label: "program").async {
                var rest = Data()
                while true {
                    let data = handle.availableData
                    guard !data.isEmpty else { break }
                    rest.append(data)
                    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                        lines.yield(String(decoding: rest[..<end], as: UTF8.self))
                        rest.removeSubrange(...end)
                    }
                }
                if !rest.isEmpty { lines.yield(String(decoding: rest, as: UTF8.self)) }
                lines.finish()
            }
        }
    }
}
