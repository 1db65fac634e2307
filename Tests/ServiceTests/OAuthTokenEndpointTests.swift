import HTTP
import Sockets
import Support
import Testing
import TokenBroker

@testable import Service

struct OAuthTokenEndpointTests {
    @Test func `mints of many tenants of one vendor follow one another over one connection`() async throws {
        let upstream = ScriptedUpstream()
        let server = try HTTPServer(at: .loopback(), on: TestLoops.group, handler: upstream.respond)
        let example = UpstreamExchange.initech("http://\(server.address)")
        let tenants = (1...50).map {
            Tenant(name: "tenant-\($0)", provider: example.provider, credential: example.credential, scopes: .empty)
        }
        var configuration = HTTPClient.Configuration()
        configuration.idleTimeout = .seconds(600)
        let client = HTTPClient(on: try TestLoops.group, configuration: configuration)
        let endpoint = OAuthTokenEndpoint(client: client, tls: try UpstreamTLS(for: tenants))
        // On one loop, since each loop has connections of its own.
        let tokens = try await Task(executorPreference: TestLoops.group.loops[0]) {
            var tokens: [MintedToken] = []
            for tenant in tenants {
                tokens.append(try await endpoint.mint(tenant, scopes: .empty, deadline: .generous))
            }
            return tokens
        }.value
        #expect(tokens.map(\.token) == (1...50).map { Secret("initech-token-\($0)") })
        #expect(upstream.requests.count == 50)
        #expect(Set(upstream.requests.map(\.peer.port)).count == 1)
        await server.drain(within: .zero)
    }
}
