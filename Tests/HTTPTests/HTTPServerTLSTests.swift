import Support
import Synchronization
import Testing

@testable import HTTP
@testable import Sockets

/// The server over TLS, with `curl` and `openssl s_client` for its clients.
struct HTTPServerTLSTests {
    private let certificates: Certificates
    private let identity: Certificates.Pair

    init() throws {
        certificates = try Certificates()
        identity = try certificates.issue()
    }

    // MARK: - curl

    /// What a client offers, and what comes of it: what `curl` prints, or its error (35: no TLS connection).
    struct Offer: CustomTestStringConvertible {
        let testDescription: String, options: [String], printed: String, status: Int32

        init(_ name: String, _ options: [String], _ printed: String, status: Int32 = 0) {
            (testDescription, self.options, self.printed, self.status) = (name, options, printed, status)
        }
    }

    private static let offers = [
        Offer("TLS 1.3", ["--tlsv1.3"], "SSL connection using TLSv1.3 / TLS_"),
        Offer("TLS 1.2", ["--tls-max", "1.2"], "SSL connection using TLSv1.2 / ECDHE-ECDSA-AES"),
        Offer("HTTP/1.1 beside HTTP/2", ["--http2"], "ALPN: server accepted http/1.1"),
        Offer("HTTP/1.1 alone", ["--http1.1"], "ALPN: server accepted http/1.1"),
        Offer("no ALPN", ["--no-alpn"], "GET hello"),
        Offer("AES-256", ["--tls13-ciphers", "TLS_AES_256_GCM_SHA384"], "TLSv1.3 / TLS_AES_256_GCM_SHA384"),
        Offer(
            "ChaCha20", ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305"],
            "TLSv1.2 / ECDHE-ECDSA-CHACHA20-POLY1305"),
        Offer("P-384", ["--curves", "P-384"], "GET hello"),
        Offer(
            "TLS 1.1", ["--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0"], "alert protocol version", status: 35),
        Offer(
            "no forward secrecy", ["--tls-max", "1.2", "--ciphers", "AES128-GCM-SHA256"], "alert handshake failure",
            status: 35),
        Offer(
            "CBC mode", ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-SHA256"], "alert handshake failure",
            status: 35),
        Offer("another group", ["--curves", "P-521"], "alert handshake failure", status: 35),
    ]

    @Test(arguments: offers)
    func `curl is served, or refused for what it offers`(_ offer: Offer) async throws {
        try await withTLSServer { server, _ in
            let (status, output) = try curl(server, offer.options)
            #expect(output.contains(offer.printed), "\(output)")
            #expect(status == offer.status)
            #expect(output.contains("GET hello") == (offer.status == 0))
        }
    }

    @Test func `curl is shown the certificate for the name it asks for`() async throws {
        let other = try certificates.issue(names: "DNS:*.b.example")
        let context = try TLSContext.server(
            certificateFile: identity.certificateFile, keyFile: identity.keyFile,
            additional: [.init(certificate: other.certificateFile, key: other.keyFile)])
        try await withTLSServer(context) { server, _ in
            for (host, status) in [("localhost", 0), ("x.b.example", 0), ("b.example", 60)] {
                let port = server.address.port
                let (end, output) = try PeerProgram.curl([
                    "--cacert", certificates.authorityFile, "--resolve", "\(host):\(port):127.0.0.1",
                    "https://\(host):\(port)/hello",
                ])
                #expect(end == status, "\(output)")
            }
        }
    }

    @Test func `the handler learns who the client is by its certificate`() async throws {
        let seen = Mutex<[ClientCertificate?]>([])
        let client = try certificates.issue(names: "URI:spiffe://a.example/payroll,DNS:payroll.a.example")
        let context = try listener(asking: .init(caFile: certificates.authorityFile, isRequired: false))
        let handler: Handler = { request in
            seen.withLock { $0.append(request.clientCertificate) }
            return Response(.noContent)
        }
        try await withTLSServer(context, answering: handler) { server, _ in
            for version in ["1.2", "1.3"] {
                let options = ["--tls-max", version, "--cert", client.certificateFile, "--key", client.keyFile]
                let (status, output) = try curl(server, options)
                #expect(status == 0, "\(output)")
            }
            _ = try curl(server, [])
        }
        let (uris, dnsNames) = (["spiffe://a.example/payroll"], ["payroll.a.example"])
        #expect(seen.withLock { $0.map { $0?.uris } } == [uris, uris, nil])
        #expect(seen.withLock { $0.map { $0?.dnsNames } } == [dnsNames, dnsNames, nil])
    }

