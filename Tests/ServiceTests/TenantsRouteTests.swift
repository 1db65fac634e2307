import HTTP
import Testing
import TokenBroker

@testable import Service

/// What operators see of tenants, from end to end.
struct TenantsRouteTests {
    @Test func `a tenant is explained without its token`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            let next = try #require(
                try await service.post("/tokens/initech/rejected", "token=\(token)", as: "payroll").token)
            let answer = try await service.get("/tenants/initech", as: "ops")
            #expect(answer.status == 200)
            #expect(answer[field: "Cache-Control"] == "no-store")
            let json = try #require(answer.json)
            #expect(json["tenant"]?.text == "initech" && json["provider"]?.text == "oauth2")
            #expect(json["state"]?.text == "fresh")
            #expect(json["suspended"] == .boolean(false) && json["minting"] == .boolean(false))
            #expect(json["fingerprint"]?.text == Fingerprint(of: next).text)
            #expect((290...300).contains(json["expires_in"]?.integer ?? 0))
            #expect((230...264).contains(json["refresh_in"]?.integer ?? 0))
            #expect(json["budget"]?["remaining"]?.integer == 8)
            let key = try #require(json["keys"]?.items.first)
            #expect(key["scope"]?.text == "read write")
            #expect(key["holders"]?.items.map { $0["caller"]?.text } == ["payroll"])
            #expect(key["holders"]?.items.first?["until"] == key["expires_at"])
            #expect(json["mints"]?.items.map { $0["reason"]?.text } == ["rejected", "cold"])
            #expect(
                json["mints"]?.items.map { $0["fingerprint"]?.text }
                    == [next, token].map { Fingerprint(of: $0).text })
            for secret in [token, next, LoopbackService.vendorSecret, LoopbackService.key(of: "payroll")] {
                #expect(!answer.whole.contains(secret))
            }
        }
    }

    @Test func `what the vendor refuses is said, and nothing of its words`() async throws {
        try await LoopbackService.run { service in
            service.upstream.answer(401, #"{"error":"invalid_client","error_description":"c4nary"}"#)
            _ = try await service.get("/tokens/initech", as: "payroll")
            let answer = try await service.get("/tenants/initech", as: "ops")
            #expect(answer.json?["state"]?.text == "cold")
            #expect(answer.json?["suspended"] == .boolean(true))
            #expect(answer.json?["last_error"]?["error"]?.text == "rejected")
            #expect(answer.json?["last_error"]?["cause"]?.text == "invalid_client")
            #expect(answer.json?["mints"]?.items.map { $0["outcome"]?.text } == ["rejected"])
            #expect(!answer.whole.contains("c4nary"))
        }
    }

    @Test func `a caller that is told its token is still current holds it too`() async throws {
        try await LoopbackService.run { service in
            _ = try await service.get("/tokens/initech", as: "payroll")
            #expect(try await service.get("/tokens/initech", as: "root", [("If-None-Match", "*")]).status == 304)
            let key = try await service.get("/tenants/initech", as: "ops").json?["keys"]?.items.first
            #expect(key?["holders"]?.items.map { $0["caller"]?.text } == ["root", "payroll"])
        }
    }

    @Test func `all tenants are listed, as many at a time as are asked for`() async throws {
        try await LoopbackService.run { service in
            func names(_ query: String) async throws -> ([String?], next: String?) {
                let json = try await service.get("/tenants" + query, as: "ops").json
                return (json?["tenants"]?.items.map { $0["tenant"]?.text } ?? [], json?["next"]?.text)
            }
            _ = try await service.get("/tokens/acme", as: "payroll")
            #expect(try await names("") == (["acme", "globex", "initech"], nil))
            #expect(try await names("?limit=2") == (["acme", "globex"], "globex"))
            #expect(try await names("?limit=2&after=globex") == (["initech"], nil))
            #expect(try await names("?after=initech") == ([], nil))
            let first = try await service.get("/tenants?limit=1", as: "ops").json?["tenants"]?.items.first
            #expect(first?["state"]?.text == "fresh")
            #expect(first?["mints"] == nil && first?["keys"] == nil)
        }
    }

    @Test(arguments: [
        "limit=0", "limit=1001", "limit=-1", "limit=1e2", "limit=99999999999999999999", "limit=1&limit=1", "after=A",
        "after=%22", "after=a&after=b",
    ])
    func `a malformed page is refused`(_ query: String) async throws {
        try await LoopbackService.run { service in
            let answer = try await service.get("/tenants?" + query, as: "ops")
            #expect(answer.status == 400)
            #expect(answer.json?["error"]?.text == "invalid_request")
        }
    }

    @Test func `an operator sees every tenant, and other callers nothing`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            for path in ["/tenants", "/tenants/acme", "/tenants/nobody"] {
                for caller in ["payroll", "reports", "directory", "root", "idle"] {
                    let answer = try await service.get(path, as: caller)
                    #expect(answer.status == 403)
                    #expect(answer.text == #"{"error":"access_denied","error_description":"no grant for this"}"#)
                }
                #expect(try await service.get(path).status == 401)
            }
            #expect(try await service.get("/tenants/nobody", as: "ops").status == 404)
            #expect(try await service.get("/tenants/acme", as: "ops").status == 200)
            #expect(try await service.send(.head, "/tenants", as: "ops").text.isEmpty)
            #expect(try await service.post("/tenants", as: "ops")[field: "Allow"] == "GET, HEAD")
            // Being seen costs a tenant nothing, and gives nobody its token.
            #expect(try await service.get("/tokens/acme", as: "ops").status == 403)
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
            #expect(try await service.count(at: service.pageUpURL).attempts == 1)
        }
    }
}
