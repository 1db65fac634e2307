import CLinux
import Glibc

/// Keeps what is in the process's memory from other processes and from disks.
enum ProcessSecrecy {
    /// No core dumps, and no ptrace or `/proc/PID/mem` and `environ` for other processes of the same user.
    ///
    /// A new program begins without it: it is the first thing that every command does.
    static func begin() throws(Terminal.Failure) {
        // Both: a core pattern with a pipe ignores the limit.
        var limit = rlimit(rlim_cur: 0, rlim_max: 0)
        guard tokenwell_set_undumpable() == 0, setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 else {
            throw Terminal.Failure(error: "core dumps can't be turned off")
        }
    }
}
