import FoundationEssentials
import Telemetry
import TokenBroker

extension WallClock {
    /// This machine's: the boot as the kernel names it, and the uptime. The time of day is what it was when the process
    /// began and what has passed since, so that all that one process writes is of one clock.
    static func system() -> WallClock {
        let begin = ContinuousClock.now
        let timeOfDay = Int64(Timestamp.now.milliseconds)
        return system(tolerance: .zero) { timeOfDay + Int64((.now - begin) / .milliseconds(1)) }
    }

    /// The same with another time of day.
    ///
    /// - Parameter tolerance: How far another process's may be ahead.
    static func system(tolerance: Duration, timeOfDay: @escaping @Sendable () -> Int64) -> WallClock {
        let boot = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        // By FNV-1a, as it only has to be told from others.
        let number = boot.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let start = ContinuousClock.now - Uptime.now
        return WallClock(
            boot: boot.isEmpty ? 0 : number, tolerance: tolerance, timeOfDay: timeOfDay,
            uptime: { Int64(($0 - start) / .milliseconds(1)) })
    }
}
