/// `application/x-www-form-urlencoded` (WHATWG URL §5; RFC 6749 appendix B): names and values in order, as bodies and queries carry them.
package struct FormBody: Sendable, Equatable {
    /// Why a body or query is refused.
    package enum Malformed: Error, Equatable {
        /// A `%` without two hex digits after it.
        case percentEncoding
        /// A name or value that is not UTF-8, or holds NUL.
        case text
        case tooManyPairs
    }

    package var pairs: [Pair]

    /// One `name=value`, decoded.
    package struct Pair: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(_ pairs: [Pair] = []) { self.pairs = pairs }

    /// Reads a body or query. Empty pieces between `&` are skipped, as browsers do.
    ///
    /// - Parameter maximumPairs: More than that is refused before it is read.
    package init(
        parsing bytes: some Collection<UInt8>, maximumPairs: Int = 64
    ) throws(Malformed) {
        var pairs: [Pair] = []
        for piece in bytes.split(separator: UInt8(ascii: "&")) {
            guard pairs.count < maximumPairs else { throw .tooManyPairs }
            let halves = piece.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            pairs.append(
                Pair(try Self.decode(halves[0]), halves.count > 1 ? try Self.decode(halves[1]) : ""))
        }
        self.pairs = pairs
    }

    /// The body or query that says this.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for (index, pair) in pairs.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: "&")) }
            Self.encode(pair.name, into: &bytes)
            bytes.append(UInt8(ascii: "="))
            Self.encode(pair.value, into: &bytes)
        }
        return bytes
    }

    /// Decodes one name or value: `+` is a space, `%XX` a byte.
    package static func decode(_ bytes: some Collection<UInt8>) throws(Malformed) -> String {
        guard let decoded = PercentEncoding.decode(bytes, plusIsSpace: true) else { throw .percentEncoding }
        guard !decoded.contains(0), let text = String(validating: decoded, as: UTF8.self) else { throw .text }
        return text
    }

    /// Encodes one name or value; everything but unreserved characters is escaped, and a space is `+`.
    package static func encode(_ text: String, into bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case _ where byte.isASCIILetter || byte.isASCIIDigit || "-._*".utf8.contains(byte):
                bytes.append(byte)
            case UInt8(ascii: " "):
                bytes.append(UInt8(ascii: "+"))
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(PercentEncoding.upperHex(byte >> 4))
                bytes.append(PercentEncoding.upperHex(byte & 0xF))
            }
        }
    }
}

/// Percent-encoding (RFC 3986 §2.1).
enum PercentEncoding {
    /// The bytes that `%XX` stand for; nil when a `%` has no two hex digits after it.
    static func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
                    return nil
                }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                decoded.append(UInt8(ascii: " "))
            default:
                decoded.append(byte)
            }
        }
        return decoded
    }

    static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    static func upperHex(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
