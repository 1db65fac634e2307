/// A status line and its fields, understood.
struct ResponseHead {
    var status: Status
    var fields: Fields
    var framing: BodyFraming
    /// Whether the connection can carry another request (RFC 9112 §9.3).
    var keepsAlive: Bool
}

/// Reads response heads: a value, nil for *not yet*, or a throw for *malformed*.
struct ResponseParser {
    let limits: Limits
    private var scanner = HeadScanner()

    init(limits: Limits) { self.limits = limits }

    /// Parses the head at the start of `bytes`; after nil, call again with the same bytes and more.
    mutating func parse(_ bytes: Span<UInt8>) throws(ParseError) -> (head: ResponseHead, count: Int)? {
        guard let count = try scanner.end(in: bytes, limits: limits) else { return nil }
        let lines = scanner.lines
        let (status, minorVersion) = try statusLine(lines[0], of: bytes)
        let fields = try RequestParser.fields(lines.dropFirst(), of: bytes)
        let facts = try FramingFacts(fields)
        let framing: BodyFraming
        if status.code < 200 || status == .noContent || status == .notModified {
            framing = .length(0)
        } else if facts.isChunked {
            if minorVersion == 0 { throw .transferEncodingInHTTP10 }
            framing = .chunked
        } else if let length = facts.contentLength {
            framing = .length(length)
        } else {
            framing = .untilClose
        }
        let head = ResponseHead(
            status: status, fields: fields, framing: framing,
            keepsAlive: minorVersion == 1 && !facts.closes && framing != .untilClose)
        return (head, count)
    }

    /// `HTTP/1.x SP 3DIGIT [SP reason]` (RFC 9112 §4); the reason is for nobody.
    private func statusLine(
        _ line: Range<Int>, of bytes: Span<UInt8>
    ) throws(ParseError) -> (status: Status, minorVersion: Int) {
        let start = [UInt8](copying: bytes, line.lowerBound..<min(line.lowerBound + 13, line.upperBound))
        guard start.count >= 12, start[..<7].elementsEqual("HTTP/1.".utf8), start[7].isASCIIDigit,
            start[8] == 0x20, let code = Grammar.decimal(start[9..<12]), (100...599).contains(code),
            start.count == 12 || start[12] == 0x20
        else { throw .badStatusLine }
        return (Status(code), start[7] == 0x30 ? 0 : 1)
    }
}
