@testable import HTTP

extension FuzzTarget {
    /// A date in any of HTTP's three forms.
    static let httpDate = FuzzTarget(name: "http-date") { input in
        guard let seconds = HTTPDate.parse(String(decoding: input, as: UTF8.self)) else { return }
        try require(seconds >= 0, "no earlier than 1970")
        try require(HTTPDate.parse(HTTPDate.format(seconds)) == seconds, "\(seconds) is the same when written")
    }
}
