import HTTP
import Testing
import TokenBroker

@testable import Service

/// A caller's report that the vendor refused a token, from end to end.
struct RejectionRouteTests {
    private static let path = "/tokens/initech/rejected"

    @Test(arguments: ["token", "fingerprint"])
    func `a report of the current token is answered as a request for a token is`(_ by: String) async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            let value = by == "token" ? token : Fingerprint(of: token).text
            let answer = try await service.post(Self.path, "\(by)=\(value)", as: "payroll")
            #expect(answer.status == 200)
            let next = try #require(answer.token)
            #expect(next != token)
            #expect(answer[field: "Cache-Control"] == "no-store" && answer[field: "Pragma"] == "no-cache")
            #expect(answer[field: "ETag"] == "\"\(Fingerprint(of: next))\"")
            let other = try await service.get("/tokens/initech", as: "payroll")
            #expect(other.token == next)
            // A second may have passed between the two.
            #expect(answer.comparable.filter { !$0.isNumber } == other.comparable.filter { !$0.isNumber })
            // No revocation.
            #expect(service.upstream.requests.map(\.target.segments) == [["token"], ["token"]])
            #expect(
                try await service.metric(#"tokenwell_mints_total{tenant="initech",reason="rejected",outcome="ok"}"#)
                    == 1)
        }
    }

    @Test func `it takes no more than a grant, and its scopes are those of a request for a token`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "reports").token)
            let form = "token=\(token)"
            #expect(try await service.post("/tokens/acme/rejected", form, as: "payroll").token != token)
            #expect(try await service.get("/tokens/acme", as: "reports").token == token)
            let write = form + "&scope=Public.Application.Write"
            #expect(try await service.post("/tokens/acme/rejected", write, as: "reports").status == 400)
            let read = form + "&scope=Public.Application.Read"
            let next = try await service.post("/tokens/acme/rejected", read, as: "payroll").token
            #expect(next != token)
            #expect(try await service.get("/tokens/acme", as: "reports").token == next)
            let basic = LoopbackService.basic("reports", LoopbackService.key(of: "reports"))
            #expect(
                try await service.post("/tokens/acme/rejected", "token=x", [("Authorization", basic)]).token == next)
            let inBody = "token=x&client_id=reports&client_secret=\(LoopbackService.key(of: "reports"))"
            #expect(try await service.post("/tokens/acme/rejected", inBody).token == next)
        }
    }

    @Test func `without a key or a grant there is none to get`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            #expect(try await service.post(Self.path, "token=\(token)").status == 401)
            for caller in ["reports", "idle", "ops"] {
                #expect(try await service.post(Self.path, "token=\(token)", as: caller).status == 403)
            }
            #expect(try await service.post("/tokens/nobody/rejected", "token=x", as: "root").status == 404)
            #expect(try await service.get(Self.path, as: "payroll")[field: "Allow"] == "POST")
            #expect(try await service.get("/tokens/initech", as: "payroll").token == token)
        }
    }

    @Test(arguments: [
        "", "token=", "tokens=x", "token=x&fingerprint=0123456789abcdef", "token=x&token=x",
        "fingerprint=0123456789abcdef&fingerprint=0123456789abcdef", "fingerprint=0123456789abcde",
        "fingerprint=0123456789abcdef0", "fingerprint=0123456789ABCDEF", "fingerprint=0123456789abcdeg",
        "fingerprint=%220123456789abcdef%22", "token=%", "token=%00", "token=x&scope=a&scope=b",
    ])
    func `a malformed report is refused`(_ form: String) async throws {
        try await LoopbackService.run { service in
            let answer = try await service.post(Self.path, form, as: "payroll")
            #expect(answer.status == 400)
            #expect(answer.json?["error"]?.text == "invalid_request")
            #expect(service.upstream.requests.isEmpty)
        }
    }

    @Test func `a report that is no form is refused`() async throws {
        try await LoopbackService.run { service throws in
            let json: [(StaticString, String)] = [("Content-Type", "application/json")]
            #expect(try await service.send(.post, Self.path, as: "payroll", json, #"{"token":"x"}"#).status == 415)
        }
    }

    @Test func `two hundred reports at once are one mint, and each gets the new token`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            let answers = try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        try await service.post(
                            Self.path, "token=\(token)", as: number.isMultiple(of: 2) ? "payroll" : "root"
                        ).token
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(answers == ["initech-token-2"])
            #expect(service.upstream.requests.count == 2)
        }
    }

    @Test func `a caller that rejects whatever it gets is slowed down, and no other`() async throws {
        try await LoopbackService.run { configuration in
            configuration.tenants[2].mintBudget = MintBudget.Limits(burst: 1000, perHour: 100_000)
        } _: { service in
            var token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            for _ in 0..<5 {
                token = try #require(try await service.post(Self.path, "token=\(token)", as: "payroll").token)
            }
            let answer = try await service.post(Self.path, "token=\(token)", as: "payroll")
            #expect(answer.status == 429)
            let wait = try #require(answer.json?["retry_after"]?.integer)
            #expect((1...6).contains(wait))
            #expect(answer[field: "Retry-After"] == "\(wait)")
            #expect(
                answer.text == #"{"error":"slow_down","error_description":"too many tokens reported as rejected","#
                    + #""retry_after":\#(wait),"tenant":"initech"}"#)
            #expect(try await service.get("/tokens/initech", as: "payroll").token == token)
            #expect(try await service.post(Self.path, "token=\(token)", as: "root").token != token)
            for (outcome, count) in [("current", 6), ("limited", 1)] {
                let series = #"tokenwell_rejections_total{tenant="initech",outcome="\#(outcome)"}"#
                #expect(try await service.metric(series) == count)
            }
        }
    }

    @Test func `while the vendor is down there is none to get, and the rejected token is not given again`()
        async throws
    {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            service.upstream.answer(503, retryAfter: "60")
            for answer in [
                try await service.post(Self.path, "token=\(token)", as: "payroll"),
                try await service.get("/tokens/initech", as: "payroll"),
            ] {
                #expect(answer.status == 503)
                #expect(answer.json?["error"]?.text == "upstream_unavailable")
                #expect(answer[field: "Retry-After"] == "60")
            }
        }
    }
}
