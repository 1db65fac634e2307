import Foundation

/// A terminal whose user is the test.
final class PseudoTerminal {
    private let user: Int32
    /// What a program at the terminal reads from.
    let input: FileHandle

    struct Unavailable: Error { let code = errno }

    init() throws {
        user = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)), for unlockpt and ptsname, which Swift's Glibc module lacks.
        var (lock, number): (Int32, UInt32) = (0, 0)
        guard user >= 0, ioctl(user, 0x4004_5431, &lock) == 0, ioctl(user, 0x8004_5430, &number) == 0 else {
            throw Unavailable()
        }
        let program = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard program >= 0 else { throw Unavailable() }
        input = FileHandle(fileDescriptor: program, closeOnDealloc: true)
    }

    deinit { close(user) }

    /// Whether it shows what is typed.
    var shows: Bool {
        var mode = termios()
        return tcgetattr(input.fileDescriptor, &mode) == 0 && mode.c_lflag & tcflag_t(ECHO) != 0
    }

    func type(_ text: String) { _ = text.withCString { write(user, $0, strlen($0)) } }

    /// What it has shown so far.
    func screen() -> String {
        var bytes = [UInt8](repeating: 0, count: 4096)
        _ = fcntl(user, F_SETFL, O_NONBLOCK)
        let count = read(user, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
