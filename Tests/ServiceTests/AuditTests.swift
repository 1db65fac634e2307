import Foundation
import Testing
import TokenBroker

@testable import Service

/// What is written down of what the service does, from end to end.
struct AuditTests {
    /// What a test did, and the lines that came of it.
    private func lines(
        _ test: (LoopbackService) async throws -> Void
    ) async throws -> [[String: String]] {
        let folder = try ConfigurationFolder("{}")
        let path = folder.path + "audit.jsonl"
        try await LoopbackService.run {
            $0.audit = .file(path)
        } _: { service in
            try await test(service)
        }
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
            try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        }
    }

    private func events(_ lines: [[String: String]], _ name: String) -> [[String: String]] {
        lines.filter { $0["event"] == name }
    }

    @Test func `each hand-out and each mint is a line`() async throws {
        var tokens: [String] = []
        let lines = try await lines { service in
            for path in ["/tokens/initech", "/tokens/initech?scope=read", "/auth/initech"] {
                let answer = try await service.get(path, as: "payroll", [("X-Request-Id", "id-1")])
                if let token = answer.token { tokens.append(token) }
            }
            _ = try await service.post(
                "/tokens/initech", "grant_type=client_credentials", as: "payroll", [("X-Request-Id", "id-2")])
        }
        let handOuts = events(lines, "hand_out")
        #expect(handOuts.map { $0["scope"] } == ["read write", "read", "read write", "read write"])
        #expect(handOuts.map { $0["request_id"] } == ["id-1", "id-1", "id-1", "id-2"])
        for line in handOuts {
            #expect(line["caller"] == "payroll" && line["tenant"] == "initech" && line["source"] == "127.0.0.1")
            #expect(line["state"] == "fresh" && line["time"]?.hasSuffix("Z") == true)
        }
        #expect(handOuts.first?["fingerprint"] == Fingerprint(of: tokens[0]).text)
        let mints = events(lines, "mint")
        #expect(mints.map { $0["reason"] } == ["cold", "cold"] && mints.map { $0["outcome"] } == ["ok", "ok"])
        #expect(mints.map { $0["fingerprint"] } == tokens.prefix(2).map { Fingerprint(of: $0).text })
        #expect(lines.count == 6)
    }

    @Test func `each refusal is a line, with whom it concerns as far as that is known`() async throws {
        let lines = try await lines { service in
            _ = try await service.get("/tokens/acme")
            for _ in 0..<50 { _ = try await service.get("/tokens/acme", as: "stranger") }
            _ = try await service.get("/tokens/acme", as: "idle")
            _ = try await service.get("/tokens/nobody-of-that-name", as: "idle")
            service.upstream.answer(503, "{}")
            _ = try await service.get("/tokens/initech", as: "payroll")
            _ = try await service.post("/tenants/acme/refresh", as: "payroll")
            _ = try await service.get("/tenants", as: "payroll")
            _ = try await service.get("/nowhere")
            _ = try await service.get("/livez")
        }
        // Nothing without credentials, and of one address no more than it may fail.
        let strangers = events(lines, "refusal").filter { $0["status"] == "401" }
        #expect((20...30).contains(strangers.count))
        let refusals = events(lines, "refusal").filter { $0["status"] != "401" }
        #expect(refusals.map { $0["status"] } == ["403", "403", "503", "403", "403"])
        #expect(refusals.map { $0["caller"] } == ["idle", "idle", "payroll", "payroll", "payroll"])
        #expect(refusals.map { $0["tenant"] } == ["acme", nil, "initech", "acme", nil])
        #expect(
            refusals.map { $0["error"] }
                == [
                    "access_denied", "access_denied", "upstream_unavailable", "access_denied", "access_denied",
                ])
        let mints = events(lines, "mint")
        #expect(mints.map { $0["outcome"] } == ["unavailable"] && mints.map { $0["cause"] } == ["http_503"])
    }

    @Test func `a request that says nothing sensible is its caller's all the same`() async throws {
        let lines = try await lines { service in
            _ = try await service.get("/tokens/acme?min_ttl=x", as: "payroll")
            _ = try await service.get("/tokens/acme?scope=a&scope=b", as: "payroll")
            _ = try await service.get("/auth/acme?scope=%22", as: "payroll")
            _ = try await service.post("/tokens/acme", "grant_type=password", as: "payroll")
            _ = try await service.post("/tokens/acme/rejected", "fingerprint=x", as: "payroll")
            _ = try await service.post("/revoke", "token_type_hint=x", as: "payroll")
            _ = try await service.post("/tenants/acme/revoke", "minted_with=x", as: "ops")
            _ = try await service.get("/tenants?limit=x", as: "ops")
        }
        let refusals = events(lines, "refusal")
        #expect(refusals.map { $0["caller"] } == [String](repeating: "payroll", count: 6) + ["ops", "ops"])
        #expect(refusals.allSatisfy { $0["status"] == "400" })
    }

    @Test func `what callers and operators do about tokens is a line each`() async throws {
        var fingerprints: [String] = []
        let lines = try await lines { service in
            func token(_ tenant: String) async throws -> String {
                let token = try #require(try await service.get("/tokens/\(tenant)", as: "payroll").token)
                fingerprints.append(Fingerprint(of: token).text)
                return token
            }
            _ = try await service.post("/revoke", "token=\(try await token("globex"))", as: "payroll")
            _ = try await service.post("/revoke", "token=unknown", as: "payroll")
            _ = try await service.post("/tokens/acme/rejected", "token=\(try await token("acme"))", as: "payroll")
            _ = try await service.post("/tenants/acme/refresh", as: "ops")
            _ = try await service.post("/tenants/acme/revoke", as: "ops")
            await service.service.reload()
        }
        #expect(events(lines, "revocation_request").map { $0["outcome"] } == ["upstream", "unknown"])
        #expect(events(lines, "revocation_request").first?["fingerprint"] == fingerprints[0])
        #expect(events(lines, "rejection").map { $0["fingerprint"] } == [fingerprints[1]])
        #expect(events(lines, "refresh").map { $0["caller"] } == ["ops"])
        #expect(events(lines, "tenant_revocation").map { $0["local"] } == ["3"])
        #expect(events(lines, "revocation").map { $0["outcome"] } == ["upstream", "local", "local", "local"])
        #expect(events(lines, "reload").map { $0["outcome"] } == ["ok"])
    }

    @Test func `nothing that a caller sends ends a line or shows a token`() async throws {
        let forged = "x\"}\n{\"event\":\"forged\"}"
        let canary = "tw_c4nary-of-a-token"
        let lines = try await lines { service in
            let encoded = forged.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            for path in [
                "/tokens/\(encoded)", "/tokens/acme?scope=\(encoded)", "/tokens/\(canary)",
                "/auth/\(canary)/\(encoded)",
            ] {
                for caller in ["payroll", nil] {
                    _ = try await service.get(path, as: caller, [("X-Request-Id", "\(canary) \"")])
                }
            }
            _ = try await service.post("/tokens/acme", "client_id=\(encoded)&client_secret=\(canary)")
            _ = try await service.post("/revoke", "token=\(encoded)", as: "payroll")
        }
        #expect(!lines.isEmpty && events(lines, "forged").isEmpty)
        #expect(!lines.contains { $0.values.contains { $0.contains(canary) || $0.contains("forged") } })
    }
}
