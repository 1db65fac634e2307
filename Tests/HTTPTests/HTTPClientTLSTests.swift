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

    @Test func `a certificate before its time is refused`() async throws {
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        try await expect(.notYetValid, of: certificates.issue(validity: .future), trusting: trust)
    }

    @Test func `a certificate for clients alone is refused`() async throws {
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        try await expect(.untrusted(code: 26), of: certificates.issue(usage: "clientAuth"), trusting: trust)
    }

    @Test func `a server that demands a certificate has it, and says so when it gets none or another's`() async throws {
        let pair = try certificates.issue()
        let others = try Certificates().issue()
        let context = try TLSContext.server(
            certificateFile: pair.certificateFile, keyFile: pair.keyFile,
            clients: .init(caFile: certificates.authorityFile, isRequired: true))
        func trust(showing pair: Certificates.Pair?) throws -> TLSContext {
            try .client(
                caFile: certificates.authorityFile,
                certificate: pair.map { .init(certificate: $0.certificateFile, key: $0.keyFile) })
        }
        try await HTTPTests.withServer({ $0.tls = CurrentTLSContext(context) }) { server in
            let response = try await get("localhost", from: server, trusting: trust(showing: pair))
            #expect(response.status == .ok)
            await #expect(throws: HTTPClientError.tls(.certificateRequired)) {
                try await get("localhost", from: server, trusting: trust(showing: nil))
            }
            await #expect(throws: HTTPClientError.tls(.refusedByPeer(alert: "unknown ca"))) {
                try await get("localhost", from: server, trusting: trust(showing: others))
            }
        }
    }

    @Test func `connections of different client certificates are kept apart`() async throws {
        let pair = try certificates.issue()
        let context = try TLSContext.server(
            certificateFile: pair.certificateFile, keyFile: pair.keyFile,
            clients: .init(caFile: certificates.authorityFile, isRequired: true))
        var configuration = HTTPClient.Configuration()
        configuration.idleTimeout = .seconds(600)
        let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
        let tellName: Handler = { request in
            Response(.ok, type: "text/plain", body: Array((request.clientCertificate?.dnsNames.first ?? "").utf8))
        }
        try await HTTPTests.withServer({ $0.tls = CurrentTLSContext(context) }, answering: tellName) { server in
            let names = ["a.example", "b.example"]
            let trusts = try names.map { name in
                let pair = try certificates.issue(names: "DNS:\(name)")
                return try TLSContext.client(
                    caFile: certificates.authorityFile,
                    certificate: .init(certificate: pair.certificateFile, key: pair.keyFile))
            }
            for _ in 0..<2 {
                for (name, trust) in zip(names, trusts) {
                    let response = try await get("localhost", from: server, with: client, trusting: trust)
                    #expect(response.body == Array(name.utf8))
                }
            }
            #expect(server.connectionCount == 2)
        }
    }

    @Test func `an answer without length has to end with the session, not with the connection`() async throws {
        let head = "HTTP/1.1 200 OK\r\n\r\n"
        let whole = try await answer(with: head + "the whole answer") { stream in stream.finishWriting() }
        #expect(whole.map(\.body) == .success(Array("the whole answer".utf8)))
        let cut = try await answer(with: head + "the whole") { _ in }
        #expect(cut.map(\.body) == .failure(.closed))
    }

    @Test func `the server learns that a connection has ended, and was not cut`() async throws {
        let answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
        let end = try await self.answer(with: answer) { stream in
            var rest: [UInt8] = []
            // A connection that was cut throws.
            let count = try await stream.read(into: &rest, by: .generous)
            #expect(count == 0)
        }
        #expect(end.map(\.status) == .success(.noContent))
    }

    /// Has a server of one connection answer a request, and end as it is told.
    private func answer(
        with text: String, _ end: @escaping @Sendable (inout ByteStream) async throws -> Void
    ) async throws -> Result<Response, HTTPClientError> {
        let pair = try certificates.issue()
        let context = try TLSContext.server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        let socket = try Socket.listening(at: .loopback(), isShared: false)
        let url = try #require(HTTPURL("https://localhost:\(socket.localAddress().port)/"))
        let descriptor = socket.release()
        let loop = try TestLoops.group.loops[0]
        let server = Task(executorPreference: loop) {
            let listener = try Listener(Socket(adopting: descriptor), on: loop)
            var accepted: Int32?
            while accepted == nil {
                // Another test's server that drains interrupts every listener of the loop.
                do { accepted = try await listener.accept().descriptor } catch SocketError.interrupted {}
            }
            var stream = try ByteStream(Socket(adopting: #require(accepted)), on: loop)
            try await stream.acceptTLS(context, by: .generous)
            var request: [UInt8] = []
            _ = try await stream.read(into: &request, by: .generous)
            try await stream.write(Array(text.utf8), by: .generous)
            try await end(&stream)
        }
        let client = try await ask(url, trusting: trust)
        try await server.value
        return client
    }

    private func ask(_ url: HTTPURL, trusting trust: TLSContext) async throws -> Result<Response, HTTPClientError> {
        let client = HTTPClient(on: try TestLoops.group)
        do throws(HTTPClientError) {
            return .success(try await client.send(.get, to: url, tls: trust, by: .generous))
        } catch { return .failure(error) }
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
        try await HTTPTests.withServer({ $0.tls = tls.map(CurrentTLSContext.init) }, body)
    }

    private func get(
        _ host: String, from server: HTTPServer, with client: HTTPClient? = nil, trusting trust: TLSContext
    ) async throws -> Response {
        let client = try client ?? HTTPClient(on: TestLoops.group)
        let url = try #require(HTTPURL("https://\(host):\(server.address.port)/"))
        return try await Task(executorPreference: TestLoops.group.loops[0]) {
            try await client.send(.get, to: url, tls: trust, by: .generous)
        }.value
    }
}
