import Sockets
import Support
import Testing

@testable import HTTP

struct ConnectionPoolsTests {
    @Test func `of a thousand origins few pools are left, and those in use stay`() async throws {
        let urls = try (0..<1000).map { try #require(HTTPURL("https://vendor-\($0).example/token")) }
        let (count, isSame) = try await TestLoops.run { loop in
            let pools = ConnectionPools(of: HTTPClient.Configuration(), on: loop, share: 1)
            let used = pools.pool(for: Origin(urls[0]))
            _ = try await used.enter(by: .generous)
            for url in urls { _ = pools.pool(for: Origin(url)) }
            return (pools.count, pools.pool(for: Origin(urls[0])) === used)
        }
        #expect(count <= 64 && isSame)
    }
}
