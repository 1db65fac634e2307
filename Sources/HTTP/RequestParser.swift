/// A request line and its fields, understood.
struct RequestHead {
    var method: Method
    var target: Target
    var fields: Fields
    var framing: BodyFraming
    /// Whether the client may send another request on this connection (RFC 9112 §9.3).
    var keepsAlive: Bool
    /// Whether the client waits for a `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    var expectsContinue: Bool
}

/// Reads request heads: a value, nil for *not yet*, or a throw for *malformed*.
///
/// What is refused, and with which error, is told by the bytes alone, never by how they arrived. `Upgrade`, `TE`,
/// `Trailer` and whatever else only offers something is not looked at.
struct RequestParser {
    /// The first line, understood.
    private struct RequestLine {
        let method: Method
        let target: Target
        let minorVersion: Int
    }

    /// Whether a request line has begun, of a request that is not whole. Empty lines before one are none.
    private(set) var hasBegun = false
    private let limits: Limits
    private var scanner: HeadScanner
    /// That of the head whose fields are still coming.
    private var requestLine: RequestLine?

    init(limits: Limits) {
        self.limits = limits
        scanner = HeadScanner(limits: limits)
    }

    /// Whether a refusal would be of a HEAD request, whose answer has no body (RFC 9110 §9.3.2).
    var isHead: Bool { requestLine?.method == .head }

    /// Parses the head at the start of `bytes`.
    ///
    /// - Parameter bytes: What has arrived; after nil, call again with the same bytes and more.
    /// - Returns: The head, and how many bytes it took.
    mutating func parse(_ bytes: Span<UInt8>) throws(ParseError) -> (head: RequestHead, count: Int)? {
        if requestLine == nil { requestLine = try readRequestLine(bytes) }
        guard let line = requestLine, let (fields, count) = try scanner.fields(in: bytes) else { return nil }
        let head = try head(line, fields)
        requestLine = nil
        hasBegun = false
        return (head, count)
    }

    /// A request with neither length nor coding has no body (RFC 9112 §6.3): nothing here needs 411.
    private func head(_ line: RequestLine, _ fields: Fields) throws(ParseError) -> RequestHead {
        let facts = try FramingFacts(fields)
        try facts.checkHost(minorVersion: line.minorVersion)
        if facts.isChunked, line.minorVersion == 0 { throw .transferEncodingInHTTP10 }
        let framing: BodyFraming = facts.isChunked ? .chunked : .length(facts.contentLength ?? 0)
        if case .length(let length) = framing, length > limits.bodyBytes { throw .bodyTooLarge }
        if facts.hasUnknownExpectation, line.minorVersion == 1 { throw .unsupportedExpectation }
        return RequestHead(
            method: line.method, target: line.target, fields: fields, framing: framing,
            keepsAlive: line.minorVersion == 1 && !facts.closes,
            expectsContinue: line.minorVersion == 1 && facts.expectsContinue && framing != .length(0))
    }

    // MARK: The request line

    /// `method SP request-target SP HTTP-version` (RFC 9112 §3), with exactly those spaces.
    private mutating func readRequestLine(_ bytes: Span<UInt8>) throws(ParseError) -> RequestLine? {
        try scanner.skipEmptyLines(in: bytes)
        let start = scanner.lineStart
        hasBegun = start < bytes.count && bytes[start] != 0x0D
        let methodEnd = try methodEnd(in: bytes, from: start)
        guard let line = try scanner.startLine(in: bytes) else { return nil }
        guard let methodEnd else { throw .badMethod }
        let method = Method(String(copying: bytes, start..<methodEnd))
        let targetStart = methodEnd + 1
        var targetEnd = targetStart
        while targetEnd < line.upperBound, bytes[targetEnd] > 0x20, bytes[targetEnd] < 0x7F { targetEnd += 1 }
        guard targetEnd > targetStart else { throw .badTarget }
        guard targetEnd < line.upperBound else { throw .badVersion }
        guard bytes[targetEnd] == 0x20 else { throw .badTarget }
        let minorVersion = try minorVersion(targetEnd + 1..<line.upperBound, of: bytes)
        let target = try Target(parsing: targetStart..<targetEnd, of: bytes, method: method)
        return RequestLine(method: method, target: target, minorVersion: minorVersion)
    }

    /// Where the space behind the method stands; nil when it has not come, or the line ends before it.
    ///
    /// The line need not be whole: TLS and other protocols that are not text are told by their first byte.
    private func methodEnd(in bytes: Span<UInt8>, from start: Int) throws(ParseError) -> Int? {
        var end = start
        while end < bytes.count, Grammar.isToken(bytes[end]) {
            // RFC 9112 §3: a method longer than any that is known.
            if end - start == limits.methodBytes { throw .unsupportedMethod }
            end += 1
        }
        guard end < bytes.count, bytes[end] != 0x0D, bytes[end] != 0x0A else { return nil }
        guard end > start, bytes[end] == 0x20 else { throw .badMethod }
        return end
    }

    /// `HTTP/1.0` and `HTTP/1.1`; a later minor version is answered as 1.1 (RFC 9110 §2.5).
    private func minorVersion(_ range: Range<Int>, of bytes: Span<UInt8>) throws(ParseError) -> Int {
        let name: StaticString = "HTTP/"
        guard range.count == 8, bytes[range.lowerBound + 6] == UInt8(ascii: ".") else { throw .badVersion }
        let matches = name.withUTF8Buffer { name in
            name.indices.allSatisfy { name[$0] == bytes[range.lowerBound + $0] }
        }
        let major = bytes[range.lowerBound + 5]
        let minor = bytes[range.lowerBound + 7]
        guard matches, major.isASCIIDigit, minor.isASCIIDigit else { throw .badVersion }
        guard major == UInt8(ascii: "1") else { throw .unsupportedVersion }
        return minor == UInt8(ascii: "0") ? 0 : 1
    }
}
