import Crypto

/// The first 64 bits of a SHA-256: the only form in which a token or secret may appear in a log, a metric or a page.
package struct Fingerprint: Hashable, Sendable, CustomStringConvertible {
    let number: UInt64

    /// The fingerprint of a token or secret.
    package init(of text: String) { number = Digest256(SHA256.hash(data: Array(text.utf8))).prefix }

    /// Reads 16 lower-case hex digits; nil for anything else.
    package init?(parsing text: String) {
        let isHex = { (byte: UInt8) in (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) }
        guard text.utf8.count == 16, text.utf8.allSatisfy(isHex), let number = UInt64(text, radix: 16) else {
            return nil
        }
        self.number = number
    }

    init(number: UInt64) { self.number = number }

    /// 16 hex digits.
    package var text: String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    package var description: String { text }
}
