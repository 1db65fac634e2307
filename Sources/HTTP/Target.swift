/// What a request is for: the path, taken apart, and the query as it came (RFC 9112 §3.2).
///
/// Percent-encoding is decoded here once and nowhere else, segment by segment, so that no two parts of the program can
/// disagree on what a path means. A segment that was encoded twice is left encoded once; `+` is a plus; empty segments
/// count. A target is refused when a byte can't stand in it (RFC 3986 §3.3, §3.4), a `%` has no two hex digits after it,
/// or a segment decodes to `.` or `..`, to what is not UTF-8, or to text with a slash, backslash or control character: what
/// another reader of the same path could take for something else.
package struct Target: Sendable, Equatable {
    /// `/tokens/acme` is `["tokens", "acme"]`; `/` is `[""]`; `*` (for OPTIONS) is `[]`, which no path equals.
    package let segments: [String]
    /// What follows the first `?`, undecoded; nil without one.
    package let query: String?

    /// Whether it is `*`: no resource, but the server.
    package var isServer: Bool { segments.isEmpty }

    package init(segments: [String], query: String? = nil) {
        self.segments = segments
        self.query = query
    }

    /// Reads a request target in origin, absolute or asterisk form; of an absolute one, path and query count alone, as
    /// this server has no virtual hosts. Authority form asks for a tunnel, of which there is none.
    init(parsing range: Range<Int>, of bytes: Span<UInt8>, method: Method) throws(ParseError) {
        if range.count == 1, bytes[range.lowerBound] == UInt8(ascii: "*") {
            guard method.name == "OPTIONS" else { throw .badTarget }
            self.init(segments: [])
            return
        }
        let start = try Self.pathStart(range, of: bytes, method: method)
        let pathEnd = bytes.firstIndex(of: UInt8(ascii: "?"), in: start..<range.upperBound) ?? range.upperBound
        let segments = try Self.segments(start..<pathEnd, of: bytes)
        guard pathEnd < range.upperBound else {
            self.init(segments: segments)
            return
        }
        self.init(segments: segments, query: try Self.query(pathEnd + 1..<range.upperBound, of: bytes))
    }

    /// What follows the path's first slash, or the authority where there is no path.
    private static func pathStart(
        _ range: Range<Int>, of bytes: Span<UInt8>, method: Method
    ) throws(ParseError) -> Int {
        if bytes[range.lowerBound] == UInt8(ascii: "/") { return range.lowerBound + 1 }
        let target = [UInt8](copying: bytes, range)
        for scheme: StaticString in ["http://", "https://"] {
            let length = scheme.utf8CodeUnitCount
            guard target.prefix(length).equalsIgnoringCase(scheme) else { continue }
            let rest = target.dropFirst(length)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            guard Grammar.isAuthority(rest[..<end]) else { throw .badTarget }
            let hasPath = end < rest.endIndex && rest[end] == UInt8(ascii: "/")
            return range.lowerBound + end + (hasPath ? 1 : 0)
        }
        if method.name == "CONNECT", Grammar.isAuthority(target[...], needsPort: true) { throw .unsupportedMethod }
        throw .badTarget
    }

    private static func segments(_ path: Range<Int>, of bytes: Span<UInt8>) throws(ParseError) -> [String] {
        var segments: [String] = []
        segments.reserveCapacity(4)
        var start = path.lowerBound
        while let slash = bytes.firstIndex(of: UInt8(ascii: "/"), in: start..<path.upperBound) {
            segments.append(try segment(start..<slash, of: bytes))
            start = slash + 1
        }
        segments.append(try segment(start..<path.upperBound, of: bytes))
        return segments
    }

    private static func segment(_ range: Range<Int>, of bytes: Span<UInt8>) throws(ParseError) -> String {
        var isEncoded = false
        for index in range where !Grammar.isPathCharacter(bytes[index]) {
            guard bytes[index] == UInt8(ascii: "%") else { throw .badTarget }
            isEncoded = true
        }
        let text = isEncoded ? try decoded(range, of: bytes) : String(copying: bytes, range)
        guard text != ".", text != ".." else { throw .badTarget }
        return text
    }

    private static func decoded(_ segment: Range<Int>, of bytes: Span<UInt8>) throws(ParseError) -> String {
        guard let text = Grammar.decodedText([UInt8](copying: bytes, segment)[...]),
            !text.utf8.contains(UInt8(ascii: "/")), !text.utf8.contains(UInt8(ascii: "\\"))
        else { throw .badTarget }
        return text
    }

    private static func query(_ range: Range<Int>, of bytes: Span<UInt8>) throws(ParseError) -> String {
        for index in range {
            switch bytes[index] {
            case UInt8(ascii: "/"), UInt8(ascii: "?"): continue
            case UInt8(ascii: "%"):
                guard index + 2 < range.upperBound, PercentEncoding.hexValue(bytes[index + 1]) != nil,
                    PercentEncoding.hexValue(bytes[index + 2]) != nil
                else { throw .badTarget }
            case let byte:
                guard Grammar.isPathCharacter(byte) else { throw .badTarget }
            }
        }
        return String(copying: bytes, range)
    }
}
