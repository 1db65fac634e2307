import Glibc

/// An IPv4 or IPv6 address with its port, as the kernel takes it.
package struct SocketAddress: Sendable {
    private var storage: sockaddr_storage
    private var length: socklen_t

    /// The IPv4 loopback address.
    package static func loopback(port: UInt16 = 0) -> SocketAddress {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return SocketAddress(address)
    }

    private init<Address>(_ address: Address) {
        self = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                SocketAddress(copying: $0, length: socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    /// Copies what a system call takes or has filled in.
    init(copying address: UnsafePointer<sockaddr>, length: socklen_t) {
        precondition(Int(length) <= MemoryLayout<sockaddr_storage>.size, "the kernel's addresses fit sockaddr_storage")
        storage = sockaddr_storage()
        self.length = length
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
    }

    /// Reads a literal `address:port`, IPv6 in brackets (`[::]:8080`); a name is refused. nil when it is not one.
    package init?(_ text: String) {
        // For inet_pton a NUL would end the text.
        guard let colon = text.lastIndex(of: ":"), !text.utf8.contains(0) else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
            var address = sockaddr_in6()
            guard inet_pton(AF_INET6, String(host), &address.sin6_addr) == 1 else { return nil }
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            self.init(address)
        } else {
            var address = sockaddr_in()
            guard inet_pton(AF_INET, String(host), &address.sin_addr) == 1 else { return nil }
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            self.init(address)
        }
    }

    var family: Int32 { Int32(storage.ss_family) }

    package var port: UInt16 {
        withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
    }

    /// The same address with another port.
    func with(port: UInt16) -> SocketAddress {
        var address = self
        // sin_port and sin6_port are both at offset 2.
        withUnsafeMutableBytes(of: &address.storage) {
            $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
        }
        return address
    }

    /// Whether only this machine can reach it.
    package var isLoopback: Bool {
        withUnsafeBytes(of: storage) { bytes in
            switch family {
            case AF_INET: bytes[4] == 127
            case AF_INET6: bytes[8..<23].allSatisfy { $0 == 0 } && bytes[23] == 1
            default: false
            }
        }
    }

    /// What stands for a peer when peers are counted: an IPv4 address, mapped into IPv6 or not, or the first 64 bits of an
    /// IPv6 address, of which a single host commonly has all the rest (RFC 6177). The two never meet: IPv4 numbers lie in
    /// `::/32`, which is nobody's.
    package var network: UInt64 {
        withUnsafeBytes(of: storage) { bytes in
            func number<Bits: FixedWidthInteger>(at offset: Int, _: Bits.Type) -> UInt64 {
                UInt64(truncatingIfNeeded: Bits(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Bits.self)))
            }
            // sin_addr is at offset 4, sin6_addr at offset 8; ::ffff:0:0/96 is IPv4 (RFC 4291 §2.5.5.2).
            if family == AF_INET { return number(at: 4, UInt32.self) }
            let isMapped = number(at: 8, UInt64.self) == 0 && number(at: 16, UInt32.self) == 0xFFFF
            return isMapped ? number(at: 20, UInt32.self) : number(at: 8, UInt64.self)
        }
    }

    /// The address as IPv6 has it, IPv4 mapped (RFC 4291 §2.5.5.2).
    var bits: (high: UInt64, low: UInt64) {
        withUnsafeBytes(of: storage) { bytes in
            // sin_addr is at offset 4, sin6_addr at offset 8.
            if family == AF_INET {
                let address = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                return (0, 0xFFFF << 32 | UInt64(address))
            }
            return (
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            )
        }
    }

    /// Whether it is an IPv4 address, mapped into IPv6 or not.
    var isIPv4: Bool { bits.high == 0 && bits.low >> 32 == 0xFFFF }

    /// The address without its port: `127.0.0.1`, `::1`.
    package var host: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        withUnsafeBytes(of: storage) { bytes in
            // sin_addr is at offset 4, sin6_addr at offset 8.
            _ = inet_ntop(
                family, bytes.baseAddress?.advanced(by: family == AF_INET ? 4 : 8), &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:8080`, `[::1]:8080`.
    package var description: String { family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
