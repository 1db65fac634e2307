/// A range of IP addresses in CIDR notation (RFC 4632 §3.1), such as `10.0.0.0/8` or `fd00::/8`; without a prefix length one
/// address.
///
/// An IPv4 address is the same address whether or not it is mapped into IPv6 (RFC 4291 §2.5.5.2), and is in no network that
/// is written as one of IPv6 addresses, `::/0` among them.
package struct Network: Hashable, Sendable, CustomStringConvertible {
    /// As it is written, with its prefix length.
    package let description: String
    private let isIPv4: Bool
    private let first: Bits
    private let mask: Bits

    /// An address as IPv6 has it, IPv4 mapped.
    private struct Bits: Hashable {
        let high, low: UInt64

        static func & (one: Bits, other: Bits) -> Bits { Bits(high: one.high & other.high, low: one.low & other.low) }

        /// The mask of the first `length` bits, of 128.
        static func mask(_ length: Int) -> Bits {
            // Swift's shifts by 64 and more leave zero.
            Bits(high: ~(UInt64.max >> length), low: length > 64 ? ~(UInt64.max >> (length - 64)) : 0)
        }
    }

    /// nil when it is no such text, or has bits set beyond its prefix: then it is not clear what was meant.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let host = parts[0]
        guard let address = SocketAddress(host.contains(":") ? "[\(host)]:0" : "\(host):0") else { return nil }
        let width = host.contains(":") ? 128 : 32
        var length = width
        if parts.count > 1 {
            guard let given = Self.length(parts[1]), given <= width else { return nil }
            length = given
        }
        description = "\(address.host)/\(length)"
        let (high, low) = address.bits
        first = Bits(high: high, low: low)
        mask = .mask(length + 128 - width)
        // What is mapped is IPv4 as far as all of it is.
        isIPv4 = address.isIPv4 && length + 128 - width >= 96
        guard first & mask == first else { return nil }
    }

    /// Whether the address is in it, whatever its port.
    package func contains(_ address: SocketAddress) -> Bool {
        let (high, low) = address.bits
        return address.isIPv4 == isIPv4 && Bits(high: high, low: low) & mask == first
    }

    private static func length(_ text: Substring) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}
