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
    /// The first line, understood; the reason is for nobody.
    private struct StatusLine {
        let status: Status
        let minorVersion: Int
    }

    private var scanner: HeadScanner
    /// That of the head whose fields are still coming.
    private var statusLine: StatusLine?

    init(limits: Limits) { scanner = HeadScanner(limits: limits) }

    /// Parses the head at the start of `bytes`; after nil, call again with the same bytes and more.
    mutating func parse(_ bytes: Span<UInt8>) throws(ParseError) -> (head: ResponseHead, count: Int)? {
        if statusLine == nil { statusLine = try readStatusLine(bytes) }
        guard let line = statusLine, let (fields, count) = try scanner.fields(in: bytes) else { return nil }
        statusLine = nil
        return (try head(line, fields), count)
    }

    private func head(_ line: StatusLine, _ fields: Fields) throws(ParseError) -> ResponseHead {
        let facts = try FramingFacts(fields)
        if facts.isChunked, line.minorVersion == 0 { throw .transferEncodingInHTTP10 }
        let framing: BodyFraming
        // Whether a body is announced where there can be none: it might come all the same (RFC 9112 §6.3).
        var isOdd = false
        if line.status.code < 200 || line.status == .noContent || line.status == .notModified {
            framing = .length(0)
            isOdd = facts.isChunked || facts.contentLength ?? 0 > 0
        } else if facts.isChunked {
            framing = .chunked
        } else if let length = facts.contentLength {
            framing = .length(length)
        } else {
            framing = .untilClose
        }
        return ResponseHead(
            status: line.status, fields: fields, framing: framing,
            keepsAlive: line.minorVersion == 1 && !facts.closes && !isOdd && framing != .untilClose)
    }

    /// `HTTP/1.x SP 3DIGIT [SP reason]` (RFC 9112 §4).
    private mutating func readStatusLine(_ bytes: Span<UInt8>) throws(ParseError) -> StatusLine? {
        guard let range = try scanner.startLine(in: bytes) else { return nil }
        let line = [UInt8](copying: bytes, range)
        guard line.count >= 12, line[..<7].elementsEqual("HTTP/1.".utf8), line[7].isASCIIDigit,
            line[8] == 0x20, let code = Grammar.decimal(line[9..<12]), (100...599).contains(code),
            line.count == 12 || line[12] == 0x20, line[12...].allSatisfy(Grammar.isFieldContent)
        else { throw .badStatusLine }
        return StatusLine(status: Status(code), minorVersion: line[7] == UInt8(ascii: "0") ? 0 : 1)
    }
}