    @Test(arguments: ["1.2", "1.3"])
    func `a client whose certificate has unusable names is told that it is bad`(version: String) async throws {
        let context = try listener(asking: .init(caFile: certificates.authorityFile, isRequired: false))
        let client = try certificates.issue(names: Certificates.encoded([.dns(Array("a\0b".utf8))]))
        try await withTLSServer(context) { server, _ in
            let options = ["--tls-max", version, "--cert", client.certificateFile, "--key", client.keyFile]
            let (_, output) = try curl(server, options)
            #expect(output.contains("alert bad certificate"), "\(output)")
        }
    }

    @Test func `handshakes are counted by their end`() async throws {
        let context = try listener(asking: .init(caFile: certificates.authorityFile, isRequired: true))
        let good = try certificates.issue()
        let bad = try Certificates().issue()
        try await withTLSServer(context) { server, outcomes in
            let address = "127.0.0.1:\(server.address.port)"
            let ticket = certificates.path("ticket")
            let client = ["s_client", "-connect", address, "-ign_eof"]
            // Each is waited for: the loops that serve them do not keep their order.
            func expect(_ outcome: TLSHandshakeOutcome, of connect: () throws -> Void) async throws {
                let count = outcomes.all.count
                try connect()
                let deadline = ContinuousClock.Instant.generous
                while outcomes.all.count == count, ContinuousClock.now < deadline { await Task.yield() }
                #expect(outcomes.all.dropFirst(count) == [outcome])
            }
            try await expect(.full) {
                try PeerProgram.run(
                    client + ["-cert", good.certificateFile, "-key", good.keyFile, "-sess_out", ticket])
            }
            try await expect(.resumed) { try PeerProgram.run(client + ["-sess_in", ticket]) }
            try await expect(.noCertificate) { _ = try curl(server, []) }
            try await expect(.badCertificate) {
                _ = try curl(server, ["--cert", bad.certificateFile, "--key", bad.keyFile])
            }
            try await expect(.refused) { _ = try PeerProgram.curl(["https://\(address)/"]) }
            try await expect(.protocolError) {
                _ = try curl(server, ["--tls-max", "1.1", "--ciphers", "ALL:@SECLEVEL=0"])
            }
            try await expect(.plainHTTP) { _ = try PeerProgram.curl(["http://\(address)/"]) }
            try await expect(.closed) { try server.connect().finishWriting() }
        }
    }

    // MARK: - Hostile clients

