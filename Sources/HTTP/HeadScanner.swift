/// Finds a head's lines as they arrive, so that a head that drips in costs linear work and a malformed line is refused
/// before the rest is there.
///
/// Each rule is broken at a certain byte, and the first one broken is what is reported, however many bytes come at once.
struct HeadScanner {
    private let limits: Limits
    /// Where the line begins that is not whole yet.
    private(set) var lineStart = 0
    /// Up to here that line has neither CR nor LF.
    private var scanned = 0
    private var emptyLines = 0
    private var fieldsStart = 0
    private var lines: [Fields.Line] = []

    init(limits: Limits) { self.limits = limits }

    /// Skips empty lines before a start line (RFC 9112 §2.2).
    mutating func skipEmptyLines(in bytes: Span<UInt8>) throws(ParseError) {
        while lineStart + 1 < min(bytes.count, limits.headBytes), bytes[lineStart] == 0x0D, bytes[lineStart + 1] == 0x0A
        {
            emptyLines += 1
            if emptyLines > limits.emptyLines { throw .tooManyEmptyLines }
            lineStart += 2
            scanned = lineStart
        }
    }

    /// Where the start line stands, without its CRLF; nil when more must come.
    ///
    /// - Parameter bytes: What has arrived; at every call the same start, perhaps more at the end.
    mutating func startLine(in bytes: Span<UInt8>) throws(ParseError) -> Range<Int>? {
        let line = try line(in: bytes, maximum: limits.startLineBytes, tooLong: .startLineTooLong)
        fieldsStart = lineStart
        return line
    }

    /// The fields behind the start line, and how many bytes the head has, with its final empty line; nil when more must
    /// come. After a head it begins anew.
    ///
    /// The fields are copied out of `bytes`, so that they outlive the connection's buffer.
    mutating func fields(in bytes: Span<UInt8>) throws(ParseError) -> (fields: Fields, count: Int)? {
        if lines.isEmpty { lines.reserveCapacity(16) }
        while let range = try line(in: bytes, maximum: limits.fieldLineBytes, tooLong: .fieldLineTooLong) {
            guard !range.isEmpty else {
                let end = lines.isEmpty ? fieldsStart : range.lowerBound - 2
                let fields = Fields(bytes: [UInt8](copying: bytes, fieldsStart..<end), lines: lines)
                let count = lineStart
                self = HeadScanner(limits: limits)
                return (fields, count)
            }
            guard lines.count < limits.fieldCount else { throw .tooManyFields }
            lines.append(try Grammar.fieldLine(range, of: bytes).moved(by: -fieldsStart))
        }
        return nil
    }

    private mutating func line(
        in bytes: Span<UInt8>, maximum: Int, tooLong: ParseError
    ) throws(ParseError) -> Range<Int>? {
        let headEnd = min(bytes.count, limits.headBytes)
        let windowEnd = min(headEnd, lineStart + maximum + 1)
        let carriageReturn = bytes.firstIndex(of: 0x0D, in: scanned..<windowEnd)
        let contentEnd = carriageReturn ?? windowEnd
        guard bytes.firstIndex(of: 0x0A, in: scanned..<contentEnd) == nil else { throw .bareLineFeed }
        scanned = contentEnd
        if let carriageReturn, carriageReturn + 1 < headEnd {
            guard bytes[carriageReturn + 1] == 0x0A else { throw .bareCarriageReturn }
            defer { lineStart = carriageReturn + 2 }
            scanned = carriageReturn + 2
            return lineStart..<carriageReturn
        }
        // The byte behind the longest line could only have been its CR.
        if carriageReturn == nil, windowEnd == lineStart + maximum + 1 { throw tooLong }
        if bytes.count > limits.headBytes { throw .headTooLarge }
        return nil
    }
}

extension Fields.Line {
    fileprivate func moved(by distance: Int) -> Fields.Line {
        Fields.Line(
            name: name.lowerBound + distance..<name.upperBound + distance,
            value: value.lowerBound + distance..<value.upperBound + distance)
    }
}
