import Glibc

/// A run of the `openssl` program, OpenSSL's own TLS peer and maker of certificates; killed when it is let go.
package final class OpenSSLCommand {
    /// What went wrong with a run, with all that it printed.
    package struct Failure: Error { package let arguments: [String], output: String }

    private let arguments: [String]
    private let output: Int32
    private var process: pid_t?
    private var printed: [UInt8] = []

    /// Starts `openssl` without input.
    package init(_ arguments: [String]) throws {
        // Not a pipe: Glibc's module has none that other runs don't inherit.
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Failure(arguments: arguments, output: "no socket pair")
        }
        self.arguments = arguments
        output = ends[0]
        process = Self.spawn(["openssl"] + arguments, output: ends[1])
        close(ends[1])
        guard process != nil else { throw Failure(arguments: arguments, output: "openssl cannot be started") }
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
        let command = try OpenSSLCommand(arguments)
        let end = command.finish()
        guard end.status == 0 else { throw Failure(arguments: arguments, output: end.output) }
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

    /// Waits for the end of the program.
    package func finish() -> (status: Int32, output: String) {
        while readMore() {}
        var status: Int32 = -1
        if let process { waitpid(process, &status, 0) }
        process = nil
        return (status, text)
    }

    private var text: String { String(decoding: printed, as: UTF8.self) }

    private func readMore() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = read(output, &chunk, chunk.count)
        printed += chunk.prefix(max(count, 0))
        return count > 0
    }

    private static func spawn(_ words: [String], output: Int32) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        let argv = words.map { strdup($0) } + [nil]
        defer { argv.forEach { free($0) } }
        var process: pid_t = 0
        return posix_spawnp(&process, "openssl", &actions, nil, argv, environ) == 0 ? process : nil
    }
}
