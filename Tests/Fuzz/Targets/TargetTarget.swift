@testable import HTTP

extension FuzzTarget {
    /// A request target; encoded anew from its parts, it means the same.
    static let target = FuzzTarget(name: "target") { input in
        guard !input.contains(0x0A), let target = try? read(input) else { return }
        for segment in target.segments {
            try require(segment != "." && segment != "..", "no segment moves up or stays")
            try require(!segment.utf8.contains { $0 == 0 || $0 == UInt8(ascii: "/") }, "no segment ends another")
        }
        let path = target.segments.isEmpty ? "*" : target.segments.map { "/" + percentEncoded($0) }.joined()
        try require(
            try read(Array((path + (target.query.map { "?\($0)" } ?? "")).utf8)) == target, "the same as \(path)")
    }

    /// The target of a request that is asked for it; nil when there is none.
    private static func read(_ target: [UInt8]) throws(ParseError) -> Target? {
        var limits = Limits()
        limits.startLineBytes = 1 << 16
        limits.headBytes = 1 << 16
        var parser = RequestParser(limits: limits)
        let message = "OPTIONS ".utf8 + target + " HTTP/1.1\r\nHost: a\r\n\r\n".utf8
        return try parser.parse(Array(message).span)?.head.target
    }

    private static func percentEncoded(_ text: String) -> String {
        text.utf8.map { "%" + String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
    }
}
