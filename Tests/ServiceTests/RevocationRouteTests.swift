import HTTP
import Testing
import TokenBroker

@testable import Service

/// `POST /revoke` from end to end.
struct RevocationRouteTests {
    private func token(of tenant: String, from service: LoopbackService) async throws -> String {
        try #require(try await service.get("/tokens/\(tenant)", as: "payroll").token)
    }

    @Test func `at UKG, the vendor refuses the token from then on`() async throws {
        try await LoopbackService.run { service in
            let token = try await token(of: "globex", from: service)
            #expect(try await service.ukgTakes(token))
            let answer = try await service.post("/revoke", "token=\(token)", as: "payroll")
            #expect(
                answer.comparable == """
                    200
                    Content-Type: application/json
                    Cache-Control: no-store
                    Content-Length: 22

                    {"revoked":"upstream"}
                    """)
            #expect(try await !service.ukgTakes(token))
            // Asked again it says the same, and nobody gets the token any more.
            #expect(try await service.post("/revoke", "token=\(token)", as: "payroll").text == answer.text)
            let next = try await self.token(of: "globex", from: service)
            #expect(next != token)
            #expect(try await service.ukgTakes(next))
            #expect(try await service.count(at: service.ukgURL).mints == 2)
        }
    }

    @Test func `at PageUp, it is dropped here and that is all`() async throws {
        try await LoopbackService.run { service in
            let token = try await token(of: "acme", from: service)
            for _ in 0..<2 {
                let answer = try await service.post("/revoke", "token=\(token)", as: "payroll")
                #expect(answer.text == #"{"revoked":"local"}"#)
            }
            #expect(try await self.token(of: "acme", from: service) != token)
        }
    }

    @Test(arguments: [
        "token=x", "token=x&token_type_hint=refresh_token", "token=x&token_type_hint=nonsense", "token=%C3%A9",
    ])
    func `an unknown token is no error`(_ form: String) async throws {
        try await LoopbackService.run { service in
            let answer = try await service.post("/revoke", form, as: "payroll")
            #expect(answer.status == 200)
            #expect(answer.text == #"{"revoked":"unknown"}"#)
        }
    }

    @Test func `callers prove themselves by Basic and in the form too`() async throws {
        try await LoopbackService.run { service throws in
            let key = LoopbackService.key(of: "payroll")
            let basic = [("Authorization", LoopbackService.basic("payroll", key))] as [(StaticString, String)]
            #expect(try await service.post("/revoke", "token=x", basic).status == 200)
            #expect(try await service.post("/revoke", "token=x&client_id=payroll&client_secret=\(key)").status == 200)
            #expect(try await service.post("/revoke", "token=x").status == 401)
            #expect(try await service.post("/revoke", "token=x&client_id=payroll&client_secret=x").status == 401)
        }
    }

    @Test func `without the grant nothing is revoked`() async throws {
        try await LoopbackService.run { service in
            let token = try await token(of: "acme", from: service)
            let read = try #require(try await service.get("/tokens/acme", as: "reports").token)
            for form in ["token=\(token)", "token=\(read)", "token=x"] {
                let answer = try await service.post("/revoke", form, as: "reports")
                #expect(answer.status == 403)
                #expect(answer.text == #"{"error":"access_denied","error_description":"no grant for this"}"#)
            }
            #expect(try await self.token(of: "acme", from: service) == token)
            #expect(try await service.get("/tokens/acme", as: "reports").token == read)
        }
    }

    @Test func `a vendor that cannot be told is told later, and the token is gone at once`() async throws {
        try await LoopbackService.run { service in
            let token = try await token(of: "initech", from: service)
            service.upstream.answer { request in
                request.target.segments == ["revoke"] ? Response(.serviceUnavailable) : ScriptedUpstream.token("next")
            }
            for _ in 0..<2 {
                let answer = try await service.post("/revoke", "token=\(token)", as: "payroll")
                #expect(answer.status == 503)
                #expect(answer.json?["error"]?.text == "upstream_unavailable")
                #expect(answer[field: "Retry-After"] == answer.json?["retry_after"]?.integer.map { "\($0)" })
            }
            #expect(try await self.token(of: "initech", from: service) == "next")
            service.upstream.answer(200)
            var answer = try await service.post("/revoke", "token=\(token)", as: "payroll")
            while answer.status != 200 { answer = try await service.post("/revoke", "token=\(token)", as: "payroll") }
            #expect(answer.text == #"{"revoked":"upstream"}"#)
        }
    }

    @Test(arguments: ["", "token=", "token_type_hint=access_token", "token=a&token=a", "token=%", "token=%00"])
    func `a malformed request is refused`(_ form: String) async throws {
        try await LoopbackService.run { service in
            let answer = try await service.post("/revoke", form, as: "payroll")
            #expect(answer.status == 400)
            #expect(answer.json?["error"]?.text == "invalid_request")
        }
    }

    @Test func `a body that is no form is refused`() async throws {
        try await LoopbackService.run { service throws in
            let json = [("Content-Type", "application/json")] as [(StaticString, String)]
            #expect(try await service.send(.post, "/revoke", as: "payroll", json, #"{"token":"x"}"#).status == 415)
            #expect(try await service.get("/revoke?token=x", as: "payroll").status == 405)
        }
    }

    @Test func `an operator revokes all that a tenant has, and those of no present secret`() async throws {
        try await LoopbackService.run { service in
            let path = "/tenants/globex/revoke"
            let tokens = [try await token(of: "globex", from: service), try await token(of: "acme", from: service)]
            let none = try await service.post(path, "minted_with=withdrawn_secret", as: "ops")
            #expect(none.text == #"{"tenant":"globex","upstream":0,"local":0,"pending":0}"#)
            #expect(try await service.ukgTakes(tokens[0]))
            let all = try await service.post(path, as: "ops")
            #expect(all.text == #"{"tenant":"globex","upstream":1,"local":0,"pending":0}"#)
            #expect(try await !service.ukgTakes(tokens[0]))
            #expect(try await token(of: "globex", from: service) != tokens[0])
            #expect(try await token(of: "acme", from: service) == tokens[1])
            let local = try await service.post("/tenants/acme/revoke", as: "ops")
            #expect(local.text == #"{"tenant":"acme","upstream":0,"local":1,"pending":0}"#)
        }
    }

    @Test func `nobody else revokes all of a tenant`() async throws {
        try await LoopbackService.run { service throws in
            for caller in ["payroll", "root", "idle"] {
                for tenant in ["acme", "nobody"] {
                    #expect(try await service.post("/tenants/\(tenant)/revoke", as: caller).status == 403)
                }
            }
            #expect(try await service.post("/tenants/acme/revoke").status == 401)
            #expect(try await service.post("/tenants/nobody/revoke", as: "ops").status == 404)
            #expect(try await service.post("/tenants/acme/revoke", "minted_with=x", as: "ops").status == 400)
        }
    }
}
