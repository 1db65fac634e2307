/// Decodes a chunked body as it arrives (RFC 9112 §7.1). Extensions and trailers are checked, bounded and dropped.
struct ChunkedDecoder {
    /// What the next byte belongs to.
    private enum State {
        case size, extensions(ChunkExtensionGrammar), sizeLineFeed
        case data(left: Int), dataReturn, dataLineFeed
        case trailer, done
    }

    private let limits: Limits
    private var state = State.size
    private var size = 0
    private var sizeDigits = 0
    private var extensionBytes = 0
    private var overhead = 0
    private var total = 0
    private var trailerLine: [UInt8] = []
    private var trailerCount = 0

    init(limits: Limits) { self.limits = limits }

    var isDone: Bool { if case .done = state { true } else { false } }

    /// Takes framing and data from `bytes` and appends the data to `body`.
    ///
    /// - Returns: How many bytes it took: all of them, unless the body ended before.
    mutating func decode(_ bytes: Span<UInt8>, into body: inout [UInt8]) throws(ParseError) -> Int {
        var index = 0
        while index < bytes.count, !isDone {
            if case .data(let left) = state {
                let end = min(bytes.count, index + left)
                bytes.extracting(index..<end).withUnsafeBufferPointer { body.append(contentsOf: $0) }
                state = end - index == left ? .dataReturn : .data(left: left - (end - index))
                index = end
            } else {
                try step(bytes[index])
                index += 1
            }
        }
        return index
    }

    private mutating func step(_ byte: UInt8) throws(ParseError) {
        overhead += 1
        guard overhead <= limits.chunkOverheadBytes else { throw .tooMuchChunkOverhead }
        switch state {
        case .size: try stepSize(byte)
        case .extensions(let grammar): try stepExtensions(byte, grammar)
        case .sizeLineFeed:
            guard byte == 0x0A else { throw .badChunk }
            try beginChunk()
        case .dataReturn:
            guard byte == 0x0D else { throw .badChunk }
            state = .dataLineFeed
        case .dataLineFeed:
            guard byte == 0x0A else { throw .badChunk }
            state = .size
        case .trailer: try stepTrailer(byte)
        case .data, .done: break
        }
    }

    private mutating func stepSize(_ byte: UInt8) throws(ParseError) {
        if let digit = PercentEncoding.hexValue(byte) {
            sizeDigits += 1
            // Eight digits are four gigabytes: more than any limit, and far from an overflow.
            guard sizeDigits <= 8 else { throw .badChunk }
            size = size << 4 | Int(digit)
        } else if sizeDigits > 0 {
            try stepExtensions(byte, ChunkExtensionGrammar())
        } else {
            throw .badChunk
        }
    }

    private mutating func stepExtensions(_ byte: UInt8, _ grammar: ChunkExtensionGrammar) throws(ParseError) {
        if byte == 0x0D, grammar.mayEnd { return state = .sizeLineFeed }
        var grammar = grammar
        guard grammar.take(byte) else { throw .badChunk }
        extensionBytes += 1
        guard extensionBytes <= limits.chunkExtensionBytes else { throw .chunkExtensionTooLong }
        state = .extensions(grammar)
    }

    private mutating func beginChunk() throws(ParseError) {
        total += size
        guard total <= limits.bodyBytes else { throw .bodyTooLarge }
        state = size == 0 ? .trailer : .data(left: size)
        size = 0
        sizeDigits = 0
        extensionBytes = 0
    }

    private mutating func stepTrailer(_ byte: UInt8) throws(ParseError) {
        if byte == 0x0A {
            try endTrailerLine()
        } else {
            guard trailerLine.last != 0x0D else { throw .badTrailer }
            // The byte behind the longest line can only be its CR.
            guard trailerLine.count < limits.fieldLineBytes || byte == 0x0D else { throw .fieldLineTooLong }
            trailerLine.append(byte)
        }
    }

    private mutating func endTrailerLine() throws(ParseError) {
        guard trailerLine.popLast() == 0x0D else { throw .badTrailer }
        guard !trailerLine.isEmpty else { return state = .done }
        trailerCount += 1
        guard trailerCount <= limits.fieldCount else { throw .tooManyFields }
        do throws(ParseError) {
            let line = try Grammar.fieldLine(trailerLine.indices, of: trailerLine.span)
            guard !Self.isForbidden(trailerLine[line.name]) else { throw ParseError.badTrailer }
        } catch { throw .badTrailer }
        trailerLine.removeAll(keepingCapacity: true)
    }

    /// What frames, routes, controls, authenticates or describes the message has no place in a trailer (RFC 9110 §6.5.1).
    private static let forbidden: [StaticString] = [
        "transfer-encoding", "content-length", "connection", "keep-alive", "upgrade", "te", "trailer",
        "host", "forwarded", "via", "max-forwards",
        "expect", "range", "cache-control", "pragma", "if-match", "if-none-match", "if-modified-since",
        "if-unmodified-since", "if-range",
        "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "cookie", "set-cookie",
        "content-type", "content-encoding", "content-range", "content-language", "content-location",
    ]

    private static func isForbidden(_ name: ArraySlice<UInt8>) -> Bool {
        forbidden.contains { name.equalsIgnoringCase($0) }
    }
}
