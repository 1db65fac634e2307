import Testing
import TokenBroker

/// What callers see of an upstream's odd lifetimes, and how often they make the broker mint.
struct UpstreamLifetimeTests {
    /// What two callers, one after the other, are told is left, for an `expires_in`.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let expiresIn: String
        let remaining: ClosedRange<Int>
    }

    @Test(arguments: [
        Case(testDescription: "missing", expiresIn: "", remaining: 290...300),
        Case(testDescription: "a string", expiresIn: #","expires_in":"600""#, remaining: 590...600),
        Case(testDescription: "1e9", expiresIn: #","expires_in":1e9"#, remaining: 8_639_990...8_640_000),
        Case(testDescription: "over 100 days", expiresIn: #","expires_in":8640001"#, remaining: 8_639_990...8_640_000),
    ])
    func `an odd expires_in`(_ sample: Case) async throws {
        try await LoopbackService.run { service in
            service.upstream.answer(200, #"{"access_token":"t","token_type":"bearer"\#(sample.expiresIn)}"#)
            for _ in 0..<2 {
                let answer = try await service.get("/tokens/initech", as: "payroll")
                #expect(answer.token == "t")
                let remaining = try #require(answer.json?["expires_in"]?.integer)
                #expect(sample.remaining.contains(remaining))
            }
            #expect(service.upstream.requests.count == 1)
        }
    }

    @Test(arguments: [0, -300, -9_000_000_000])
    func `a token without a life is for those who waited for it, and for nobody after them`(
        _ expiresIn: Int
    ) async throws {
        try await LoopbackService.run { service in
            service.upstream.answer { _ in ScriptedUpstream.token("t", lifetime: expiresIn) }
            let answer = try await service.get("/tokens/initech", as: "payroll")
            #expect(answer.token == "t" && answer.json?["expires_in"] == .number(0))
            service.upstream.answer(503)
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 503)
        }
    }

    /// What is left when the very token that is held is answered again, with another `expires_in`.
    @Test(arguments: [(120, 110...120), (300, 290...300), (3600, 290...300)])
    func `the same token again ends at the earlier of its two ends, and costs no further mint`(
        _ again: Int, _ expected: ClosedRange<Int>
    ) async throws {
        try await LoopbackService.run { service in
            service.upstream.answer { _ in ScriptedUpstream.token("t") }
            #expect(try await service.get("/tokens/initech", as: "payroll").token == "t")
            service.upstream.answer { _ in ScriptedUpstream.token("t", lifetime: again) }
            #expect(try await service.post("/tenants/initech/refresh", as: "ops").status == 200)
            for _ in 0..<5 {
                let answer = try await service.get("/tokens/initech", as: "payroll")
                #expect(answer.token == "t")
                let remaining = try #require(answer.json?["expires_in"]?.integer)
                #expect(expected.contains(remaining))
            }
            #expect(service.upstream.requests.count == 2)
        }
    }
}
