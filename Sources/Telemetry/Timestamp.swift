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
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends what `description` is. By arithmetic, as the C library takes twenty times as long, and there may be a line of
    /// audit for every request.
    package func write(to output: inout [UInt8]) {
        let (days, time) = (milliseconds.quotientRoundedDown(by: 86_400_000), milliseconds.remainder(of: 86_400_000))
        // Years begin with March here, so that a leap day is a year's last; eras of 400 years are all alike.
        let day = (days + 719_468).remainder(of: 146_097)
        let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let era = (days + 719_468).quotientRoundedDown(by: 146_097)
        output.append(digits: yearOfEra + era * 400 + (month >= 10 ? 1 : 0), 4)
        output.append(digits: month < 10 ? month + 3 : month - 9, 2, after: "-")
        output.append(digits: dayOfYear - (153 * month + 2) / 5 + 1, 2, after: "-")
        output.append(digits: time / 3_600_000, 2, after: "T")
        output.append(digits: time / 60_000 % 60, 2, after: ":")
        output.append(digits: time / 1000 % 60, 2, after: ":")
        output.append(digits: time % 1000, 3, after: ".")
        output.append(UInt8(ascii: "Z"))
    }
}

extension Int {
    fileprivate func remainder(of divisor: Int) -> Int { ((self % divisor) + divisor) % divisor }

    fileprivate func quotientRoundedDown(by divisor: Int) -> Int { (self - remainder(of: divisor)) / divisor }
}

extension [UInt8] {
    /// Appends the last `count` decimal digits of a number.
    fileprivate mutating func append(digits number: Int, _ count: Int, after separator: Unicode.Scalar? = nil) {
        if let separator { append(UInt8(ascii: separator)) }
        var divisor = count == 4 ? 1000 : count == 3 ? 100 : 10
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}
