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

    /// - Parameter environment: All that it gets.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        // Built beside the tests.
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("tokenwell")
        process.arguments = arguments
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
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
