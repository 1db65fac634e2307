import Testing

@testable import Sockets

struct NetworkTests {
    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.1.2.4", false), ("10.1.2.2/31", "10.1.2.3", true), ("0.0.0.0/0", "192.0.2.1", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("fd00::/8", "fdff::1", true), ("fd00::/8", "fe00::", false),
        ("::/0", "2001:db8::1", true), ("::/0", "192.0.2.1", false), ("2001:db8::/65", "2001:db8::7fff:0:0:1", true),
        ("2001:db8::/65", "2001:db8::8000:0:0:1", false), ("2001:db8::/64", "2001:db8::ffff:0:0:1", true),
        ("2001:db8::1", "2001:db8::1", true), ("2001:db8::1", "2001:db8::2", false),
        ("10.0.0.0/8", "::ffff:10.0.0.1", true), ("::ffff:10.0.0.0/104", "10.9.9.9", true),
        ("::ffff:10.0.0.0/104", "11.0.0.0", false),
    ])
    func `an address is in a network or not`(_ network: String, _ host: String, _ isIn: Bool) throws {
        let address = try #require(SocketAddress(host.contains(":") ? "[\(host)]:443" : "\(host):443"))
        #expect(try #require(Network(network)).contains(address) == isIn)
    }

    @Test(arguments: [
        "", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08x", "10.0.0.0/8/8", "10.0.0.1/8", "10.0.0/8",
        "fd00::/129", "fd00::1/64", "localhost", "10.0.0.0:80", "[fd00::]/8", "10.0.0.0/٨", "10.0.0.0/0008",
    ])
    func `what is no network is refused, as is one with bits beyond its prefix`(_ text: String) {
        #expect(Network(text) == nil)
    }

    @Test(arguments: [("10.0.0.0/8", "10.0.0.0/8"), ("10.1.2.3", "10.1.2.3/32"), ("FD00:0::/8", "fd00::/8")])
    func `it prints as it is written`(_ text: String, _ description: String) throws {
        #expect(try #require(Network(text)).description == description)
    }
}
