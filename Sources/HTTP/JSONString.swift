extension [UInt8] {
    /// Appends a JSON string (RFC 8259 §7), quotes and all.
    package mutating func append(json text: String) {
        append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            // Nearly all of what is written here is plain: tokens, scopes, names.
            if Self.isPlain(bytes) { append(contentsOf: bytes) } else { bytes.forEach { append(escaped: $0) } }
        }
        append(UInt8(ascii: "\""))
    }

    /// Eight bytes at a time: one by one this was the costliest part of handing a token out. A byte below 0x20, or one that
    /// is zero once the quote or backslash is taken out of it, borrows from its own highest bit.
    private static func isPlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let raw = UnsafeRawBufferPointer(bytes)
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = 0
        while index + 8 <= raw.count {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let quote = word ^ (ones * UInt64(UInt8(ascii: "\"")))
            let backslash = word ^ (ones * UInt64(UInt8(ascii: "\\")))
            let special = (word &- ones * 0x20) & ~word | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash
            if special & (ones * 0x80) != 0 { return false }
            index += 8
        }
        return bytes[index...].allSatisfy(isPlain)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func append(escaped byte: UInt8) {
        if Self.isPlain(byte) { return append(byte) }
        let digits = Array("0123456789abcdef".utf8)
        append(contentsOf: "\\u00".utf8)
        append(digits[Int(byte >> 4)])
        append(digits[Int(byte & 0xF)])
    }
}
