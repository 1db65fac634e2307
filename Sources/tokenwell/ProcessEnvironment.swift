import FoundationEssentials
import Glibc

/// The environment that the process was started with.
enum ProcessEnvironment {
    /// As it was at the start, whatever has been concealed since.
    static let variables = ProcessInfo.processInfo.environment

    /// Overwrites a variable's value where the kernel shows it, in `/proc/PID/environ`.
    static func conceal(_ name: String) {
        _ = variables
        guard let value = getenv(name) else { return }
        // The block that the kernel made when the program began: it is writable and stays where it is, since nothing here
        // sets or removes variables. No thread reads this value besides, and the NUL at its end is left.
        explicit_bzero(value, strlen(value))
    }
}
