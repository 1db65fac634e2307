package import Crypto

/// A SHA-256 (FIPS 180-4), compared in constant time.
package struct Digest256: Hashable, Sendable {
    // Words, and no SIMD vector: Swift 6.3 gives an async frame too little room for what is aligned to 32 bytes, so that
    // writing such a value goes beyond the frame's end.
    private let first, second, third, fourth: UInt64

    package init(_ digest: SHA256.Digest) {
        (first, second, third, fourth) = digest.withUnsafeBytes { bytes in
            let word = { UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)) }
            return (word(0), word(1), word(2), word(3))
        }
    }

    /// Reads 64 hex digits; nil for anything else.
    package init?(hex text: some StringProtocol) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
            return nil
        }
        let words = stride(from: 0, to: 64, by: 16).map { start in
            let digits = text.utf8.dropFirst(start).prefix(16)
            return UInt64(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0
        }
        (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
    }

    /// All 32.
    package var bytes: [UInt8] {
        [first, second, third, fourth].flatMap { word in withUnsafeBytes(of: word.bigEndian) { Array($0) } }
    }

    /// The first 64 bits.
    var prefix: UInt64 { first }

    /// 64 hex digits.
    package var hex: String {
        [first, second, third, fourth].map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// Every bit is looked at, whichever differs.
    package static func == (a: Digest256, b: Digest256) -> Bool {
        (a.first ^ b.first) | (a.second ^ b.second) | (a.third ^ b.third) | (a.fourth ^ b.fourth) == 0
    }

    /// A quarter of a digest is as evenly spread as the whole.
    package func hash(into hasher: inout Hasher) { hasher.combine(first) }
}
