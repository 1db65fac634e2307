import Foundation
import Logging
import Service
import Sockets
import Testing
import TokenBroker

struct ConfigurationLoaderTests {
    private func load(_ text: String, environment: [String: String] = [:]) throws -> Configuration {
        try ConfigurationFolder(text).load(environment: environment)
    }

    private func tenant(_ text: String, environment: [String: String] = [:]) throws -> Tenant {
        try #require(try load("tenants:\n  acme: {\(text)}\n", environment: environment).tenants.first)
    }

    // MARK: - Settings

    @Test func `what is not said has its default`() throws {
        let configuration = try load("{}")
        #expect(configuration.listen.description == "127.0.0.1:8080")
        #expect(configuration.listenTLS == nil)
        #expect(configuration.metricsListen == nil)
        #expect(configuration.logLevel == .info)
        #expect(configuration.deadline == .seconds(5))
        #expect(configuration.tenants.isEmpty)
        #expect(configuration.callers.isEmpty)
    }

    @Test func `every setting is read`() throws {
        let folder = try ConfigurationFolder(
            """
            listen: 0.0.0.0:8443
            tls: {certificate: pem, key: secret}
            metrics: {listen: "[::1]:9090"}
            log: {level: debug}
            deadline: 1500ms
            """)
        let configuration = try folder.load()
        #expect(configuration.listen.description == "0.0.0.0:8443")
        #expect(configuration.listenTLS == .init(certificate: folder.path + "pem", key: folder.path + "secret"))
        #expect(configuration.metricsListen?.description == "[::1]:9090")
        #expect(configuration.logLevel == .debug)
        #expect(configuration.deadline == .milliseconds(1500))
    }

    @Test func `listen may hold its own tls`() throws {
        let folder = try ConfigurationFolder("listen: {address: 127.0.0.1:1, tls: {certificate: pem, key: pem}}")
        let configuration = try folder.load()
        #expect(configuration.listen.port == 1)
        #expect(configuration.listenTLS == .init(certificate: folder.path + "pem", key: folder.path + "pem"))
    }

    @Test func `the environment overrides the file`() throws {
        let configuration = try load(
            "listen: 127.0.0.1:1\nmetrics: {listen: 127.0.0.1:2}\nlog: {level: debug}",
            environment: [
                "TOKENWELL_LISTEN": "127.0.0.2:3", "TOKENWELL_METRICS_LISTEN": "127.0.0.2:4",
                "TOKENWELL_LOG_LEVEL": "error",
            ])
        #expect(configuration.listen.description == "127.0.0.2:3")
        #expect(configuration.metricsListen?.description == "127.0.0.2:4")
        #expect(configuration.logLevel == .error)
    }

    @Test(arguments: [("10ms", 10), ("1s", 1000), ("2m", 120_000), ("300s", 300_000)])
    func `a duration has its unit`(_ text: String, _ milliseconds: Int) throws {
        #expect(try load("deadline: \(text)").deadline == .milliseconds(milliseconds))
    }

    // MARK: - Tenants

    @Test func `pageup by environment and data center`() throws {
        let tenant = try tenant(
            "provider: pageup, environment: uat, data_center: dc3, client_id: a b, client_secret: {file: secret}, "
                + "scopes: [B, A], keep_warm: true, ca_file: pem")
        #expect(tenant.name == "acme")
        #expect(tenant.provider == .pageUp(tokenURL: "https://loginuat.dc3.pageuppeople.com/connect/token"))
        #expect(tenant.credential == Credential(id: "a b", secret: Secret("s3cret-in-a-file")))
        #expect(tenant.scopes == ScopeSet(["A", "B"]))
        #expect(tenant.keepWarm)
        #expect(tenant.caFile?.hasSuffix("/pem") == true)
    }

    @Test func `pageup by token URL`() throws {
        let tenant = try tenant(
            "provider: pageup, token_url: 'http://127.0.0.1:9/connect/token', client_id: a, client_secret: {file: secret}, "
                + "scopes: [A]")
        #expect(tenant.provider == .pageUp(tokenURL: "http://127.0.0.1:9/connect/token"))
        #expect(!tenant.keepWarm)
        #expect(tenant.caFile == nil)
    }

    @Test(arguments: Provider.ukgRegions.sorted { $0.key < $1.key })
    func `ukg by region`(_ region: String, _ base: String) throws {
        let tenant = try tenant(
            "provider: ukg, region: \(region), application_id: app, application_secret: {file: secret}, client_id: 007")
        #expect(tenant.provider == .ukg(baseURL: base, clientID: "007"))
        #expect(tenant.credential == Credential(id: "app", secret: Secret("s3cret-in-a-file")))
        #expect(tenant.scopes == ScopeSet(["client"]))
    }

    @Test(arguments: ["https://ukg.example", "https://ukg.example/"])
    func `ukg by base URL, with or without its last slash`(_ base: String) throws {
        let tenant = try tenant(
            "provider: ukg, base_url: '\(base)', application_id: app, application_secret: {file: secret}, client_id: c")
        #expect(tenant.provider == .ukg(baseURL: "https://ukg.example", clientID: "c"))
    }

