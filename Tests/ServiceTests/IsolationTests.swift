import HTTP
import Sockets
import Testing
import TokenBroker

@testable import Service

/// What no caller can do to a tenant that it has no grant for.
struct IsolationTests {
    private static let form = "grant_type=client_credentials"

    /// A request that is aimed at a tenant.
    struct Attempt: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let send: @Sendable (LoopbackService, String) async throws -> Answer

        init(_ name: String, _ send: @escaping @Sendable (LoopbackService, String) async throws -> Answer) {
            testDescription = name
            self.send = send
        }
    }

    private static let attempts = [
        Attempt("GET") { try await $0.get("/tokens/\($1)", as: "directory") },
        Attempt("HEAD") { try await $0.send(.head, "/tokens/\($1)", as: "directory") },
        Attempt("GET with a scope") {
            try await $0.get("/tokens/\($1)?scope=Public.Application.Read", as: "directory")
        },
        Attempt("GET with a malformed scope") { try await $0.get("/tokens/\($1)?scope=%22", as: "directory") },
        Attempt("GET with min_ttl") { try await $0.get("/tokens/\($1)?min_ttl=10", as: "directory") },
        Attempt("GET with a bad min_ttl") { try await $0.get("/tokens/\($1)?min_ttl=x", as: "directory") },
        Attempt("GET with If-None-Match") {
            try await $0.get("/tokens/\($1)", as: "directory", [("If-None-Match", "*")])
        },
        Attempt("GET without a key") { try await $0.get("/tokens/\($1)") },
        Attempt("a proxy's GET") { try await $0.get("/auth/\($1)", as: "directory") },
        Attempt("a proxy's GET with a scope") { try await $0.get("/auth/\($1)?scope=x", as: "directory") },
        Attempt("a proxy's GET without a key") { try await $0.get("/auth/\($1)") },
        Attempt("Envoy's POST") { try await $0.post("/auth/\($1)/employees?scope=x", as: "directory") },
        Attempt("Envoy's path that leads elsewhere") {
            try await $0.get("/auth/\($1)/globex", as: "directory", [("X-Envoy-Original-Path", "/auth/globex")])
        },
        Attempt("POST") { try await $0.post("/tokens/\($1)", form, as: "directory") },
        Attempt("POST for another grant type") { try await $0.post("/tokens/\($1)", "grant_type=x", as: "directory") },
        Attempt("POST in another caller's name") {
            try await $0.post("/tokens/\($1)", form + "&client_id=payroll", as: "directory")
        },
        Attempt("DELETE") { try await $0.send(Method("DELETE"), "/tokens/\($1)", as: "directory") },
        Attempt("a report of a refused token") {
            try await $0.post("/tokens/\($1)/rejected", "token=x", as: "directory")
        },
        Attempt("a report by fingerprint") {
            try await $0.post("/tokens/\($1)/rejected", "fingerprint=0123456789abcdef", as: "directory")
        },
        Attempt("explanation") { try await $0.get("/tenants/\($1)", as: "directory") },
        Attempt("refresh") { try await $0.post("/tenants/\($1)/refresh", as: "directory") },
        Attempt("revocation of all") { try await $0.post("/tenants/\($1)/revoke", as: "directory") },
        Attempt("a list that begins after it") { try await $0.get("/tenants?after=\($1)", as: "directory") },
        Attempt("POST without a key") { try await $0.post("/tokens/\($1)", form) },
        Attempt("a proxy's fields") {
            try await $0.get(
                "/tokens/globex", as: "idle", [("X-Forwarded-Uri", "/tokens/\($1)"), ("X_Forwarded_User", "payroll")])
        },
    ]

    /// What an operator and a scraper see of a tenant, without what only the time changes.
    private struct Trace: Equatable {
        let state: [JSONValue?]
        /// Reason and outcome of each; when it was is told to the millisecond, by a clock that was read anew.
        let mints: [[JSONValue?]]
        let holders: [String?]
        let series: [String]

        init(of tenant: String, _ service: LoopbackService) async throws {
            let explained = try await service.get("/tenants/\(tenant)", as: "ops").json
            let page = try await service.get("/metrics").text
            state = ["fingerprint", "budget", "last_error", "suspended", "state"].map { explained?[$0] }
            mints = explained?["mints"]?.items.map { [$0["reason"], $0["outcome"], $0["fingerprint"]] } ?? []
            let keys = explained?["keys"]?.items ?? []
            holders = keys.flatMap { $0["holders"]?.items ?? [] }.map { $0["caller"]?.text }
            // All but the two that run down by themselves.
            let clocks = ["tokenwell_token_remaining_seconds", "tokenwell_token_usable_seconds"]
            series = page.split(separator: "\n").map(String.init).filter { line in
                line.contains("tenant=\"\(tenant)\"") && !clocks.contains(where: line.hasPrefix)
            }
        }
    }

    /// One code path answers for a tenant that exists and for one that does not, before anything is looked up; so the time
    /// is the same too, which no test here measures.
    @Test(arguments: attempts, LoopbackService.Proof.allCases)
    func `a tenant that exists answers as one that does not, warm or cold, and is left as it was`(
        _ attempt: Attempt, _ proof: LoopbackService.Proof
    ) async throws {
        try await LoopbackService.run(proof: proof) { service in
            let absent = try await attempt.send(service, "nobody")
            let cold = try await attempt.send(service, "acme")
            #expect(cold.comparable == absent.comparable)
            #expect(try await service.count(at: service.pageUpURL).attempts == 0)

            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let before = try await Trace(of: "acme", service)
            #expect(before.holders == ["payroll"] && before.mints.count == 1 && before.series.count > 3)
            let warm = try await attempt.send(service, "acme")
            #expect(warm.comparable == absent.comparable)
            #expect(!warm.whole.contains(token))
            #expect(try await Trace(of: "acme", service) == before)
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
            #expect(try await service.count(at: service.pageUpURL).attempts == 1)
            #expect(!(try await service.get("/metrics").text).contains("tenant=\"nobody\""))
        }
    }

    @Test(arguments: LoopbackService.Proof.allCases)
    func `another tenant's token cannot be revoked, and looks like none`(_ proof: LoopbackService.Proof) async throws {
        try await LoopbackService.run(proof: proof) { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let nonsense = try await service.post("/revoke", "token=x", as: "directory")
            let before = try await Trace(of: "acme", service)
            let answer = try await service.post("/revoke", "token=\(token)", as: "directory")
            #expect(answer.comparable == nonsense.comparable)
            #expect(answer.text == #"{"revoked":"unknown"}"#)
            #expect(try await Trace(of: "acme", service) == before)
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
        }
    }

    @Test(arguments: LoopbackService.Proof.allCases)
    func `whatever proves a caller, it gets what its grant says and no more`(_ proof: LoopbackService.Proof)
        async throws
    {
        try await LoopbackService.run(proof: proof) { service in
            for (path, caller, status) in [
                ("/tokens/acme", "reports", 200), ("/tokens/globex", "reports", 403),
                ("/tokens/acme?scope=Public.Application.Write", "reports", 400), ("/tokens/acme", "idle", 403),
                ("/tokens/acme", "stranger", 401), ("/tokens/acme", nil, 401), ("/tenants", "ops", 200),
                ("/tenants", "payroll", 403),
            ] as [(String, String?, Int)] {
                let answer = try await service.get(path, as: caller)
                #expect(answer.status == status, "\(path) as \(caller ?? "nobody")")
            }
        }
    }

    @Test func `from elsewhere the answer is that for a wrong key, and nothing is minted`() async throws {
        try await LoopbackService.run { configuration in
            for index in configuration.callers.indices where configuration.callers[index].name == "payroll" {
                configuration.callers[index].networks = [Network("10.0.0.0/8")].compactMap(\.self)
            }
        } _: { service in
            let wrong = try await service.get("/tokens/acme", as: "stranger")
            let elsewhere = try await service.get("/tokens/acme", as: "payroll")
            #expect(elsewhere.status == 401)
            #expect(elsewhere.comparable == wrong.comparable)
            #expect(try await service.count(at: service.pageUpURL).attempts == 0)
        }
    }

    @Test func `a caller that asks too often holds up no other, and uses up nothing`() async throws {
        try await LoopbackService.run { configuration in
            configuration.callers.append(
                Caller(
                    name: "eager", keys: [KeyDigest(of: LoopbackService.key(of: "eager"))],
                    grant: Grant(tenants: [.exact("acme")]), rateLimit: RateLimit(perSecond: 1, burst: 1)))
        } _: { service in
            var answers: [Answer] = []
            for _ in 0..<5 { answers.append(try await service.get("/tokens/acme", as: "eager")) }
            #expect(answers[0].status == 200)
            let limited = try #require(answers.first { $0.status == 429 })
            #expect(limited.json?["error"]?.text == "slow_down")
            #expect(limited[field: "Retry-After"] == "1")
            for _ in 0..<20 { #expect(try await service.get("/tokens/acme", as: "payroll").status == 200) }
            #expect(try await service.count(at: service.pageUpURL).attempts == 1)
            #expect(try await service.metric(#"tokenwell_refusals_total{reason="rate_limit"}"#) > 0)
        }
    }

    @Test func `an address that fails again and again is slowed, its right keys are not`() async throws {
        try await LoopbackService.run { service in
            var statuses: [Int] = []
            for _ in 0..<30 { statuses.append(try await service.get("/tokens/acme", as: "stranger").status) }
            #expect(Array(statuses.prefix(20)) == [Int](repeating: 401, count: 20))
            #expect(statuses.contains(429))
            #expect(Set(statuses) == [401, 429])
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200)
        }
    }

    @Test func `a warm tenant asks for the key as a cold one does`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let key = LoopbackService.key(of: "payroll")
            for authorization in [
                "Bearer \(LoopbackService.key(of: "withdrawn"))", "Bearer \(key.dropLast())", "Bearer \(key)0",
                "Bearer",
                "Bearer \(KeyDigest(of: key))", "Bearer \(token)", LoopbackService.basic("payroll", key + "0"),
                LoopbackService.basic("payroll", LoopbackService.key(of: "reports")),
                LoopbackService.basic("payroll", ""),
            ] {
                let answer = try await service.get("/tokens/acme", [("Authorization", authorization)])
                #expect(answer.status == 401)
                #expect(!answer.whole.contains(token))
            }
            let caller = "client_id=payroll&client_secret=\(LoopbackService.key(of: "reports"))"
            #expect(try await service.post("/tokens/acme", Self.form + "&" + caller).status == 401)
        }
    }

    @Test func `a grant of fewer scopes never gets the token of more`() async throws {
        try await LoopbackService.run { service in
            let all = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let read = try await service.get(
                "/tokens/acme", as: "reports", [("If-None-Match", "\"\(Fingerprint(of: all))\"")])
            #expect(read.status == 200)
            #expect(read.token != all)
            #expect(read.json?["scope"]?.text == "Public.Application.Read")
        }
    }

    @Test func `a thousand requests at once, and each gets its own tenant's token`() async throws {
        try await LoopbackService.run { service in
            var tokens: [String: String] = [:]
            for tenant in ["acme", "globex", "initech"] {
                let token = try #require(try await service.get("/tokens/\(tenant)", as: "payroll").token)
                tokens[tenant] = token
            }
            #expect(Set(tokens.values).count == 3)
            let wrong = try await withThrowingTaskGroup(of: Int.self) { [tokens] group in
                for _ in 0..<10 {
                    group.addTask {
                        var wrong = 0
                        for number in 0..<100 {
                            let tenant = ["acme", "globex", "initech"][number % 3]
                            let token = try await service.get("/tokens/\(tenant)", as: "payroll").token
                            if token != tokens[tenant] { wrong += 1 }
                        }
                        return wrong
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(wrong == 0)
        }
    }
}
