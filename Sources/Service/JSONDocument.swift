import HTTP

/// A JSON value as an upstream sent it, read strictly (RFC 8259).
///
/// A name that repeats within an object is refused: readers differ in which of the values they take (§4). So is all that is
/// not UTF-8; a byte-order mark before the value is ignored, as §8.1 allows. Values nest 32 deep at most; the number of
/// bytes is for whoever received them to bound.
enum JSONDocument: Hashable, Sendable {
    case null
    case boolean(Bool)
    /// As it is written; what range and precision it may have depends on what it is.
    case number(String)
    case string(String)
    case array([JSONDocument])
    case object([String: JSONDocument])

    /// nil when the bytes are not one such value.
    init?(parsing bytes: [UInt8]) {
        var reader = JSONReader(bytes)
        guard let document = try? reader.document() else { return nil }
        self = document
    }

    /// The member at the end of a path: the names on the way to it, with `.` between; nil when there is none.
    func member(at path: String) -> JSONDocument? {
        var document = self
        for name in path.split(separator: ".") {
            guard case .object(let members) = document, let member = members[String(name)] else { return nil }
            document = member
        }
        return document
    }

    /// The text, when it is one.
    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var isObject: Bool {
        if case .object = self { true } else { false }
    }
}

/// Reads one JSON value by recursive descent.
private struct JSONReader {
    /// Why there is no value; nobody asks for more than that.
    struct Malformed: Error {}

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    private static let maximumDepth = 32

    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = bytes.starts(with: Self.byteOrderMark) ? Self.byteOrderMark.count : 0
    }

    mutating func document() throws(Malformed) -> JSONDocument {
        let document = try value(depth: 1)
        guard next == nil else { throw Malformed() }
        return document
    }

    private mutating func value(depth: Int) throws(Malformed) -> JSONDocument {
        guard depth <= Self.maximumDepth else { throw Malformed() }
        defer { skipWhiteSpace() }
        skipWhiteSpace()
        switch next {
        case UInt8(ascii: "{"): return .object(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try items(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .boolean(true))
        case UInt8(ascii: "f"): return try literal("false", .boolean(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return .number(try number())
        }
    }

    // MARK: Structure

    private mutating func members(depth: Int) throws(Malformed) -> [String: JSONDocument] {
        var members: [String: JSONDocument] = [:]
        try take("{")
        skipWhiteSpace()
        if takeIf("}") { return members }
        repeat {
            skipWhiteSpace()
            let name = try string()
            skipWhiteSpace()
            try take(":")
            let value = try value(depth: depth + 1)
            guard members.updateValue(value, forKey: name) == nil else { throw Malformed() }
        } while takeIf(",")
        try take("}")
        return members
    }

    private mutating func items(depth: Int) throws(Malformed) -> [JSONDocument] {
        var items: [JSONDocument] = []
        try take("[")
        skipWhiteSpace()
        if takeIf("]") { return items }
        repeat { items.append(try value(depth: depth + 1)) } while takeIf(",")
        try take("]")
        return items
    }

    // MARK: Scalars

    private mutating func literal(_ word: StaticString, _ value: JSONDocument) throws(Malformed) -> JSONDocument {
        for index in 0..<word.utf8CodeUnitCount {
            guard takeByte() == word.utf8Start[index] else { throw Malformed() }
        }
        return value
    }

    /// `[ minus ] int [ frac ] [ exp ]` (§6).
    private mutating func number() throws(Malformed) -> String {
        let start = position
        _ = takeIf("-")
        if !takeIf("0") { try digits() }
        if takeIf(".") { try digits() }
        if takeIf("e") || takeIf("E") {
            _ = takeIf("+") || takeIf("-")
            try digits()
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() throws(Malformed) {
        guard let first = next, first.isASCIIDigit else { throw Malformed() }
        while let digit = next, digit.isASCIIDigit { position += 1 }
    }

    private mutating func string() throws(Malformed) -> String {
        try take("\"")
        var text: [UInt8] = []
        while let byte = takeByte() {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else { throw Malformed() }
                return text
            case UInt8(ascii: "\\"): try appendEscape(to: &text)
            case 0..<0x20: throw Malformed()
            default: text.append(byte)
            }
        }
        throw Malformed()
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws(Malformed) {
        switch takeByte() {
        case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): text.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try escapedScalar()).utf8)
        default: throw Malformed()
        }
    }

    /// Four hex digits after `\u`, or two such escapes of a surrogate pair (§7).
    private mutating func escapedScalar() throws(Malformed) -> Unicode.Scalar {
        let unit = try codeUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard (0xD800..<0xDC00).contains(unit) else { throw Malformed() }
        try take("\\")
        try take("u")
        let low = try codeUnit()
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw Malformed() }
        return scalar
    }

    private mutating func codeUnit() throws(Malformed) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = takeByte().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw Malformed()
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    // MARK: Bytes

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func takeByte() -> UInt8? {
        guard let byte = next else { return nil }
        position += 1
        return byte
    }

    private mutating func takeIf(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func take(_ character: Unicode.Scalar) throws(Malformed) {
        guard takeIf(character) else { throw Malformed() }
    }

    private mutating func skipWhiteSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }
}
