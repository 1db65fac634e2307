import Glibc

/// How long the processors have worked for this process.
package enum ProcessorTime {
    /// By all of its threads, for themselves and in the kernel.
    package static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
