/// One JSON object of string members on one line, bounded in size; no value can end the string, the object or the line.
///
/// ASCII and C1 control characters, the Unicode line separators and those that change the direction of writing (UAX #9)
/// are escaped, so that neither a parser nor a terminal sees anything but text, in the order in which it came.
struct JSONLine {
    /// With the final line feed.
    static let maximumBytes = 8192
    /// After escaping; a longer value is cut, which an ellipsis shows.
    static let maximumValueBytes = 2048

    private var bytes: [UInt8] = [UInt8(ascii: "{")]
    private var isTruncated = false

    private static let truncationMark = Array(#","truncated":"true"}"#.utf8) + [UInt8(ascii: "\n")]

    /// Adds a member; when it does not fit, it is left out and the line says `"truncated":"true"`.
    mutating func append(_ name: String, _ value: String) {
        let start = bytes.count
        if start > 1 { bytes.append(UInt8(ascii: ",")) }
        appendString(name)
        bytes.append(UInt8(ascii: ":"))
        appendString(value)
        if bytes.count + Self.truncationMark.count > Self.maximumBytes {
            bytes.removeSubrange(start...)
            isTruncated = true
        }
    }

    /// The whole line, with its line feed.
    consuming func finished() -> [UInt8] {
        bytes.append(contentsOf: isTruncated ? Self.truncationMark : Array("}\n".utf8))
        return bytes
    }

    private mutating func appendString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        let end = bytes.count + Self.maximumValueBytes
        for scalar in text.unicodeScalars {
            let escaped = Self.escaped(scalar)
            guard bytes.count + escaped.utf8.count <= end else {
                bytes.append(contentsOf: "…".utf8)
                break
            }
            bytes.append(contentsOf: escaped.utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// What stands for it in a string: nothing that ends the string or the line, or moves a terminal.
    static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{61C}", "\u{200E}", "\u{200F}", "\u{2028}"..."\u{202E}",
            "\u{2066}"..."\u{2069}":
            "\\u" + fourHexDigits(scalar.value)
        default: String(scalar)
        }
    }

    private static func fourHexDigits(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}
