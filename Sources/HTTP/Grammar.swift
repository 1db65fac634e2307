import Sockets

/// The grammar of messages (RFC 9112 §2 to §7, RFC 9110 §5.6, RFC 3986 §2 and §3), strictly. Requests and responses share it.
///
/// It departs from the RFCs only by refusing what a recipient may tolerate or need not support: bare LF, folded fields,
/// white space around the start line's parts, several lengths even if they agree, empty elements among transfer codings,
/// lengths of more than 18 digits and chunk sizes of more than 8; as a host, a name with one of `!$&'()*+,;=`, an IPv6
/// zone, or an address of a version to come.
enum Grammar {
    // MARK: Characters

    /// `tchar` (RFC 9110 §5.6.2).
    static func isToken(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "!", "#"..."'", "*", "+", "-", ".", "^"..."`", "|", "~": true
        default: false
        }
    }

    /// `unreserved` (RFC 3986 §2.3).
    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~": true
        default: false
        }
    }

    /// `pchar` but for the `%` of an encoded byte, which needs more than a look at one byte (RFC 3986 §3.3).
    static func isPathCharacter(_ byte: UInt8) -> Bool {
        switch Unicode.Scalar(byte) {
        case "!", "$", "&"...",", ";", "=", ":", "@": true
        default: isUnreserved(byte)
        }
    }

    /// `field-vchar`, space or tab (RFC 9110 §5.5).
    static func isFieldContent(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }

    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    // MARK: Elements

    /// A run of at most 18 digits, which no integer overflows; leading zeros count. nil for anything else.
    static func decimal(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard !bytes.isEmpty, bytes.count <= 18 else { return nil }
        var number = 0
        for byte in bytes {
            guard byte.isASCIIDigit else { return nil }
            number = number * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return number
    }

    /// What stands between commas (RFC 9110 §5.6.1), without the white space around it.
    static func elements(_ list: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var elements = list.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        for index in elements.indices {
            elements[index] = elements[index].drop(while: isBlank)
            while let last = elements[index].last, isBlank(last) { elements[index].removeLast() }
        }
        return elements
    }

    /// The text that percent-encoding stands for; nil where that is malformed, not UTF-8, or has a control character.
    static func decodedText(_ encoded: ArraySlice<UInt8>) -> String? {
        guard let bytes = PercentEncoding.decode(encoded, plusIsSpace: false),
            !bytes.contains(where: \.isASCIIControl)
        else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    /// `uri-host [ ":" port ]` (RFC 9110 §7.2) with a host: an IPv6 address in brackets, or a name by its characters. No
    /// user information, which RFC 9110 §4.2.4 has a recipient take for an error.
    static func isAuthority(_ authority: ArraySlice<UInt8>, needsPort: Bool = false) -> Bool {
        let isBracketed = authority.first == UInt8(ascii: "[")
        let end =
            isBracketed
            ? authority.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 }
            : authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        guard let end else { return false }
        let host = authority[..<end]
        let port = authority[end...]
        guard port.isEmpty || port.first == UInt8(ascii: ":") && isPort(port.dropFirst()) else { return false }
        if needsPort, port.count < 2 { return false }
        return isBracketed ? isIPv6(host) : isName(host)
    }

    private static func isIPv6(_ bracketed: ArraySlice<UInt8>) -> Bool {
        SocketAddress("\(String(decoding: bracketed, as: UTF8.self)):0") != nil
    }

    private static func isName(_ name: ArraySlice<UInt8>) -> Bool {
        var isEncoded = false
        for byte in name where !isUnreserved(byte) {
            guard byte == UInt8(ascii: "%") else { return false }
            isEncoded = true
        }
        return !name.isEmpty && (!isEncoded || decodedText(name) != nil)
    }

    /// `*DIGIT` (RFC 3986 §3.2.3) up to the highest port.
    private static func isPort(_ digits: ArraySlice<UInt8>) -> Bool {
        digits.isEmpty || digits.count <= 5 && (decimal(digits) ?? .max) <= 65535
    }

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
}

/// The grammar of chunk extensions (RFC 9112 §7.1.1), byte by byte from behind the chunk's size:
/// `*( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )`.
struct ChunkExtensionGrammar {
    /// What has just been read.
    private enum State {
        case blankBeforeSemicolon, semicolon, name, blankAfterName, equals, value, quoted, quotedPair
        /// A size, a whole extension, or the end of a quoted string.
        case element
    }

    private var state = State.element

    /// Whether the line may end here.
    var mayEnd: Bool {
        switch state {
        case .element, .name, .value: true
        default: false
        }
    }

    /// Takes one more byte; false when it can't stand here.
    mutating func take(_ byte: UInt8) -> Bool {
        guard let next = next(byte) else { return false }
        state = next
        return true
    }

    private func next(_ byte: UInt8) -> State? {
        switch (state, Unicode.Scalar(byte)) {
        case (.quoted, "\""): .element
        case (.quoted, "\\"): .quotedPair
        case (.quoted, _), (.quotedPair, _): Grammar.isFieldContent(byte) ? .quoted : nil
        case (_, " "), (_, "\t"): afterBlank
        case (.element, ";"), (.blankBeforeSemicolon, ";"), (.name, ";"), (.blankAfterName, ";"), (.value, ";"):
            .semicolon
        case (.name, "="), (.blankAfterName, "="): .equals
        case (.equals, "\""): .quoted
        case (.semicolon, _), (.name, _): Grammar.isToken(byte) ? .name : nil
        case (.equals, _), (.value, _): Grammar.isToken(byte) ? .value : nil
        default: nil
        }
    }

    private var afterBlank: State {
        switch state {
        case .element, .value: .blankBeforeSemicolon
        case .name: .blankAfterName
        default: state
        }
    }
}
