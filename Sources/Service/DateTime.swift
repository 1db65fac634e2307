import Glibc
import HTTP

/// Instants as RFC 3339 writes them: `2026-11-22T05:01:00.5+01:00`.
enum DateTime {
    /// Seconds since 1970, fractions dropped; nil for anything else, and for years before 1970.
    static func parse(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.count <= 40, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            "Tt ".utf8.contains(bytes[10]), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let midnight = midnight(bytes), let time = time(bytes[11..<16]),
            let second = number(bytes[17..<19], 0...60), let offset = offset(bytes[19...])
        else { return nil }
        return midnight + time + second - offset
    }

    private static func midnight(_ bytes: [UInt8]) -> Int? {
        guard let year = number(bytes[0..<4], 1970...9999), let month = number(bytes[5..<7], 1...12),
            let day = number(bytes[8..<10], 1...31)
        else { return nil }
        var date = tm()
        date.tm_year = Int32(year - 1900)
        date.tm_mon = Int32(month - 1)
        date.tm_mday = Int32(day)
        let seconds = timegm(&date)
        // timegm has made 1 May of 31 April.
        return date.tm_mday == day ? seconds : nil
    }

    /// `hh:mm`, in seconds.
    private static func time(_ bytes: ArraySlice<UInt8>) -> Int? {
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 2, let hours = number(parts[0], 0...23), let minutes = number(parts[1], 0...59) else {
            return nil
        }
        return hours * 3600 + minutes * 60
    }

    /// `[.fraction](Z|±hh:mm)`, in seconds east.
    private static func offset(_ bytes: ArraySlice<UInt8>) -> Int? {
        var rest = bytes
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix(while: \.isASCIIDigit)
            guard !digits.isEmpty else { return nil }
            rest = rest[digits.endIndex...]
        }
        switch rest.first {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"): return rest.count == 1 ? 0 : nil
        case UInt8(ascii: "+"): return time(rest.dropFirst())
        case UInt8(ascii: "-"): return time(rest.dropFirst()).map { -$0 }
        default: return nil
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ range: ClosedRange<Int>) -> Int? {
        guard bytes.count == (range.upperBound > 99 ? 4 : 2), bytes.allSatisfy(\.isASCIIDigit) else { return nil }
        let number = bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return range.contains(number) ? number : nil
    }
}
