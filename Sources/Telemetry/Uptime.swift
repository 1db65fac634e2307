import Glibc

/// How long the machine has been up.
package enum Uptime {
    /// By a clock that runs through suspend and that nobody can set.
    package static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
