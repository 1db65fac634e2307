/// What a request is for: the path, taken apart, and the query as it came (RFC 9112 §3.2).
///
/// Percent-encoding is decoded here once and nowhere else, segment by segment, so that no two parts of the program can
/// disagree on what a path means. A target is refused when a segment decodes to `.` or `..`, contains an encoded
/// `/` or NUL, or is not UTF-8.
package struct Target: Sendable, Equatable {
    /// `/tokens/acme` is `["tokens", "acme"]`; `/` is `[""]`; `*` (for OPTIONS) is `["*"]`, which no path equals.
    package let segments: [String]
    /// What follows the first `?`, undecoded; nil without one.
    package let query: String?

    package init(segments: [String], query: String? = nil) {
        self.segments = segments
        self.query = query
    }

    /// Reads a request target in origin, absolute or asterisk form; of an absolute one, path and query count alone, as
    /// this server has no virtual hosts. Authority form belongs to CONNECT, which no path takes.
    init(parsing bytes: ArraySlice<UInt8>, method: Method) throws(ParseError) {
        if bytes.elementsEqual("*".utf8) {
            guard method.name == "OPTIONS" else { throw .badTarget }
            self.init(segments: ["*"])
            return
        }
        let origin = try Self.originForm(bytes)
        let end = origin.firstIndex(of: UInt8(ascii: "?")) ?? origin.endIndex
        self.init(
            segments: try Self.segments(origin[..<end]),
            query: end < origin.endIndex ? String(decoding: origin[(end + 1)...], as: UTF8.self) : nil)
        if let query, query.utf8.contains(UInt8(ascii: "#")) { throw .badTarget }
    }

    private static func originForm(_ bytes: ArraySlice<UInt8>) throws(ParseError) -> ArraySlice<UInt8> {
        if bytes.first == UInt8(ascii: "/") { return bytes }
        for scheme: StaticString in ["http://", "https://"] {
            let count = scheme.utf8CodeUnitCount
            guard bytes.prefix(count).equalsIgnoringCase(scheme) else { continue }
            let rest = bytes.dropFirst(count)
            let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
            guard end > rest.startIndex, FramingFacts.isHost(rest[..<end]) else { throw .badTarget }
            let path = rest[end...]
            return path.first == UInt8(ascii: "/") ? path : [UInt8(ascii: "/")] + path
        }
        throw .badTarget
    }

    private static func segments(_ path: ArraySlice<UInt8>) throws(ParseError) -> [String] {
        var segments: [String] = []
        var rest = path.dropFirst()
        while let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
            segments.append(try segment(rest[..<slash]))
            rest = rest[(slash + 1)...]
        }
        segments.append(try segment(rest))
        return segments
    }

    private static func segment(_ raw: ArraySlice<UInt8>) throws(ParseError) -> String {
        guard !raw.contains(UInt8(ascii: "#")) else { throw .badTarget }
        var text = String(decoding: raw, as: UTF8.self)
        if raw.contains(UInt8(ascii: "%")) {
            guard let decoded = PercentEncoding.decode(raw, plusIsSpace: false), !decoded.contains(0),
                !decoded.contains(UInt8(ascii: "/")), let decodedText = String(validating: decoded, as: UTF8.self)
            else { throw .badTarget }
            text = decodedText
        }
        guard text != ".", text != ".." else { throw .badTarget }
        return text
    }
}
