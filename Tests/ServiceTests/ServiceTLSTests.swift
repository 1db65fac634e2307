import Foundation
import HTTP
import Sockets
import Support
import Synchronization
import Testing
import TokenBroker

@testable import Service

/// The whole service over TLS, towards callers and upstreams.
struct ServiceTLSTests {
    private let certificates: Certificates
    private let identity: Certificates.Pair

    init() throws {
        certificates = try Certificates()
        identity = try certificates.issue()
    }

    private func get(_ service: LoopbackService, _ path: String, trusting trust: TLSContext) async throws -> Response {
        let url = try #require(HTTPURL("https://\(service.service.address)\(path)"))
        let client = HTTPClient(on: try LoopbackService.group.get())
        return try await client.send(.get, to: url, tls: trust, by: .now.advanced(by: .seconds(300)))
    }

    @Test func `certificates are replaced on request, and handshakes counted`() async throws {
        let next = try Certificates()
        let pair = try next.issue()
        try await LoopbackService.run { configuration in
            configuration.listenTLS = .init(certificate: identity.certificateFile, key: identity.keyFile)
            configuration.metricsListen = .loopback()
        } _: { service in
            let (before, after) = try (
                TLSContext.client(caFile: certificates.authorityFile), TLSContext.client(caFile: next.authorityFile)
            )
            #expect(try await get(service, "/livez", trusting: before).status == .ok)
            for (from, to) in [
                (pair.certificateFile, identity.certificateFile), (pair.keyFile, identity.keyFile),
            ] {
                try Data(contentsOf: URL(fileURLWithPath: from)).write(to: URL(fileURLWithPath: to))
            }
            await service.service.reload()
            #expect(try await get(service, "/livez", trusting: after).status == .ok)
            await #expect(throws: HTTPClientError.tls(.unknownIssuer)) {
                try await get(service, "/livez", trusting: before)
            }
            let metrics = try await service.metricsListener("/metrics").text
            #expect(metrics.contains("tokenwell_tls_handshakes_total{outcome=\"full\"} 2\n"))
            #expect(metrics.contains("tokenwell_tls_reloads_total{outcome=\"ok\"} 2\n"))
        }
    }

    @Test func `a handshake that fails is logged with its reason and its client's address`() async throws {
        let expired = try certificates.issue(validity: .past)
        try await LoopbackService.run { configuration in
            configuration.listenTLS = .init(
                certificate: identity.certificateFile, key: identity.keyFile,
                clients: .init(caFile: certificates.authorityFile, isRequired: true))
        } _: { service in
            let trust = try TLSContext.client(
                caFile: certificates.authorityFile,
                certificate: .init(certificate: expired.certificateFile, key: expired.keyFile))
            await #expect(throws: HTTPClientError.tls(.refusedByPeer(alert: "certificate expired"))) {
                try await get(service, "/livez", trusting: trust)
            }
            var line: Substring?
            let deadline = ContinuousClock.Instant.generous
            // The client learns it before the log does.
            while line == nil, ContinuousClock.now < deadline {
                await Task.yield()
                line = service.log.split(separator: "\n").first { $0.contains("TLS handshakes failed") }
            }
            #expect(line?.contains("\"bad_certificate\":\"1\"") == true)
            #expect(line?.contains("\"last_reason\":\"the peer's certificate has expired\"") == true)
            #expect(line?.contains("\"last_address\":\"127.0.0.1\"") == true)
        }
    }

    @Test func `an upstream knows the broker by its certificate, and gets no secret`() async throws {
        let seen = Mutex<[Request]>([])
        var http = HTTPServer.Configuration()
        http.tls = CurrentTLSContext(
            try .server(
                certificateFile: identity.certificateFile, keyFile: identity.keyFile,
                clients: .init(caFile: certificates.authorityFile, isRequired: true)))
        let upstream = try HTTPServer(at: .loopback(), on: LoopbackService.group.get(), configuration: http) {
            request in
            seen.withLock { $0.append(request) }
            return ScriptedUpstream.token("token-by-certificate")
        }
        let client = try certificates.issue(names: "DNS:broker.example")
        try await LoopbackService.run { configuration in
            configuration.tenants.removeAll { $0.name == "initech" }
            configuration.tenants.append(
                Tenant(
                    name: "initech",
                    provider: Provider(
                        name: "oauth2", tokenURL: "https://\(upstream.address)/token", clientAuthentication: .tls),
                    credential: Credential(id: "tokenwell", secret: Secret("")), scopes: .empty,
                    caFile: certificates.authorityFile,
                    clientCertificate: .init(certificateFile: client.certificateFile, keyFile: client.keyFile)))
        } _: { service in
            let answer = try await service.get("/tokens/initech", as: "payroll")
            #expect(answer.status == 200)
        }
        await upstream.drain(within: .zero)
        let request = try #require(seen.withLock { $0 }.first)
        #expect(request.clientCertificate?.dnsNames == ["broker.example"])
        #expect(String(decoding: request.body, as: UTF8.self) == "grant_type=client_credentials&client_id=tokenwell")
        #expect(request.fields["Authorization"] == nil)
    }

    /// An upstream's mistake, and the cause that the log names.
    @Test(arguments: [
        ("expired", "tls_expired"), ("not yet valid", "tls_not_yet_valid"), ("another host", "tls_wrong_host"),
        ("self-signed", "tls_self_signed"), ("another authority", "tls_unknown_issuer"),
        ("demands a certificate", "tls_certificate_required"),
    ])
    func `a mint says what is wrong with the upstream's TLS`(what: String, cause: String) async throws {
        let pair =
            switch what {
            case "expired": try certificates.issue(validity: .past)
            case "not yet valid": try certificates.issue(validity: .future)
            case "another host": try certificates.issue(names: "DNS:elsewhere.example")
            case "self-signed": try certificates.selfSigned()
            case "another authority": try Certificates().issue()
            default: identity
            }
        var http = HTTPServer.Configuration()
        http.tls = CurrentTLSContext(
            try .server(
                certificateFile: pair.certificateFile, keyFile: pair.keyFile,
                clients: what == "demands a certificate"
                    ? .init(caFile: certificates.authorityFile, isRequired: true) : nil))
        let upstream = try HTTPServer(at: .loopback(), on: LoopbackService.group.get(), configuration: http) { _ in
            ScriptedUpstream.token("never")
        }
        try await LoopbackService.run { configuration in
            for index in configuration.tenants.indices where configuration.tenants[index].name == "initech" {
                configuration.tenants[index].provider.tokenURL = "https://\(upstream.address)/token"
                configuration.tenants[index].caFile = certificates.authorityFile
            }
        } _: { service in
            let answer = try await service.get("/tokens/initech", as: "payroll")
            #expect(answer.status == 503)
            #expect(service.log.contains("\"\(cause)\""), "\(service.log)")
        }
        await upstream.drain(within: .zero)
    }

    @Test func `SIGHUP has the running program read its certificates again`() async throws {
        let folder = try ConfigurationFolder(
            "listen: 127.0.0.1:0\ntls: {certificate: \(identity.certificateFile), key: \(identity.keyFile)}")
        let program = try Program(["serve", "--config", folder.path + "tokenwell.yaml"])
        _ = try await program.error(containing: "\"listening\"")
        kill(program.id, SIGHUP)
        let line = try await program.error(containing: "certificates reloaded")
        #expect(line.contains(identity.certificateFile))
        program.terminate()
        let end = await program.finish()
        #expect(end.status == 0, "\(end.errors)")
    }

    @Test func `a file of authorities that the environment names has to be there`() async throws {
        let folder = try ConfigurationFolder(
            "tenants: {a: {provider: oauth2, token_url: 'https://a.example/t', client_id: c, client_secret: {file: pem}}}"
        )
        try folder.write("pem", "secret")
        let file = certificates.path("missing.pem")
        let arguments = ["--config", folder.path + "tokenwell.yaml"]
        for command in ["check", "serve"] {
            let program = try Program([command] + arguments, environment: ["SSL_CERT_FILE": file])
            let end = await program.finish()
            #expect(end.status != 0)
            #expect(end.errors.contains("certificate authorities \(file): No such file or directory"), "\(end.errors)")
        }
    }

    @Test func `check shows each certificate, its names and its time`() async throws {
        let client = try certificates.issue(names: "DNS:broker.example", validity: .past)
        let nameless = try certificates.issue(names: "IP:127.0.0.1", validity: .future)
        let folder = try ConfigurationFolder(
            """
            tls:
              certificate: \(identity.certificateFile)
              key: \(identity.keyFile)
              additional: [{certificate: \(nameless.certificateFile), key: \(nameless.keyFile)}]
            tenants:
              initech:
                provider: oauth2
                token_url: https://a.example/t
                client_auth: tls
                client_id: c
                client_certificate: {certificate: \(client.certificateFile), key: \(client.keyFile)}
            """)
        let end = try await Program.run("check", "--config", folder.path + "tokenwell.yaml")
        #expect(end.status == 0)
        #expect(
            end.output.contains(
                "\n# \(identity.certificateFile): for localhost, 127.0.0.1, "
                    + "from 2020-01-01T00:00:00.000Z to 2099-01-01T00:00:00.000Z\n"))
        #expect(end.output.contains("\n# \(client.certificateFile): for broker.example, "))
        #expect(end.output.contains(" to 2020-02-01T00:00:00.000Z; expired\n"))
        #expect(end.output.contains("; not valid yet; never shown, as it has no DNS name\n"))
        #expect(!end.output.contains("client_secret"))
    }
}
