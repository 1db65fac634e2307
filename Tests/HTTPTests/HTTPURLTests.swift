import Testing

@testable import HTTP

struct HTTPURLTests {
    @Test(arguments: [
        ("http://a", "a", 80, "/", "a", "http://a/"), ("https://a/", "a", 443, "/", "a", "https://a/"),
        ("https://A.Example:8443/b?c", "a.example", 8443, "/b?c", "a.example:8443", "https://a.example:8443/b?c"),
        ("https://a:443/b", "a", 443, "/b", "a", "https://a/b"),
        ("http://a:443", "a", 443, "/", "a:443", "http://a:443/"),
        ("http://a?b", "a", 80, "/?b", "a", "http://a/?b"),
        ("http://[::1]:8/b", "::1", 8, "/b", "[::1]:8", "http://[::1]:8/b"),
        ("http://[2001:DB8::1]", "2001:db8::1", 80, "/", "[2001:db8::1]", "http://[2001:db8::1]/"),
        ("http://a_b-c.d/e:f@g", "a_b-c.d", 80, "/e:f@g", "a_b-c.d", "http://a_b-c.d/e:f@g"),
    ])
    func `is taken apart`(
        text: String, host: String, port: UInt16, target: String, authority: String, description: String
    ) throws {
        let url = try #require(HTTPURL(text))
        #expect(url.host == host && url.port == port && url.target == target)
        #expect(url.authority == authority && url.description == description)
    }

    @Test(arguments: [
        "", "a", "/a", "//a", "http:", "http://", "http:///a", "https:/a", "ftp://a", "HTTP://a", " http://a",
        "http://a ",
        "http://a/ b", "http://a/\r\nX: y", "http://a/é", "http://é/", "http://a#b", "http://a/b#c", "http://u@a",
        "http://u:p@a",
        "http://a:", "http://a:0", "http://a:65536", "http://a:-1", "http://a:+1", "http://a:8a", "http://a:1:2",
        "http://:80",
        "http://[::1", "http://::1", "http://[]", "http://[:::::]", "http://[127.0.0.1]", "http://[::1]a",
        "http://[::1]a:80",
        "http://[::1%25lo]", "http://a%2Fb", "http://a,b", "http://a\\b",
        "http://a/" + String(repeating: "b", count: 2048),
    ])
    func `is refused`(text: String) {
        #expect(HTTPURL(text) == nil)
    }

    @Test(arguments: [
        ("http://localhost", true), ("http://127.0.0.1", true), ("http://127.9.8.7", true), ("http://[::1]", true),
        ("http://128.0.0.1", false), ("http://127.0.0.1.example", false), ("http://127.0.0.256", false),
        ("http://127.1", false),
        ("http://localhost.example", false), ("http://0.0.0.0", false), ("http://[::]", false),
    ])
    func `only this machine is the loopback`(text: String, isLoopback: Bool) throws {
        #expect(try #require(HTTPURL(text)).isLoopback == isLoopback)
    }
}
