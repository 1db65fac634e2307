import Glibc

/// A moment of the wall clock, for people: it prints as RFC 3339 in UTC with milliseconds, `2026-11-02T09:15:30.250Z`.
package struct Timestamp: Hashable, Sendable, CustomStringConvertible {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    package let milliseconds: Int

    /// - Parameter milliseconds: Since 1970-01-01T00:00:00Z.
    package init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// What the wall clock says.
    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    package var description: String {
        // Rounded down also before 1970.
        let fraction = ((milliseconds % 1000) + 1000) % 1000
        var seconds = time_t((milliseconds - fraction) / 1000)
        var date = tm()
        gmtime_r(&seconds, &date)
        let day =
            "\(Self.padded(date.tm_year + 1900, 4))-\(Self.padded(date.tm_mon + 1, 2))-\(Self.padded(date.tm_mday, 2))"
        let time = "\(Self.padded(date.tm_hour, 2)):\(Self.padded(date.tm_min, 2)):\(Self.padded(date.tm_sec, 2))"
        return "\(day)T\(time).\(Self.padded(Int32(fraction), 3))Z"
    }

    private static func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
