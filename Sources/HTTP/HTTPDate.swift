import Glibc

/// Dates as HTTP writes them, in seconds since 1970-01-01 00:00:00 UTC (RFC 9110 §5.6.7).
package enum HTTPDate {
    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Fri, 31 Dec 9999 23:59:59 GMT`: a leap second would take that day into a year of five digits.
    private static let last = 253_402_300_799

    /// IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`. For instants from 1970 to 9999.
    package static func format(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var date = tm()
        gmtime_r(&time, &date)
        return "\(weekdays[Int(date.tm_wday)]), \(two(date.tm_mday)) \(months[Int(date.tm_mon)]) \(1900 + date.tm_year)"
            + " \(two(date.tm_hour)):\(two(date.tm_min)):\(two(date.tm_sec)) GMT"
    }

    /// Reads an IMF-fixdate, and the two obsolete forms that a recipient must accept; nil for anything else.
    package static func parse(_ text: String) -> Int? {
        let parts = text.split(whereSeparator: { " ,-".contains($0) }).map(String.init)
        switch parts.count {
        case 6:  // Sun, 06 Nov 1994 08:49:37 GMT, or Sunday, 06-Nov-94 08:49:37 GMT
            guard parts[5] == "GMT", var year = number(parts[3]) else { return nil }
            // RFC 850's two digits stand for a year that is not far in the future.
            if parts[3].count == 2 { year += year < 70 ? 2000 : 1900 }
            return seconds(year: year, month: parts[2], day: parts[1], time: parts[4])
        case 5:  // Sun Nov  6 08:49:37 1994
            guard let year = number(parts[4]) else { return nil }
            return seconds(year: year, month: parts[1], day: parts[2], time: parts[3])
        default: return nil
        }
    }

    private static func seconds(year: Int, month: String, day: String, time: String) -> Int? {
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { number(String($0)) }
        guard (1970...9999).contains(year), let month = months.firstIndex(of: month), let day = number(day),
            (1...31).contains(day), clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2],
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var date = tm()
        date.tm_year = Int32(year - 1900)
        date.tm_mon = Int32(month)
        date.tm_mday = Int32(day)
        let midnight = timegm(&date)
        // timegm has made 1 May of 31 April.
        guard date.tm_mday == day else { return nil }
        let instant = midnight + hour * 3600 + minute * 60 + second
        return instant <= last ? instant : nil
    }

    private static func number(_ digits: String) -> Int? {
        digits.utf8.count <= 4 ? Grammar.decimal(Array(digits.utf8)[...]) : nil
    }

    private static func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
