import Foundation
import HTTP
import Sealing
import Testing
import TokenBroker

@testable import Service

/// Secrets that are planted wherever one may be, and looked for wherever none may be.
struct CanaryTests {
    /// What an upstream says, of which nothing may get out.
    private static let upstreamWords = "upstream-c4nary"

    private static let key = LoopbackService.key(of: "payroll")
    private static let secrets =
        [LoopbackService.vendorSecret, upstreamWords] + ["payroll", "root", "ops"].map(LoopbackService.key)

    /// The places in which none of `secrets` may stand, and do.
    private func leaks(of secrets: [String], in answers: [Answer], _ log: String) -> [String] {
        let places = answers.map { "\($0.status): \($0.whole)" } + [log]
        return places.filter { place in secrets.contains { place.contains($0) } }
    }

    @Test func `requests with a secret in the wrong place get it back nowhere`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            var answers: [Answer] = []
            for canary in [Self.key, token, LoopbackService.vendorSecret] {
                for caller in ["payroll", "root", "ops", nil] {
                    for path in [
                        "/\(canary)", "/tokens/\(canary)", "/tokens/nobody?access_token=\(canary)",
                        "/tokens/acme/\(canary)", "/auth/\(canary)", "/auth/nobody/\(canary)",
                        "/auth/initech?scope=\(canary)",
                        "/tokens/initech?scope=\(canary)", "/tokens/initech?min_ttl=\(canary)",
                        "/tokens/initech?\(canary)=%",
                        "/tokens/%zz\(canary)", "/livez?\(canary)",
                    ] {
                        answers.append(try await service.get(path, as: caller))
                    }
                    answers.append(try await service.post("/tenants/\(canary)/refresh", as: caller))
                    answers.append(try await service.get("/tenants/\(canary)", as: caller))
                    answers.append(try await service.get("/tenants?after=\(canary)", as: caller))
                    answers.append(try await service.post("/tokens/acme", "grant_type=\(canary)", as: caller))
                    answers.append(try await service.post("/tokens/acme", "\(canary)=%", as: caller))
                    answers.append(
                        try await service.post("/tokens/initech/rejected", "fingerprint=\(canary)", as: caller))
                    answers.append(
                        try await service.post("/tokens/acme/rejected", "token=x&token=\(canary)", as: caller))
                    answers.append(try await service.post("/tokens/\(canary)/rejected", "token=x", as: caller))
                    answers.append(try await service.post("/revoke", "tokens=\(canary)", as: caller))
                    answers.append(try await service.post("/revoke", "token=x&token=\(canary)", as: caller))
                    answers.append(
                        try await service.send(.post, "/revoke", as: caller, [("Content-Type", canary)], canary))
                    answers.append(
                        try await service.send(Method(canary.replacing(".", with: "-")), "/livez", as: caller))
                    answers.append(try await service.send(Method("DELETE"), "/tokens/\(canary)", as: caller))
                }
                for value in [
                    canary, "Basic \(canary)", "Digest \(canary)", "Bearer x\(canary)",
                    LoopbackService.basic(canary, canary),
                ] {
                    answers.append(try await service.get("/tokens/acme", [("Authorization", value)]))
                }
                answers.append(
                    try await service.get("/livez", [("X-Request-Id", "no id: \(canary)"), ("Cookie", canary)]))
                answers.append(try await service.get("/livez", [("Transfer-Encoding", canary)]))
                answers.append(try await service.get("/livez", [("Expect", canary)]))
                answers.append(
                    try await service.get("/livez", [("Cookie", canary + String(repeating: "x", count: 8192))]))
            }
            #expect(!answers.contains { $0.token != nil })
            #expect(leaks(of: Self.secrets + [token], in: answers, service.log) == [])
        }
    }

    @Test func `what goes wrong upstream shows nothing of the credential, the token or the upstream's words`()
        async throws
    {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            var answers: [Answer] = []
            let words = Self.upstreamWords
            for (status, body) in [
                (500, words), (200, words), (200, #"{"error":"\#(words)","error_description":"\#(words)"}"#),
                (200, #"{"access_token":"\#(words)\u0000","token_type":"\#(words)"}"#), (302, words), (429, words),
                (200, #"{"access_token":"t","token_type":"\#(words)"}"#), (503, #"{"error":"\#(words)"}"#),
                (400, #"{"error":"invalid_scope","error_description":"\#(words) \#(LoopbackService.vendorSecret)"}"#),
                (401, #"{"error":"invalid_client","error_uri":"\#(words)"}"#),
            ] {
                service.upstream.answer(status, body, retryAfter: words)
                answers.append(try await service.post("/tenants/initech/refresh", as: "ops"))
                answers.append(try await service.get("/tokens/initech?scope=read", as: "payroll"))
                answers.append(try await service.get("/tenants/initech", as: "ops"))
            }
            answers.append(try await service.post("/revoke", "token=\(token)", as: "payroll"))
            answers.append(try await service.get("/tokens/initech", as: "payroll"))
            for path in ["/metrics", "/readyz", "/openapi.yaml"] { answers.append(try await service.get(path)) }
            #expect(leaks(of: Self.secrets + [token], in: answers, service.log) == [])
            #expect(service.log.contains("mint failed"))
            #expect(service.log.contains("revocation failed"))
        }
    }

    @Test func `a token is in its answer and in nothing else`() async throws {
        try await LoopbackService.run { service in
            var answers: [Answer] = []
            var tokens: [String] = []
            for tenant in ["acme", "globex", "initech"] {
                let answer = try await service.get("/tokens/\(tenant)", as: "payroll")
                let token = try #require(answer.token)
                #expect(answer.whole.split(separator: token, omittingEmptySubsequences: false).count == 2)
                tokens.append(token)
                answers.append(try await service.get("/tokens/\(tenant)", as: "payroll", [("If-None-Match", "*")]))
                answers.append(try await service.post("/tenants/\(tenant)/refresh", as: "ops"))
                answers.append(try await service.get("/tenants/\(tenant)", as: "ops"))
                answers.append(try await service.post("/revoke", "token=\(token)", as: "payroll"))
            }
            answers.append(try await service.get("/tenants", as: "ops"))
            answers.append(try await service.get("/metrics"))
            #expect(leaks(of: Self.secrets + tokens, in: answers, service.log) == [])
            // By its fingerprint it can be followed.
            for token in tokens { #expect(service.log.contains(Fingerprint(of: token).text)) }
        }
    }

    @Test func `what the configuration is made of prints without its secrets`() async throws {
        try await LoopbackService.run { configuration in
            var text = "\(configuration) \(String(reflecting: configuration)) \(ConfigurationReport(configuration))"
            dump(configuration, to: &text)
            for tenant in configuration.tenants {
                text += "\(tenant) \(String(reflecting: tenant.credential))"
                dump(tenant, to: &text)
            }
            for caller in configuration.callers { dump(caller, to: &text) }
            #expect(text.contains("acme-integration"))
            for secret in Self.secrets { #expect(!text.contains(secret)) }
        } _: { service in
            #expect(!service.log.contains(LoopbackService.vendorSecret))
        }
    }

    @Test
    func `secrets that were sealed or in the environment, and master keys, are in no answer, log, page or report`()
        async throws
    {
        let (master, previous) = (MasterKey.generate(), MasterKey.generate())
        let (inEnvironment, sealed) = ("environment-c4nary", "sealed-c4nary")
        let secrets = [inEnvironment, sealed] + [master, previous].map { String($0.reveal().dropFirst(4)) }
        let place = try #require(SecretPlace(tenant: "initech", field: "headers.X-Api-Key"))
        let text = SealedSecret(Secret(sealed), for: place, with: KeyRing(active: previous)).text
        let folder = try ConfigurationFolder("")
        try folder.write("key", previous.reveal())
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: folder.path + "key")
        let environment = ["SECRET": inEnvironment, "KEY": master.reveal()]
        try await LoopbackService.run { configuration in
            try folder.write(
                "tokenwell.yaml",
                """
                master_key: {env: KEY}
                master_key_previous: {file: key}
                tenants:
                  initech:
                    provider: oauth2
                    token_url: \(configuration.tenants[2].provider.tokenURL)
                    client_id: c
                    client_secret: {env: SECRET}
                    headers: {X-Api-Key: {sealed: \(text)}}
                    scopes: [read, write]
                """)
            let loaded = try folder.load(environment: environment)
            configuration.tenants[2] = try #require(loaded.tenants.first)
            configuration.masterKeys = loaded.masterKeys
            configuration.warnings = loaded.warnings
            var text = "\(configuration) \(String(reflecting: configuration)) \(ConfigurationReport(configuration))"
            dump(configuration, to: &text)
            #expect(text.contains("\(master.id)") && text.contains("\(previous.id)"))
            #expect(secrets.filter { text.contains($0) } == [])
        } _: { service in
            var answers = [try await service.get("/tokens/initech", as: "payroll")]
            let request = try #require(service.upstream.requests.last)
            #expect(request.fields["X-Api-Key"] == sealed)
            #expect(request.fields["Authorization"] == LoopbackService.basic("c", inEnvironment))
            service.upstream.answer(401, #"{"error":"invalid_client","error_description":"\(sealed)"}"#)
            answers.append(try await service.post("/tenants/initech/refresh", as: "ops"))
            for path in ["/tenants/initech", "/tenants", "/metrics", "/readyz"] {
                answers.append(try await service.get(path, as: "ops"))
            }
            #expect(service.log.contains("may be read by every user"))
            #expect(leaks(of: secrets, in: answers, service.log) == [])
        }
        // Nor when nothing of it is right.
        try folder.write(
            "tokenwell.yaml",
            try String(contentsOfFile: folder.path + "tokenwell.yaml", encoding: .utf8)
                .replacing("initech:", with: "acme:").replacing("{env: KEY}", with: "{file: key}"))
        let mistakes = folder.mistakes(environment: environment)
        #expect(mistakes.count == 2)
        #expect(mistakes.filter { mistake in secrets.contains { mistake.contains($0) } } == [])
    }

    @Test func `a store, the process list, the environment and the log of the program have none of them`() async throws
    {
        let (master, previous) = (MasterKey.generate(), MasterKey.generate())
        let (inEnvironment, sealed) = ("environment-c4nary", "sealed-c4nary")
        var secrets = [inEnvironment, sealed, Self.upstreamWords, Self.key]
        secrets += [master, previous].map { String($0.reveal().dropFirst(4)) }
        let place = try #require(SecretPlace(tenant: "initech", field: "headers.X-Api-Key"))
        let text = SealedSecret(Secret(sealed), for: place, with: KeyRing(active: previous)).text
        let folder = try ConfigurationFolder("")
        var tokenURL = ""
        try await LoopbackService.run { configuration in
            tokenURL = configuration.tenants[2].provider.tokenURL
        } _: { vendor in
            try folder.write(
                "tokenwell.yaml",
                """
                listen: 127.0.0.1:0
                log: {level: trace}
                master_key: {env: KEY}
                master_key_previous: {env: PREVIOUS}
                store: {sqlite: store/tokenwell.db}
                tenants:
                  initech:
                    provider: oauth2
                    token_url: \(tokenURL)
                    revocation_url: \(tokenURL.replacing("/token", with: "/revoke"))
                    client_id: c
                    client_secret: {env: SECRET}
                    headers: {X-Api-Key: {sealed: \(text)}}
                    scopes: [read, write]
                callers:
                  payroll: {keys: ["\(KeyDigest(of: Self.key))"], tenants: [initech], revoke: true, operator: true}
                """)
            let program = try serve(
                folder, ["SECRET": inEnvironment, "KEY": master.reveal(), "PREVIOUS": previous.reveal()])
            let url = try await self.url(of: program)
            secrets += try await tokens(from: url, through: vendor)
            let process = ["cmdline", "environ"].compactMap {
                FileManager.default.contents(atPath: "/proc/\(program.id)/\($0)")
            }
            // With the log beside the file, in which all of it is by then.
            let before = try files(in: folder.path + "store")
            #expect(before.keys.sorted() == ["tokenwell.db", "tokenwell.db-wal"])
            program.terminate()
            let end = await program.finish()
            #expect(end.status == 0)

            // What is set aside is searched too.
            try Data("no database".utf8).write(to: URL(fileURLWithPath: folder.path + "store/tokenwell.db-wal"))
            try damage(folder.path + "store/tokenwell.db")
            let next = try serve(
                folder, ["SECRET": inEnvironment, "KEY": master.reveal(), "PREVIOUS": previous.reveal()])
            _ = try await self.url(of: next)
            let after = try files(in: folder.path + "store")
            #expect(after.keys.contains { $0.hasPrefix("tokenwell.db.corrupt-") })
            next.terminate()
            let nextEnd = await next.finish()

            let outputs = [end.errors, end.output, nextEnd.errors, nextEnd.output].map { Data($0.utf8) }
            let places = Array(before.values) + Array(after.values) + process + outputs
            // What is there is found.
            #expect(before.values.contains { $0.range(of: Data("initech".utf8)) != nil })
            #expect(end.errors.contains("mint failed") && end.errors.contains("revocation failed"))
            for secret in secrets {
                for form in Self.forms(of: secret) {
                    #expect(!places.contains { $0.range(of: form) != nil })
                }
            }
        }
    }

    private func serve(_ folder: ConfigurationFolder, _ environment: [String: String]) throws -> Program {
        try Program(["serve", "--config", folder.path + "tokenwell.yaml"], environment: environment)
    }

    private func url(of program: Program) async throws -> String {
        let line = try await program.error(containing: #""message":"listening""#)
        return "http://" + String(try #require(line.firstMatch(of: /127\.0\.0\.1:\d+/)).output)
    }

    /// Has the program mint, and go through all that it keeps; returns every token.
    private func tokens(from url: String, through vendor: LoopbackService) async throws -> [String] {
        let key: [(StaticString, String)] = [("Authorization", "Bearer \(Self.key)")]
        let form = key + [("Content-Type", "application/x-www-form-urlencoded")]
        var tokens: [String] = []
        for path in ["/tokens/initech", "/tokens/initech?scope=read", "/tokens/initech?scope=write"] {
            tokens.append(try #require(try await vendor.ask(.get, url + path, key).token))
        }
        #expect(try await vendor.ask(.post, url + "/revoke", form, "token=\(tokens[0])").status == 200)
        #expect(try await vendor.ask(.post, url + "/tokens/initech/rejected", form, "token=\(tokens[1])").status < 300)
        vendor.upstream.answer(503, Self.upstreamWords)
        // Its revocation is pending: the token itself is kept for the vendor.
        #expect(try await vendor.ask(.post, url + "/revoke", form, "token=\(tokens[2])").status == 503)
        vendor.upstream.answer(401, #"{"error":"invalid_client","error_description":"\(Self.upstreamWords)"}"#)
        #expect(try await vendor.ask(.post, url + "/tenants/initech/refresh", key).status == 502)
        return tokens
    }

    /// Every file by name.
    private func files(in folder: String) throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            files[name] = FileManager.default.contents(atPath: "\(folder)/\(name)")
        }
        return files
    }

    /// Leaves of a database what is in its first two pages.
    private func damage(_ path: String) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: 8192)
        try file.write(contentsOf: Data(repeating: 0xFF, count: 4096))
        try file.close()
    }

    /// A secret as it is, in hex and in base64, wherever it begins among other bytes.
    private static func forms(of secret: String) -> [Data] {
        let bytes = Array(secret.utf8)
        let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let base64 = (0..<3).map { before in
            // Without the characters that hold bits of what is around it.
            let text = Data(repeating: 0, count: before) + bytes
            let whole = text.dropLast(text.count % 3).base64EncodedString()
            return String(whole.dropFirst(before == 0 ? 0 : 4))
        }
        let url = base64.map { $0.replacing("+", with: "-").replacing("/", with: "_") }
        let raw = Data(base64Encoded: secret.replacing("-", with: "+").replacing("_", with: "/") + "=")
        let texts = ([secret, hex, hex.uppercased()] + base64 + url).map { Data($0.utf8) }
        return texts + [raw].compactMap(\.self).filter { $0.count == 32 }
    }
}
