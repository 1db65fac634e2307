/// What a metric says: a whole number, or a time that is written in seconds.
package enum MetricValue: Equatable, Sendable {
    case count(Int)
    case time(Duration)
}

extension MetricValue: CustomStringConvertible {
    /// As the text format wants it: `42`, `-3`, `0.25`, `300`; nanoseconds are the last digits kept.
    package var description: String {
        switch self {
        case .count(let count): "\(count)"
        case .time(let time): Self.seconds(time)
        }
    }

    private static func seconds(_ time: Duration) -> String {
        let nanoseconds = time.wholeNanoseconds
        let (seconds, fraction) = nanoseconds.magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
        let sign = nanoseconds < 0 ? "-" : ""
        guard fraction > 0 else { return "\(sign)\(seconds)" }
        var digits = String(fraction)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(sign)\(seconds).\(digits)"
    }
}

extension Duration {
    /// Nanoseconds, rounded towards zero and held within what an `Int` can say (292 years).
    var wholeNanoseconds: Int {
        let (seconds, attoseconds) = components
        let (whole, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = whole.addingReportingOverflow(Int(attoseconds / 1_000_000_000))
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }
}
