/// What a master key is told from others by: it may be seen, and says nothing of the key.
package struct KeyID: Hashable, Sendable, CustomStringConvertible {
    let number: UInt32

    init(number: UInt32) { self.number = number }

    /// The id that four bytes stand for, the first of them the highest.
    init(_ bytes: some Sequence<UInt8>) { number = bytes.reduce(0) { $0 << 8 | UInt32($1) } }

    /// The same four bytes.
    var bytes: [UInt8] { (0..<4).reversed().map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }

    /// Eight hex digits.
    package var description: String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
