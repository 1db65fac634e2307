import Foundation
import Logging
import Redis
import Sealing
import Signatures
import Sockets
import Testing
import TokenBroker

@testable import Service

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
        #expect(configuration.externalOrigin == nil)
        #expect(configuration.metricsListen == nil)
        #expect(configuration.logLevel == .info)
        #expect(configuration.deadline == .seconds(5))
        #expect(configuration.connections.maximum == 20_000 && configuration.connections.perAddress == nil)
        #expect(configuration.failedAttempts.burst == 20 && configuration.failedAttempts.perMinute == 20)
        let timeouts = configuration.timeouts
        #expect(
            [timeouts.head, timeouts.body, timeouts.idle, timeouts.write] == [10, 30, 75, 30].map { .seconds($0) })
        #expect(configuration.tenants.isEmpty)
        #expect(configuration.callers.isEmpty)
    }

    @Test func `a store is in a file where there is a master key, unless another is named`() throws {
        let folder = try ConfigurationFolder("")
        let key = "master_key: {env: KEY}\n"
        for (text, store) in [
            ("deadline: 5s", Configuration.Store.memory), ("store: memory", .memory), (key + "store: memory", .memory),
            (key, .sqlite("/var/lib/tokenwell/tokenwell.db")),
            (key + "store: {sqlite: here.db}", .sqlite(folder.path + "here.db")),
            (key + "store: {sqlite: /there.db}", .sqlite("/there.db")),
        ] {
            try folder.write("tokenwell.yaml", text)
            let configuration = try folder.load(environment: ["KEY": MasterKey.generate().reveal()])
            #expect(configuration.effectiveStore == store)
        }
    }

    @Test func `a store in Redis has what its server wants`() throws {
        let folder = try ConfigurationFolder("")
        try folder.write("word", "hunter2\n")
        try folder.write("pem", "")
        var places: [Configuration.RedisPlace] = []
        for text in [
            "{url: 'redis://localhost'}",
            "{url: 'rediss://tokenwell@redis.example:6380/3', password: {file: word}, ca_file: pem, prefix: 'a:b'}",
        ] {
            try folder.write("tokenwell.yaml", "master_key: {env: KEY}\nstore: {redis: \(text)}")
            let configuration = try folder.load(environment: ["KEY": MasterKey.generate().reveal()])
            guard case .redis(let place) = configuration.effectiveStore else { continue }
            places.append(place)
        }
        var plain = Configuration.RedisPlace(url: try RedisURL("redis://localhost:6379/0"))
        #expect(places.first == plain)
        plain.url = try RedisURL("rediss://tokenwell@redis.example:6380/3")
        (plain.password, plain.caFile, plain.prefix) = (Secret("hunter2"), folder.path + "pem", "a:b")
        #expect(places.last == plain)
    }

    @Test(arguments: [
        ("", nil), ("audit: stdout", "stdout"), ("audit: {file: here.jsonl}", "here.jsonl"),
        ("audit: {file: /there.jsonl}", "/there.jsonl"),
    ])
    func `an audit goes where it is said, and else nowhere`(_ text: String, _ place: String?) throws {
        let folder = try ConfigurationFolder(text.isEmpty ? "{}" : text)
        let expected: Configuration.Audit? =
            switch place {
            case nil: nil
            case "stdout": .standardOutput
            case let path?: .file(path.hasPrefix("/") ? path : folder.path + path)
            }
        #expect(try folder.load().audit == expected)
    }

    @Test func `every setting is read`() throws {
        let folder = try ConfigurationFolder(
            """
            listen: 0.0.0.0:8443
            tls: {certificate: pem, key: secret}
            external_url: https://Tokens.example:443/
            metrics: {listen: "[::1]:9090"}
            log: {level: debug}
            deadline: 1500ms
            connections: {maximum: 1000, per_address: 1000}
            failed_attempts: {burst: 1000000, per_minute: 1}
            timeouts: {head: 100ms, body: 2s, idle: 10m, write: 4s}
            """)
        let configuration = try folder.load()
        #expect(configuration.listen.description == "0.0.0.0:8443")
        #expect(configuration.listenTLS == .init(certificate: folder.path + "pem", key: folder.path + "secret"))
        #expect(configuration.externalOrigin == "https://tokens.example")
        #expect(configuration.metricsListen?.description == "[::1]:9090")
        #expect(configuration.logLevel == .debug)
        #expect(configuration.deadline == .milliseconds(1500))
        #expect(configuration.connections.maximum == 1000 && configuration.connections.perAddress == 1000)
        let failedAttempts = configuration.failedAttempts
        #expect(failedAttempts.burst == 1_000_000 && failedAttempts.perMinute == 1)
        let timeouts = configuration.timeouts
        #expect(timeouts.head == .milliseconds(100) && timeouts.body == .seconds(2))
        #expect(timeouts.idle == .seconds(600) && timeouts.write == .seconds(4))
    }

    @Test func `of the limits, some may be given`() throws {
        let configuration = try load("connections: {per_address: 20000}\ntimeouts: {idle: 20s}")
        #expect(configuration.connections.maximum == 20_000 && configuration.connections.perAddress == 20_000)
        #expect(configuration.timeouts.idle == .seconds(20) && configuration.timeouts.head == .seconds(10))
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

    @Test func `tls has further certificates, and takes those of clients`() throws {
        let folder = try ConfigurationFolder(
            """
            tls:
              certificate: pem
              key: secret
              additional: [{certificate: pem, key: pem}]
              client_ca: pem
              client_certificate: required
            """)
        let (pem, secret) = (folder.path + "pem", folder.path + "secret")
        #expect(
            try folder.load().listenTLS
                == .init(
                    certificate: pem, key: secret, additional: [.init(certificate: pem, key: pem)],
                    clients: .init(caFile: pem, isRequired: true)))
    }

    @Test(arguments: ["", ", client_certificate: optional"])
    func `a client certificate is optional unless it is required`(choice: String) throws {
        let tls = try load("tls: {certificate: pem, key: pem, client_ca: pem\(choice)}").listenTLS
        #expect(tls?.clients?.isRequired == false)
    }

    // MARK: - Master keys

    private static let master = MasterKey.generate()
    private static let previous = MasterKey.generate()

    private func sealed(_ text: String, _ field: String, by key: MasterKey = master) throws -> String {
        let place = try #require(SecretPlace(tenant: "acme", field: field))
        return SealedSecret(Secret(text), for: place, with: KeyRing(active: key)).text
    }

    @Test func `master keys are read from a file and from the environment`() throws {
        let folder = try ConfigurationFolder("master_key: {file: key}\nmaster_key_previous: {env: KEY}")
        try folder.write("key", Self.master.reveal() + "\n")
        let environment = ["KEY": Self.previous.reveal()]
        for ring in [
            try folder.load(environment: environment).masterKeys,
            try ConfigurationLoader.loadMasterKeys(folder.path + "tokenwell.yaml", environment: environment),
        ] {
            #expect(ring?.activeID == Self.master.id)
            #expect(ring?.previousID == Self.previous.id)
        }
        #expect(try load("{}").masterKeys == nil)
    }

    @Test func `master keys are read whatever else is wrong`() throws {
        let folder = try ConfigurationFolder("master_key: {env: KEY}\nmaster_kye: 1\ntenants: [\"\\n\"]\ntenants: 5")
        let path = folder.path + "tokenwell.yaml"
        let ring = try ConfigurationLoader.loadMasterKeys(path, environment: ["KEY": Self.master.reveal()])
        #expect(ring?.activeID == Self.master.id)
        let error = #expect(throws: ConfigurationErrors.self) {
            try ConfigurationLoader.loadMasterKeys(path, environment: [:])
        }
        #expect(error?.mistakes.map(\.path) == ["master_key.env"])
        try folder.write("tokenwell.yaml", "[")
        #expect(throws: ConfigurationErrors.self) {
            try ConfigurationLoader.loadMasterKeys(path, environment: [:])
        }
    }

    @Test(arguments: [(0o600, false), (0o440, false), (0o604, true), (0o644, true)])
    func `a master key that every user can read is warned of`(_ mode: Int, _ isOpen: Bool) throws {
        let folder = try ConfigurationFolder("\nmaster_key: {file: key}")
        try folder.write("key", Self.master.reveal())
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path + "key")
        let warnings = try folder.load().warnings.map(\.description)
        let warning = "\(folder.path)tokenwell.yaml:2: master_key.file: \(Printable.quoted(folder.path + "key")) "
        #expect(warnings == (isOpen ? [warning + "may be read by every user; chmod o= it"] : []))
    }

    @Test func `sealed secrets are opened in every place that takes one`() throws {
        let oauth2 = try tenant(
            """
            provider: oauth2, token_url: 'https://a.example/t', client_id: c,
            client_secret: {sealed: \(sealed("one", "client_secret"))},
            client_secret_next: {sealed: "\(sealed("two", "client_secret_next", by: Self.previous))"},
            headers: {X-Api-Key: {sealed: \(sealed("three", "headers.X-Api-Key"))}},
            parameters: {a.b: {sealed: \(sealed("four", "parameters.a.b"))},
            resource: [plain, {sealed: \(sealed("five", "parameters.resource[1]"))}]}
            """, sealedWith: KeyRing(active: Self.master, previous: Self.previous))
        #expect(oauth2.credential.secret.reveal() == "one")
        #expect(oauth2.credential.nextSecret?.reveal() == "two")
        let extras = oauth2.provider.headers + oauth2.provider.parameters
        #expect(extras.map { $0.values.map { $0.reveal() } } == [["three"], ["four"], ["plain", "five"]])
        #expect(extras.map(\.isSecret) == [true, true, true])
        let ukg = try tenant(
            "provider: ukg, region: eu, client_id: c, application_id: a, "
                + "application_secret: {sealed: \(sealed("six", "application_secret"))}",
            sealedWith: KeyRing(active: Self.master))
        #expect(ukg.credential.secret.reveal() == "six")
    }

    private func tenant(_ text: String, sealedWith ring: KeyRing) throws -> Tenant {
        let previous = ring.previousID == nil ? "" : "master_key_previous: {env: PREVIOUS}\n"
        let folder = try ConfigurationFolder("master_key: {env: KEY}\n\(previous)")
        // Beside the main file, where a tenant's name is at the root.
        try folder.write("tenants.d/a.yaml", "acme: {\(text)}")
        let environment = ["KEY": Self.master.reveal(), "PREVIOUS": Self.previous.reveal()]
        return try #require(try folder.load(environment: environment).tenants.first)
    }

    @Test func `variables that hold secrets are named for them to be concealed, and no others`() throws {
        let folder = try ConfigurationFolder(
            """
            listen: 127.0.0.1:0
            master_key: {env: KEY}
            tenants:
              acme: {provider: ukg, client_id: c, application_id: a, application_secret: {env: S}, region: nowhere}
            """)
        var names: Set<String> = []
        let environment = ["KEY": Self.master.reveal(), "S": "s", "TOKENWELL_LISTEN": "127.0.0.1:0", "OTHER": "o"]
        // Also when there are mistakes.
        #expect(throws: ConfigurationErrors.self) {
            try ConfigurationLoader.load(folder.path + "tokenwell.yaml", environment: environment) { names.insert($0) }
        }
        #expect(names == ["KEY", "S"])
    }

    // MARK: - Tenants

    @Test(arguments: [
        "provider: pageup, token_url: 'https://a.example/t', client_id: c, client_secret: {file: secret}, "
            + "client_secret_next: {env: NEXT}, scopes: [A]",
        "provider: ukg, region: eu, client_id: g, application_id: c, application_secret: {file: secret}, "
            + "application_secret_next: {env: NEXT}",
        "provider: oauth2, token_url: 'https://a.example/t', client_id: c, client_secret: {file: secret}, "
            + "client_secret_next: {env: NEXT}",
    ])
    func `a secret may have its successor beside it`(_ text: String) throws {
        let configuration = try load("tenants: {acme: {\(text)}}", environment: ["NEXT": "n3xt"])
        #expect(
            configuration.tenants.map(\.credential)
                == [Credential(id: "c", secret: Secret("s3cret-in-a-file"), nextSecret: Secret("n3xt"))])
    }

    @Test func `oauth2 by a client certificate, without a secret`() throws {
        let tenant = try tenant(
            "provider: oauth2, token_url: 'https://a.example/t', client_auth: tls, client_id: c, "
                + "client_certificate: {certificate: pem, key: secret}")
        #expect(tenant.provider.clientAuthentication == .tls)
        #expect(tenant.credential == Credential(id: "c", secret: Secret("")))
        #expect(tenant.clientCertificate?.certificateFile.hasSuffix("/pem") == true)
        #expect(tenant.clientCertificate?.keyFile.hasSuffix("/secret") == true)
    }

    @Test func `a client certificate may go with a secret`() throws {
        let tenant = try tenant(
            "provider: oauth2, token_url: 'https://a.example/t', client_id: c, client_secret: {file: secret}, "
                + "client_certificate: {certificate: pem, key: pem}")
        #expect(tenant.provider.clientAuthentication == .basic)
        #expect(tenant.clientCertificate != nil)
    }

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
                rejections_per_minute: 60
            """)
        let grant = Grant(
            tenants: [.exact("acme"), .prefix("eu-"), .prefix("")], scopes: ScopeSet(["client"]), mayRevoke: true,
            isOperator: true)
        #expect(
            configuration.callers == [Caller(name: "payroll", keys: digests, grant: grant, rejectionsPerMinute: 60)])
    }

    @Test func `callers have JWTs, certificates, networks and limits`() throws {
        let folder = try ConfigurationFolder(
            """
            tls: {certificate: pem, key: pem, client_ca: pem}
            jwt_issuers:
              - issuer: https://kubernetes.default.svc
                jwks: {url: https://kubernetes.default.svc/openid/v1/jwks, ca_file: pem, token_file: secret}
              - issuer: here
                jwks: {file: keys.json}
                audiences: [a, b]
                leeway: 0ms
                maximum_lifetime: 1h
            callers:
              reports: {jwt: {issuer: https://kubernetes.default.svc, subject: "system:serviceaccount:reports:default"}}
              jobs: {jwt: {issuer: here, subject: "jobs/*"}}
              agent: {certificate: {uri: spiffe://example.org/agent, dns: [Agent.example, b.example]}}
              near: {keys: ["\(KeyDigest(of: "tw_1"))"], networks: [10.0.0.0/8, "fd00::/8"], rate_limit: {per_second: 5}}
            """)
        try folder.write("keys.json", Data(try JWTSigner().keySet(.rs256)))
        let configuration = try folder.load()
        #expect(
            configuration.jwtIssuers == [
                JWTIssuer(
                    issuer: "https://kubernetes.default.svc",
                    keys: .url(
                        "https://kubernetes.default.svc/openid/v1/jwks", caFile: folder.path + "pem",
                        tokenFile: folder.path + "secret"), audiences: ["tokenwell"], leeway: .seconds(30),
                    maximumLifetime: .seconds(86_400)),
                JWTIssuer(
                    issuer: "here", keys: .file(folder.path + "keys.json"), audiences: ["a", "b"], leeway: .zero,
                    maximumLifetime: .seconds(3600)),
            ])
        let none = Grant(tenants: [])
        #expect(
            configuration.callers == [
                Caller(
                    name: "reports",
                    jwt: CallerJWT(
                        issuer: "https://kubernetes.default.svc",
                        subject: .exact("system:serviceaccount:reports:default")), grant: none),
                Caller(name: "jobs", jwt: CallerJWT(issuer: "here", subject: .prefix("jobs/")), grant: none),
                Caller(
                    name: "agent",
                    certificateNames: [
                        .uri("spiffe://example.org/agent"), .dns("agent.example"), .dns("b.example"),
                    ], grant: none),
                Caller(
                    name: "near", keys: [KeyDigest(of: "tw_1")], grant: none,
                    networks: [Network("10.0.0.0/8"), Network("fd00::/8")].compactMap(\.self),
                    rateLimit: RateLimit(perSecond: 5, burst: 5)),
            ])
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
