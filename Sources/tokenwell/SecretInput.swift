import Glibc
import TokenBroker

/// Reads a secret from whoever started the program: typed unseen at a terminal, or all of standard input.
enum SecretInput {
    /// One line of UTF-8, without the line break at its end.
    static func read(maximumCount: Int) throws(Terminal.Failure) -> Secret {
        let isTyped = isatty(STDIN_FILENO) == 1
        // With room for a line break of two characters, and for one that tells that it is too long.
        let limit = maximumCount + 3
        var bytes = isTyped ? try unseen { readInput(limit, untilLineBreak: true) } : readInput(limit)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard !bytes.isEmpty else { throw Terminal.Failure(error: "no secret was given") }
        guard bytes.count <= maximumCount else {
            throw Terminal.Failure(error: "a secret of more than \(maximumCount) bytes")
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), let text = String(validating: bytes, as: UTF8.self) else {
            throw Terminal.Failure(error: "the secret is not one line of UTF-8 text")
        }
        return Secret(text)
    }

    private static func readInput(_ limit: Int, untilLineBreak isLine: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: limit)
        while bytes.count < limit, !(isLine && bytes.last == UInt8(ascii: "\n")) {
            let count = Glibc.read(STDIN_FILENO, &buffer, limit - bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[..<count]
        }
        return bytes
    }

    // MARK: - Unseen

    // Written before the handlers that read it are in place, and never while they are. On the heap, as Swift 6.3 gives a
    // global variable of this type 57 of its 60 bytes.
    private nonisolated(unsafe) static let seen = UnsafeMutablePointer<termios>.allocate(capacity: 1)
    private static let ends = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// Runs `body` while the terminal does not show what is typed; whatever ends the program restores it.
    private static func unseen<Result>(_ body: () -> Result) throws(Terminal.Failure) -> Result {
        guard tcgetattr(STDIN_FILENO, seen) == 0 else { throw Terminal.Failure(error: "can't use the terminal") }
        var hidden = seen.pointee
        hidden.c_lflag &= ~tcflag_t(ECHO | ECHOE | ECHOK)
        // The line break that ends it is shown.
        hidden.c_lflag |= tcflag_t(ECHONL)
        for number in ends { signal(number, restoreAndEnd) }
        unblock(ends)
        // A stopped program would leave the terminal to the shell as it is.
        signal(SIGTSTP, SIG_IGN)
        defer {
            show()
            for number in ends + [SIGTSTP] { signal(number, SIG_DFL) }
        }
        guard tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == 0 else {
            throw Terminal.Failure(error: "can't keep the terminal from showing what is typed")
        }
        Terminal.note("type the secret, which is not shown, and end it with Enter")
        return body()
    }

    /// Who started the program may have left them blocked.
    private static func unblock(_ numbers: [Int32]) {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    // All of it may be called in a signal handler (signal-safety(7)).
    private static let restoreAndEnd: @convention(c) (Int32) -> Void = { number in
        show()
        signal(number, SIG_DFL)
        raise(number)
    }

    private static func show() { tcsetattr(STDIN_FILENO, TCSANOW, seen) }
}
