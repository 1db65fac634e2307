import Glibc

/// A run of the `openssl` program, OpenSSL's own TLS peer and maker of certificates, of `curl`, a client that speaks TLS by
/// it, or of `redis-server`; killed when it is let go.
package final class PeerProgram {
    /// What went wrong with a run, with all that it printed.
    package struct Failure: Error { package let arguments: [String], output: String }

    private let arguments: [String]
    private let output: Int32
    private var process: pid_t?
    private var printed: [UInt8] = []

    /// Starts the program without input.
    package init(_ arguments: [String], program: String = "openssl") throws {
        // Not a pipe: Glibc's module has none that other runs don't inherit.
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Failure(arguments: arguments, output: "no socket pair")
        }
        self.arguments = arguments
        output = ends[0]
        process = Self.spawn(program, arguments, output: ends[1])
        close(ends[1])
        guard process != nil else { throw Failure(arguments: arguments, output: "\(program) cannot be started") }
    }

    deinit {
        if let process {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
        close(output)
    }

    /// Runs to the end, and throws what was printed unless it succeeded.
    package static func run(_ arguments: [String]) throws {
        let command = try PeerProgram(arguments)
        let end = command.finish()
        guard end.status == 0 else { throw Failure(arguments: arguments, output: end.output) }
    }

    /// Runs `curl` to its end; what it printed has the course of the connection before the answer.
    package static func curl(_ arguments: [String]) throws -> (status: Int32, output: String) {
        try PeerProgram(["--verbose", "--silent", "--max-time", "60"] + arguments, program: "curl").finish()
    }

    /// Waits for a line with this beginning; returns the rest of the line.
    package func line(after beginning: String) throws -> String {
        while true {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            if let line = lines.first(where: { $0.hasPrefix(beginning) }) {
                return String(line.dropFirst(beginning.count))
            }
            guard readMore() else { throw Failure(arguments: arguments, output: text) }
        }
    }

    /// Waits for a line with such words in it.
    package func waitForLine(with words: String) throws {
        while !text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().contains(where: {
            $0.contains(words)
        }) {
            guard readMore() else { throw Failure(arguments: arguments, output: text) }
        }
    }

    /// Sends it a signal.
    package func send(_ signal: Int32) { if let process { kill(process, signal) } }

    /// Waits for the end of the program; -1 when a signal ended it.
    package func finish() -> (status: Int32, output: String) {
        while readMore() {}
        var status: Int32 = -1
        if let process { waitpid(process, &status, 0) }
        process = nil
        return (status & 0x7F == 0 ? status >> 8 : -1, text)
    }

    private var text: String { String(decoding: printed, as: UTF8.self) }

    private func readMore() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = read(output, &chunk, chunk.count)
        printed += chunk.prefix(max(count, 0))
        return count > 0
    }

    private static func spawn(_ program: String, _ arguments: [String], output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        let argv = ([program] + arguments).map { strdup($0) } + [nil]
        defer { argv.forEach { free($0) } }
        var process: pid_t = 0
        return posix_spawnp(&process, program, &actions, nil, argv, environ) == 0 ? process : nil
    }
}
