/// The name of a request in its answer, the log and the audit: `X-Request-Id`.
package struct RequestID: Hashable, Sendable, CustomStringConvertible {
    private enum Origin: Hashable {
        case client(String)
        case server(UInt64)
    }

    private let origin: Origin

    /// One of ours, written as 16 hex digits.
    init(_ number: UInt64) { origin = .server(number) }

    /// The client's own, if it is 1 to 64 letters, digits, `-`, `_` or `.`; nil for anything else.
    init?(_ field: ArraySlice<UInt8>) {
        guard (1...64).contains(field.count), field.allSatisfy(Self.isPlain) else { return nil }
        origin = .client(String(decoding: field, as: UTF8.self))
    }

    package var description: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    func write(to output: inout [UInt8]) {
        switch origin {
        case .client(let text): output.append(contentsOf: text.utf8)
        case .server(let number):
            output.append(hexDigitsOf: UInt32(truncatingIfNeeded: number >> 32))
            output.append(hexDigitsOf: UInt32(truncatingIfNeeded: number))
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}

extension [UInt8] {
    /// Appends eight lower-case hex digits, all at once: every answer has sixteen of them.
    fileprivate mutating func append(hexDigitsOf number: UInt32) {
        // Spreads the eight digits over the bytes of one word, the first one lowest.
        var word = UInt64(number.byteSwapped)
        word = (word | word << 16) & 0x0000_FFFF_0000_FFFF
        word = (word | word << 8) & 0x00FF_00FF_00FF_00FF
        word = word >> 4 & 0x000F_000F_000F_000F | word << 8 & 0x0F00_0F00_0F00_0F00
        // A digit above 9 carries into its high half when 6 is added, and then lacks 0x27 to be a letter.
        let isLetter = (word + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        let digits = word + 0x3030_3030_3030_3030 + isLetter * 0x27
        Swift.withUnsafeBytes(of: digits.littleEndian) { append(contentsOf: $0) }
    }
}