    @Test func `oauth2 with its defaults`() throws {
        let tenant = try tenant(
            "provider: oauth2, token_url: 'https://a.example/t', client_id: c, client_secret: {env: INITECH_SECRET}",
            environment: ["INITECH_SECRET": "s3cret"])
        #expect(
            tenant.provider
                == Provider(
                    name: "oauth2", tokenURL: "https://a.example/t", revocationURL: nil, clientAuthentication: .basic,
                    bodyFormat: .form, parameters: [], scopeSeparator: " ", defaultLifetime: .seconds(300)))
        #expect(tenant.credential == Credential(id: "c", secret: Secret("s3cret")))
        #expect(tenant.scopes == .empty)
    }

    @Test func `oauth2 with everything`() throws {
        let configuration = try load(
            """
            tenants:
              acme:
                provider: oauth2
                token_url: https://a.example/t
                revocation_url: https://a.example/r
                client_auth: basic_raw
                body: json
                client_id: c
                client_secret: {file: secret}
                parameters:
                  audience: https://api.example
                  resource: [a, b]
                scope_separator: ","
                default_lifetime: 1h
                scopes: [x, y]
            """)
        let tenant = try #require(configuration.tenants.first)
        #expect(
            tenant.provider
                == Provider(
                    name: "oauth2", tokenURL: "https://a.example/t", revocationURL: "https://a.example/r",
                    clientAuthentication: .basicRaw, bodyFormat: .json,
                    parameters: [.init("audience", ["https://api.example"]), .init("resource", ["a", "b"])],
                    scopeSeparator: ",", defaultLifetime: .seconds(3600)))
        #expect(tenant.scopes == ScopeSet(["x", "y"]))
    }

    @Test func `client authentication by the body`() throws {
        let tenant = try tenant(
            "provider: oauth2, token_url: 'https://a.example/t', client_auth: body, body: form, client_id: c, "
                + "client_secret: {file: secret}")
        #expect(tenant.provider.clientAuthentication == .body)
    }

    private static let ukg =
        "{provider: ukg, region: eu, application_id: a, application_secret: {file: secret}, client_id: c}"

    @Test func `tenants come from every yaml file in tenants.d, in the order of the names`() throws {
        let folder = try ConfigurationFolder("tenants:\n  z: \(Self.ukg)\n")
        // A path in one of those files is relative to it.
        let nested = Self.ukg.replacing("file: secret", with: "file: ../secret")
        try folder.write("tenants.d/b.yaml", "y: \(nested)\nx: \(nested)\n")
        try folder.write("tenants.d/a.yaml", "w: \(nested)\n")
        try folder.write("tenants.d/ignored.txt", "v: \(nested)\n")
        try folder.write("tenants.d/.hidden.yaml", "u: \(nested)\n")
        #expect(try folder.load().tenants.map(\.name) == ["z", "w", "y", "x"])
    }

    // MARK: - Secrets

    @Test(arguments: [
        ("s3cret", "s3cret"), ("s3cret\n", "s3cret"), ("s3cret\r\n", "s3cret"), (" s3cret ", " s3cret "),
        ("é", "é"), (String(repeating: "x", count: 65536), String(repeating: "x", count: 65536)),
    ])
    func `one line break at a secret's end is not part of it`(_ written: String, _ secret: String) throws {
        let folder = try ConfigurationFolder("tenants:\n  acme: \(Self.ukg)\n")
        try folder.write("secret", written)
        #expect(try folder.load().tenants.first?.credential.secret == Secret(secret))
    }

    @Test func `a secret's absolute path is taken as it is`() throws {
        let other = try ConfigurationFolder("{}")
        let text = Self.ukg.replacing("file: secret", with: "file: '\(other.path)secret'")
        #expect(try load("tenants:\n  acme: \(text)\n").tenants.first?.credential.secret == Secret("s3cret-in-a-file"))
    }

    // MARK: - Callers

    @Test func `a caller may do nothing but what is said`() throws {
        let digest = KeyDigest(of: "tw_1")
        let configuration = try load("callers:\n  Payroll.sync: {keys: [\"\(digest)\"]}\n")
        #expect(configuration.callers == [Caller(name: "Payroll.sync", keys: [digest], grant: Grant(tenants: []))])
    }

    @Test func `a caller with everything`() throws {
        let digests = [KeyDigest(of: "tw_1"), KeyDigest(of: "tw_2")]
        let configuration = try load(
            """
            tenants:
              acme: \(Self.ukg)
            callers:
              payroll:
                keys: ["\(digests[0])", "\(digests[1])"]
                tenants: [acme, "eu-*", "*"]
                scopes: [client]
                revoke: true
                operator: true
            """)
        let grant = Grant(
            tenants: [.exact("acme"), .prefix("eu-"), .prefix("")], scopes: ScopeSet(["client"]), mayRevoke: true,
            isOperator: true)
        #expect(configuration.callers == [Caller(name: "payroll", keys: digests, grant: grant)])
    }

    // MARK: - Malformed files

    @Test func `every prefix of a file loads or throws`() throws {
        let text = """
            listen: 127.0.0.1:8080
            deadline: 5s
            tenants:
              acme: \(Self.ukg)
              initech:
                provider: oauth2
                token_url: https://a.example/t
                client_id: c
                client_secret: {file: secret}
                parameters: {a: [b, c]}
            callers:
              payroll: {keys: ["\(KeyDigest(of: "tw_1"))"], tenants: [acme, "*"]}
            """
        let folder = try ConfigurationFolder(text)
        #expect(folder.mistakes() == [])
        var loaded = 0
        for count in 0..<text.utf8.count {
            try folder.write("tokenwell.yaml", Data(text.utf8.prefix(count)))
            let mistakes = folder.mistakes()
            #expect(mistakes.allSatisfy { $0.hasPrefix("tokenwell.yaml:") }, "\(mistakes)")
            if mistakes.isEmpty { loaded += 1 }
        }
        #expect((1..<100).contains(loaded))
    }
}
