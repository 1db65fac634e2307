import Testing

@testable import Sockets

struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:8080", "127.0.0.1", 8080, true),
        ("127.255.0.9:1", "127.255.0.9", 1, true),
        ("0.0.0.0:0", "0.0.0.0", 0, false),
        ("10.1.2.3:65535", "10.1.2.3", 65535, false),
        ("[::1]:443", "::1", 443, true),
        ("[::]:80", "::", 80, false),
        ("[2001:db8::1]:80", "2001:db8::1", 80, false),
        ("[::ffff:127.0.0.1]:80", "::ffff:127.0.0.1", 80, false),
    ])
    func `a literal is read, and printed as it was`(text: String, host: String, port: UInt16, isLoopback: Bool) throws {
        let address = try #require(SocketAddress(text))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.isLoopback == isLoopback)
        #expect(address.description == text)
    }

    @Test func `IPv6 is printed in its short form`() {
        #expect(SocketAddress("[2001:DB8:0:0:0:0:0:1]:80")?.description == "[2001:db8::1]:80")
    }

    @Test(arguments: [
        ("127.0.0.1:1", "127.0.0.1:2", true),
        ("127.0.0.1:1", "127.0.0.2:1", false),
        ("127.0.0.1:1", "[::ffff:127.0.0.1]:1", true),
        ("[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.2]:1", false),
        ("[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::2]:2", true),
        ("[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false),
        ("[::1]:1", "127.0.0.1:1", false),
    ])
    func `peers are counted by their IPv4 address or the first half of their IPv6 address`(
        one: String, other: String, isSame: Bool
    ) throws {
        let (one, other) = (try #require(SocketAddress(one)), try #require(SocketAddress(other)))
        #expect((one.network == other.network) == isSame)
    }

    @Test(arguments: [
        "", ":", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.1:65536",
        "127.0.0.1:0x50", "127.0.0.1:8O", "localhost:80", "127.1:80", "127.0.0.256:80", "127.0.0.1.1:80", "::1:80",
        "[::1]",
        "[::1:80", "::1]:80", "[]:80", "[127.0.0.1]:80", "[::1%lo]:80", " 127.0.0.1:80", "127.0.0.1\0.evil.example:80",
        "[::1\0]:80", "127.0.0.1:\u{661}",
    ])
    func `anything else is refused`(text: String) {
        #expect(SocketAddress(text) == nil)
    }
}
