import Glibc

/// The grammar of heads (RFC 9112 §2 to §5), strictly. Requests and responses share it.
///
/// It departs from the RFC only by refusing what a recipient may tolerate: bare LF, folded fields, white space around the
/// start line's parts, several lengths even if they agree.
enum Grammar {
    /// `tchar` of RFC 9110 §5.6.2, as two bit sets: bytes below 64, and those from 64 to 127.
    private static let tokenBits: (UInt64, UInt64) = {
        var low: UInt64 = 0
        var high: UInt64 = 0
        for byte in "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8 {
            if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte - 64) }
        }
        return (low, high)
    }()

    static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case 0..<64: tokenBits.0 >> UInt64(byte) & 1 == 1
        case 64..<128: tokenBits.1 >> UInt64(byte - 64) & 1 == 1
        default: false
        }
    }

    /// `field-vchar`, space or tab (RFC 9110 §5.5).
    static func isFieldContent(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// Takes a field line apart (RFC 9112 §5.1); the ranges are those of `bytes`.
    static func fieldLine(_ range: Range<Int>, of bytes: Span<UInt8>) throws(ParseError) -> Fields.Line {
        if isBlank(bytes[range.lowerBound]) { throw .obsoleteFold }
        var colon = range.lowerBound
        while colon < range.upperBound, isToken(bytes[colon]) { colon += 1 }
        guard colon < range.upperBound else { throw .missingColon }
        guard bytes[colon] == UInt8(ascii: ":") else {
            throw isBlank(bytes[colon]) ? .whitespaceBeforeColon : .badFieldName
        }
        guard colon > range.lowerBound else { throw .badFieldName }
        var start = colon + 1
        var end = range.upperBound
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        for index in start..<end where !isFieldContent(bytes[index]) { throw .controlCharacter }
        return Fields.Line(name: range.lowerBound..<colon, value: start..<end)
    }

    /// A run of digits without sign, space or overflow; nil for anything else.
    static func decimal(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard !bytes.isEmpty, bytes.count <= 18 else { return nil }
        var number = 0
        for byte in bytes {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        return number
    }
}

/// Finds the end of a head line by line as it arrives, so that a head that drips in costs linear work and a malformed line
/// is refused before the rest is there.
struct HeadScanner {
    private var scanned = 0
    private var lineStart = 0
    private var isFinished = false
    /// The lines found, without their CRLF: the start line first.
    private(set) var lines: [Range<Int>] = []

    /// How many bytes the head has, with its final empty line; nil when more must come. After a head it begins anew.
    ///
    /// - Parameter bytes: What has arrived; at every call the same start, perhaps more at the end.
    mutating func end(in bytes: Span<UInt8>, limits: Limits) throws(ParseError) -> Int? {
        if isFinished { beginAnew() }
        while let ending = try nextLineEnding(in: bytes) {
            let line = lineStart..<ending
            scanned = ending + 2
            lineStart = scanned
            if scanned > limits.headBytes { throw .headTooLarge }
            if !line.isEmpty {
                try add(line, limits: limits)
            } else if !lines.isEmpty {
                isFinished = true
                return scanned
            }
            // Else an empty line before the start line, which RFC 9112 §2.2 has us skip.
        }
        // One more than the limit may still be the line's CR.
        if bytes.count - lineStart > maximumLineBytes(limits) + 1 { throw tooLong }
        if bytes.count > limits.headBytes { throw .headTooLarge }
        return nil
    }

    /// Where the CRLF of the line that has begun stands; nil when it has not come.
    private mutating func nextLineEnding(in bytes: Span<UInt8>) throws(ParseError) -> Int? {
        let carriageReturn = bytes.firstIndex(of: 0x0D, in: scanned..<bytes.count)
        guard bytes.firstIndex(of: 0x0A, in: scanned..<(carriageReturn ?? bytes.count)) == nil else {
            throw .bareLineFeed
        }
        guard let carriageReturn, carriageReturn + 1 < bytes.count else {
            scanned = carriageReturn ?? bytes.count
            return nil
        }
        guard bytes[carriageReturn + 1] == 0x0A else { throw .bareCarriageReturn }
        return carriageReturn
    }

    private func maximumLineBytes(_ limits: Limits) -> Int {
        lines.isEmpty ? limits.startLineBytes : limits.fieldLineBytes
    }

    private var tooLong: ParseError { lines.isEmpty ? .startLineTooLong : .fieldLineTooLong }

    private mutating func beginAnew() {
        scanned = 0
        lineStart = 0
        lines.removeAll(keepingCapacity: true)
        isFinished = false
    }

    private mutating func add(_ line: Range<Int>, limits: Limits) throws(ParseError) {
        guard line.count <= maximumLineBytes(limits) else { throw tooLong }
        lines.append(line)
        if lines.count > limits.fieldCount + 1 { throw .tooManyFields }
    }
}

extension Span<UInt8> {
    /// By `memchr`, which looks at many bytes at once.
    fileprivate func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        extracting(range).withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, let found = memchr(start, Int32(byte), bytes.count) else { return nil }
            return range.lowerBound + (UnsafeRawPointer(found) - start)
        }
    }
}
