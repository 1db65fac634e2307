import Testing

@testable import Redis

struct RedisURLTests {
    @Test(arguments: [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://LOCALHOST/", "redis://localhost:6379/0"),
        ("rediss://tokenwell@redis.example:6380/15", "rediss://tokenwell@redis.example:6380/15"),
        ("redis://[::1]:6379/2", "redis://[::1]:6379/2"),
        ("redis://127.0.0.1:1", "redis://127.0.0.1:1/0"),
    ]) func `a URL is taken`(_ text: String, _ written: String) throws {
        #expect("\(try RedisURL(text))" == written)
    }

    @Test(arguments: [
        ("", RedisURL.Mistake.scheme), ("localhost:6379", .scheme), ("http://localhost", .scheme),
        ("REDIS://localhost", .scheme), ("redis://user:word@localhost", .password),
        ("redis://:word@localhost", .password),
        ("redis://@localhost", .user), ("redis://a%40b@localhost", .user), ("redis://", .host),
        ("redis://:6379", .host),
        ("redis://a b", .host), ("redis://a,b", .host), ("redis://[::1", .host), ("redis://[x]", .host),
        ("redis://a:", .port), ("redis://a:0", .port), ("redis://a:65536", .port), ("redis://a:x", .port),
        ("redis://a/x", .database), ("redis://a/-1", .database), ("redis://a/1/2", .database),
        ("redis://a/0?x=1", .database), ("redis://a/0#x", .database), ("redis://é", .host),
    ]) func `anything else is refused, and it is said why`(_ text: String, _ mistake: RedisURL.Mistake) {
        #expect(throws: mistake) { try RedisURL(text) }
    }

    @Test(arguments: [
        ("redis://localhost", true), ("redis://127.8.8.8", true), ("redis://[::1]", true), ("redis://redis", false),
        ("redis://10.0.0.1", false), ("redis://127.0.0.1.example", false),
    ]) func `the loopback is known`(_ text: String, _ isLoopback: Bool) throws {
        #expect(try RedisURL(text).isLoopback == isLoopback)
    }
}
