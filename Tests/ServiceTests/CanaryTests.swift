import HTTP
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
                        "/tokens/acme/\(canary)",
                        "/tokens/initech?scope=\(canary)", "/tokens/initech?min_ttl=\(canary)",
                        "/tokens/initech?\(canary)=%",
                        "/tokens/%zz\(canary)", "/livez?\(canary)",
                    ] {
                        answers.append(try await service.get(path, as: caller))
                    }
                    answers.append(try await service.post("/tenants/\(canary)/refresh", as: caller))
                    answers.append(try await service.post("/tokens/acme", "grant_type=\(canary)", as: caller))
                    answers.append(try await service.post("/tokens/acme", "\(canary)=%", as: caller))
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
                answers.append(try await service.post("/revoke", "token=\(token)", as: "payroll"))
            }
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
}