    @Test func `a client that speaks HTTP without TLS sees the connection end in good order`() async throws {
        try await withTLSServer { server, outcomes in
            let client = try server.connect()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.receiveToEnd() == "")
            try await server.waitUntil(connections: 0)
            #expect(outcomes.all == [.plainHTTP])
        }
    }

    @Test func `a client that says nothing is closed when its time is over`() async throws {
        try await withTLSServer(timeout: .milliseconds(50)) { server, outcomes in
            let client = try server.connect()
            #expect(try client.receiveToEnd() == "")
            try await server.waitUntil(connections: 0)
            #expect(outcomes.all == [.timedOut])
        }
    }

    @Test func `a client that drips its greeting has no more time than others`() async throws {
        try await withTLSServer(timeout: .milliseconds(50)) { server, outcomes in
            let client = try server.connect()
            // The head of a handshake record of 16 KiB, and then a byte whenever the server could be waiting again.
            try client.send([22, 3, 1, 0x40, 0, 1, 0, 0x3F, 0xFC, 3, 3])
            while !client.hasArrived, client.sendAtOnce([0]) == 1 { await Task.yield() }
            try await server.waitUntil(connections: 0)
            #expect(outcomes.all == [.timedOut])
        }
    }

    @Test func `a drain does not wait long for a handshake that goes no further`() async throws {
        try await withTLSServer { server, outcomes in
            let silent = try server.connect()
            try silent.send([22, 3, 1])
            try await server.waitUntil(connections: 1)
            let begin = ContinuousClock.now
            await server.drain(within: .seconds(600))
            #expect(ContinuousClock.now - begin < .seconds(300))
            #expect(server.connectionCount == 0)
            #expect(outcomes.all == [.timedOut])
        }
    }

    // MARK: - Ends

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `the server says goodbye before it closes`(version: String) async throws {
        try await withTLSServer { server, _ in
            let peer = try PeerProgram(
                ["s_client", "-connect", "127.0.0.1:\(server.address.port)", "-ign_eof", "-msg", version])
            let received = peer.finish().output.split(separator: "\n").filter { $0.hasPrefix("<<< ") }
            #expect(received.last?.hasSuffix("Alert [length 0002], warning close_notify") == true)
        }
    }

    // MARK: - Reload

    @Test func `a new certificate is shown to those who come, and those who are here keep theirs`() async throws {
        let next = try Certificates()
        let pair = try next.issue()
        let (before, after) = try (
            TLSContext.client(caFile: certificates.authorityFile), TLSContext.client(caFile: next.authorityFile)
        )
        let current = CurrentTLSContext(try listener())
        try await withServer({ $0.tls = current }) { server in
            var configuration = HTTPClient.Configuration()
            configuration.idleTimeout = .seconds(600)
            let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
            try await Self.ask(server, by: client, trusting: before)
            current.replace(with: try .server(certificateFile: pair.certificateFile, keyFile: pair.keyFile))
            try await Self.ask(server, by: client, trusting: before)
            #expect(server.connectionCount == 1)
            try await Self.ask(server, by: client, trusting: after)
            #expect(server.connectionCount == 2)
            await #expect(throws: HTTPClientError.tls(.unknownIssuer)) {
                try await Self.ask(server, by: HTTPClient(on: TestLoops.group), trusting: before)
            }
        }
    }

    @Test func `a client whose authority is withdrawn is here no more, others stay`() async throws {
        let (others, chained) = (try Certificates(), try certificates.issueThroughIntermediate())
        let identity = identity
        let context = { (file: String?) throws(TLSError) in
            try TLSContext.server(
                certificateFile: identity.certificateFile, keyFile: identity.keyFile,
                clients: file.map { .init(caFile: $0, isRequired: false) })
        }
        let ours = certificates.authorityFile
        for next in [others.authorityFile, nil] {
            let current = CurrentTLSContext(try context(ours))
            var configuration = HTTPClient.Configuration()
            configuration.idleTimeout = .seconds(600)
            let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
            let certified = try TLSContext.client(
                caFile: ours, certificate: .init(certificate: chained.certificateFile, key: chained.keyFile))
            let anonymous = try TLSContext.client(caFile: ours)
            try await withServer({ $0.tls = current }) { server in
                for trust in [certified, anonymous] { try await Self.ask(server, by: client, trusting: trust) }
                current.replace(with: try context(ours))
                for trust in [certified, anonymous] { try await Self.ask(server, by: client, trusting: trust) }
                #expect(server.connectionCount == 2)
                current.replace(with: try context(next))
                try await Self.ask(server, by: client, trusting: certified, status: .misdirectedRequest)
                try await Self.ask(server, by: client, trusting: anonymous)
                try await server.waitUntil(connections: 1)
            }
        }
    }

    @Test func `no request is lost while certificates change all the time`() async throws {
        let (identity, current) = (identity, CurrentTLSContext(try listener()))
        let trust = try TLSContext.client(caFile: certificates.authorityFile)
        var configuration = HTTPClient.Configuration()
        // Each has a handshake of its own.
        configuration.lifetime = .zero
        let client = try HTTPClient(on: TestLoops.group, configuration: configuration)
        try await withServer({ $0.tls = current }) { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<20 {
                            // The one before ends with its last session.
                            current.replace(
                                with: try .server(certificateFile: identity.certificateFile, keyFile: identity.keyFile))
                            try await Self.ask(server, by: client, trusting: trust)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    // MARK: - Tools

    private func listener(asking clients: TLSContext.ClientAuthorities? = nil) throws -> TLSContext {
        try .server(certificateFile: identity.certificateFile, keyFile: identity.keyFile, clients: clients)
    }

    /// Runs `body` against a server that does not wait long for idle clients, and notes how handshakes end.
    private func withTLSServer(
        _ context: TLSContext? = nil, timeout: Duration = .seconds(60), answering handler: @escaping Handler = tell,
        _ body: (HTTPServer, Outcomes) async throws -> Void
    ) async throws {
        let context = try context ?? listener()
        let outcomes = Outcomes()
        try await withServer(
            {
                $0.tls = CurrentTLSContext(context)
                $0.handshakeTimeout = timeout
                $0.idleTimeout = .milliseconds(500)
                $0.handshakeEnded = { outcome, _, _ in outcomes.append(outcome) }
            }, answering: handler
        ) { server in try await body(server, outcomes) }
    }

    /// How handshakes have ended, in that order.
    private final class Outcomes: Sendable {
        private let list = Mutex<[TLSHandshakeOutcome]>([])

        var all: [TLSHandshakeOutcome] { list.withLock { $0 } }

        func append(_ outcome: TLSHandshakeOutcome) { list.withLock { $0.append(outcome) } }
    }

    private func curl(_ server: HTTPServer, _ options: [String]) throws -> (status: Int32, output: String) {
        try PeerProgram.curl(
            ["--cacert", certificates.authorityFile] + options + ["https://127.0.0.1:\(server.address.port)/hello"])
    }

    private static func ask(
        _ server: HTTPServer, by client: HTTPClient, trusting trust: TLSContext, status: Status = .ok
    ) async throws {
        let url = try #require(HTTPURL("https://localhost:\(server.address.port)/"))
        let response = try await Task(executorPreference: TestLoops.group.loops[0]) {
            try await client.send(.get, to: url, tls: trust, by: .generous)
        }.value
        #expect(response.status == status)
    }
}
