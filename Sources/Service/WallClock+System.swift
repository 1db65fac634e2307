import FoundationEssentials
import Telemetry
import TokenBroker

extension WallClock {
    /// This machine's: the boot as the kernel names it, and the uptime. The time of day is what it was when the process
    /// began and what has passed since, so that all that one process writes is of one clock.
    static func system() -> WallClock {
        let boot = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        // By FNV-1a, as it only has to be told from others.
        let number = boot.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let begin = ContinuousClock.now
        let start = begin - Uptime.now
        let timeOfDay = Int64(Timestamp.now.milliseconds)
        return WallClock(
            boot: boot.isEmpty ? 0 : number, timeOfDay: { timeOfDay + Int64((.now - begin) / .milliseconds(1)) },
            uptime: { Int64(($0 - start) / .milliseconds(1)) })
    }
}
