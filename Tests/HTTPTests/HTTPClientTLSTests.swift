import Support
import Testing

@testable import HTTP
@testable import Sockets

/// The client and servers whose certificates are good or not.
struct HTTPClientTLSTests {
    private let certificates: Certificates

    init() throws { certificates = try Certificates() }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `a private authority is trusted where it is named`(host: String) async throws {
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        try await withServer(showing: certificates.issue()) { server in
            let response = try await get(host, from: server, trusting: trust)
            #expect(response.status == .ok)
        }
    }

    @Test func `a certificate for another host is refused`() async throws {
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        try await expect(.wrongHost, of: certificates.issue(names: "DNS:elsewhere.example"), trusting: trust)
    }

    @Test func `a certificate of an unknown authority is refused`() async throws {
        try await expect(.unknownIssuer, of: certificates.issue(), trusting: .client())
    }

    @Test func `a certificate past its time is refused`() async throws {
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        try await expect(.expired, of: certificates.issue(validity: .past), trusting: trust)
    }

    @Test func `a certificate that vouches for itself is refused`() async throws {
        try await expect(.selfSigned, of: certificates.selfSigned(), trusting: .client())
    }

    @Test func `a server without TLS is refused`() async throws {
        try await withServer { server in
            await #expect {
                _ = try await get("localhost", from: server, trusting: .client())
            } throws: { error in
                if case .tls(.protocolError)? = error as? HTTPClientError { true } else { false }
            }
        }
    }

    @Test func `a connection over TLS is used again, by those of the same trust alone`() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.idleTimeout = .seconds(600)
        let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
        try await withServer(showing: certificates.issue()) { server in
            do {
                let trust = try TLSContext.client(caFile: certificates.authorityFile)
                for _ in 0..<2 { _ = try await get("localhost", from: server, with: client, trusting: trust) }
                #expect(server.connectionCount == 1)
            }
            // One of these may lie in memory where the trusting one lay.
            let others = try (0..<20).map { _ in try TLSContext.client() }
            for other in others {
                await #expect(throws: HTTPClientError.tls(.unknownIssuer)) {
                    _ = try await get("localhost", from: server, with: client, trusting: other)
                }
            }
        }
    }

    private func expect(_ error: TLSError, of pair: Certificates.Pair, trusting trust: TLSContext) async throws {
        try await withServer(showing: pair) { server in
            await #expect(throws: HTTPClientError.tls(error)) {
                _ = try await get("localhost", from: server, trusting: trust)
            }
        }
    }

    private func withServer(
        showing pair: Certificates.Pair? = nil, _ body: (HTTPServer) async throws -> Void
    ) async throws {
        let tls = try pair.map { try TLSContext.server(certificateFile: $0.certificateFile, keyFile: $0.keyFile) }
        try await HTTPTests.withServer({ $0.tls = tls }, body)
    }

    private func get(
        _ host: String, from server: HTTPServer, with client: HTTPClient? = nil, trusting trust: TLSContext
    ) async throws -> Response {
        let client = try client ?? HTTPClient(on: TestLoops.group)
        let url = try #require(HTTPURL("https://\(host):\(server.address.port)/"))
        return try await Task(executorPreference: TestLoops.group.loops[0]) {
            try await client.send(.get, to: url, tls: trust, owner: "", by: .generous)
        }.value
    }
}
