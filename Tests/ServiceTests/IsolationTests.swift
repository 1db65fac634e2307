import HTTP
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
        Attempt("POST") { try await $0.post("/tokens/\($1)", form, as: "directory") },
        Attempt("POST for another grant type") { try await $0.post("/tokens/\($1)", "grant_type=x", as: "directory") },
        Attempt("POST in another caller's name") {
            try await $0.post("/tokens/\($1)", form + "&client_id=payroll", as: "directory")
        },
        Attempt("DELETE") { try await $0.send(Method("DELETE"), "/tokens/\($1)", as: "directory") },
        Attempt("refresh") { try await $0.post("/tenants/\($1)/refresh", as: "directory") },
        Attempt("a proxy's fields") {
            try await $0.get(
                "/tokens/globex", as: "idle", [("X-Forwarded-Uri", "/tokens/\($1)"), ("X_Forwarded_User", "payroll")])
        },
    ]

    @Test(arguments: attempts)
    func `a tenant that exists answers as one that does not, warm or cold, and is left as it was`(_ attempt: Attempt)
        async throws
    {
        try await LoopbackService.run { service in
            let absent = try await attempt.send(service, "nobody")
            let cold = try await attempt.send(service, "acme")
            #expect(cold.comparable == absent.comparable)
            #expect(try await service.count(at: service.pageUpURL).attempts == 0)

            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let warm = try await attempt.send(service, "acme")
            #expect(warm.comparable == absent.comparable)
            #expect(!warm.whole.contains(token))
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
            #expect(try await service.count(at: service.pageUpURL).attempts == 1)
        }
    }

    @Test func `another tenant's token cannot be revoked, and looks like none`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let nonsense = try await service.post("/revoke", "token=x", as: "directory")
            let answer = try await service.post("/revoke", "token=\(token)", as: "directory")
            #expect(answer.comparable == nonsense.comparable)
            #expect(answer.text == #"{"revoked":"unknown"}"#)
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
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
