import ArgumentParser
import Glibc

/// All that the program says to people, and its exit codes.
///
/// The voice: `tokenwell: error: what is wrong`, then `tokenwell: hint: what to do`, in lower case and without a full stop.
/// What a script would read goes to standard output, everything else to standard error.
/// Commands throw; only `Terminal` prints errors and ends the program.
enum Terminal {
    /// A failure as a command reports it.
    struct Failure: Error {
        /// Lines printed as they are, before the error.
        var details: [String] = []
        var error: String
        var hint: String?
        var exitCode = Terminal.failed
    }

    /// The command could not do what it was asked.
    static let failed: Int32 = 1

    /// Prints what the command was asked for.
    static func print(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// Prints something beside it.
    static func note(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    /// Shows how far something is, in the place of what this showed before; an empty text takes that away. Only people at a
    /// terminal see it.
    static func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        // ECMA-48: to the first column, and erase to the end of the line.
        write("\r\(text)\u{1B}[K", to: STDERR_FILENO)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            // Whoever closed the other end does not want the rest.
            guard count > 0 else { return }
            bytes.removeFirst(count)
        }
    }

    /// Ends the program with what a command, or the parsing of its arguments, threw.
    static func exit(with error: any Error) -> Never {
        if let failure = error as? Failure {
            failure.details.forEach(note)
            report(failure.error, hint: failure.hint)
            Glibc.exit(failure.exitCode)
        }
        let code = Tokenwell.exitCode(for: error)
        // Help and completion scripts arrive as errors too, and are printed by their maker.
        if code.isSuccess { Tokenwell.exit(withError: error) }
        report(decapitalized(Tokenwell.message(for: error)), hint: "tokenwell help shows the commands")
        Glibc.exit(code.rawValue)
    }

    private static func report(_ error: String, hint: String?) {
        note("tokenwell: error: \(error)")
        if let hint { note("tokenwell: hint: \(hint)") }
    }

    private static func decapitalized(_ text: String) -> String {
        let sentence = text.hasSuffix(".") ? text.dropLast() : text[...]
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
