import Support
import Testing

@testable import Sockets

struct NameResolverTests {
    @Test(arguments: [("127.0.0.1", "127.0.0.1:80"), ("::1", "[::1]:80")])
    func `a literal is its own address`(host: String, address: String) async throws {
        #expect(try await resolve(host, by: .generous) == [address])
    }

    @Test func `localhost is this machine`() async throws {
        let addresses = try await resolve("localhost", by: .generous)
        #expect(!addresses.isEmpty)
        #expect(Set(addresses).isSubset(of: ["127.0.0.1:80", "[::1]:80"]))
    }

    /// A name that DNS cannot hold, so that no server is asked.
    @Test(arguments: ["a..b", String(repeating: "a", count: 64) + ".example", ""])
    func `a name that cannot be has no address`(host: String) async throws {
        await #expect { _ = try await resolve(host, by: .generous) } throws: { error in
            guard case .unknownHost(let reason)? = error as? SocketError else { return false }
            return !reason.isEmpty
        }
    }

    @Test func `an answer after the deadline is none`() async throws {
        await #expect(throws: SocketError.timedOut) { _ = try await resolve("localhost", by: .now) }
    }

    private func resolve(_ host: String, by deadline: ContinuousClock.Instant) async throws -> [String] {
        try await TestLoops.run { loop in
            try await NameResolver.resolve(host, port: 80, on: loop, by: deadline).map(\.description)
        }
    }
}
