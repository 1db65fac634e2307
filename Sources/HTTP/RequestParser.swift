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
struct RequestParser {
    let limits: Limits
    private var scanner = HeadScanner()

    init(limits: Limits) { self.limits = limits }

    /// Parses the head at the start of `bytes`.
    ///
    /// - Parameter bytes: What has arrived; after nil, call again with the same bytes and more.
    /// - Returns: The head, and how many bytes it took.
    mutating func parse(_ bytes: Span<UInt8>) throws(ParseError) -> (head: RequestHead, count: Int)? {
        // A method begins with a letter: TLS and other binary protocols are told at their first byte.
        if bytes.count > 0, !Grammar.isToken(bytes[0]), bytes[0] != 0x0D, bytes[0] != 0x0A { throw .badMethod }
        guard let count = try scanner.end(in: bytes, limits: limits) else { return nil }
        let lines = scanner.lines
        let (method, rawTarget, minorVersion) = try requestLine(lines[0], of: bytes)
        let fields = try Self.fields(lines.dropFirst(), of: bytes)
        let facts = try FramingFacts(fields)
        try facts.checkHost(minorVersion: minorVersion)
        if facts.isChunked, minorVersion == 0 { throw .transferEncodingInHTTP10 }
        let framing: BodyFraming = facts.isChunked ? .chunked : .length(facts.contentLength ?? 0)
        if case .length(let length) = framing, length > limits.bodyBytes { throw .bodyTooLarge }
        if facts.hasUnknownExpectation, minorVersion == 1 { throw .unsupportedExpectation }
        let head = RequestHead(
            method: method, target: try Target(parsing: rawTarget, method: method), fields: fields, framing: framing,
            keepsAlive: minorVersion == 1 && !facts.closes,
            expectsContinue: minorVersion == 1 && facts.expectsContinue && framing != .length(0))
        return (head, count)
    }

    /// `method SP target SP version` (RFC 9112 §3), with exactly those spaces.
    private func requestLine(
        _ line: Range<Int>, of bytes: Span<UInt8>
    ) throws(ParseError) -> (method: Method, target: ArraySlice<UInt8>, minorVersion: Int) {
        var index = line.lowerBound
        while index < line.upperBound, Grammar.isToken(bytes[index]) { index += 1 }
        guard index > line.lowerBound, index - line.lowerBound <= 32, index < line.upperBound, bytes[index] == 0x20
        else {
            throw .badMethod
        }
        let method = Method(String(copying: bytes, line.lowerBound..<index))
        let targetStart = index + 1
        index = targetStart
        while index < line.upperBound, bytes[index] > 0x20, bytes[index] < 0x7F { index += 1 }
        guard index > targetStart, index < line.upperBound, bytes[index] == 0x20 else { throw .badTarget }
        let target = [UInt8](copying: bytes, targetStart..<index)
        return (method, target[...], try version(index + 1..<line.upperBound, of: bytes))
    }

    /// `HTTP/1.0` and `HTTP/1.1`; a later minor version is answered as 1.1 (RFC 9110 §2.5).
    private func version(_ range: Range<Int>, of bytes: Span<UInt8>) throws(ParseError) -> Int {
        let name: StaticString = "HTTP/"
        guard range.count == 8, bytes[range.lowerBound + 6] == UInt8(ascii: ".") else { throw .badVersion }
        let matches = name.withUTF8Buffer { name in
            name.indices.allSatisfy { name[$0] == bytes[range.lowerBound + $0] }
        }
        let major = bytes[range.lowerBound + 5]
        let minor = bytes[range.lowerBound + 7]
        guard matches, major >= 0x30, major <= 0x39, minor >= 0x30, minor <= 0x39 else { throw .badVersion }
        guard major == 0x31 else { throw .unsupportedVersion }
        return minor == 0x30 ? 0 : 1
    }

    /// Copies the field lines out of `bytes`, so that they outlive the connection's buffer.
    static func fields(_ lines: ArraySlice<Range<Int>>, of bytes: Span<UInt8>) throws(ParseError) -> Fields {
        guard let first = lines.first, let last = lines.last else { return Fields() }
        let origin = first.lowerBound
        var parsed: [Fields.Line] = []
        parsed.reserveCapacity(lines.count)
        for range in lines {
            let line = try Grammar.fieldLine(range, of: bytes)
            parsed.append(
                Fields.Line(
                    name: line.name.lowerBound - origin..<line.name.upperBound - origin,
                    value: line.value.lowerBound - origin..<line.value.upperBound - origin))
        }
        return Fields(bytes: [UInt8](copying: bytes, origin..<last.upperBound), lines: parsed)
    }
}

extension [UInt8] {
    init(copying bytes: Span<UInt8>, _ range: Range<Int>) {
        self = bytes.extracting(range).withUnsafeBufferPointer { Array($0) }
    }
}

extension String {
    /// Decodes ASCII that has been checked.
    init(copying bytes: Span<UInt8>, _ range: Range<Int>) {
        self = bytes.extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    }
}
