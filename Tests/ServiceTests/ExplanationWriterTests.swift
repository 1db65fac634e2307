import Telemetry
import Testing

@testable import Service
@testable import TokenBroker

struct ExplanationWriterTests {
    private static let now = Timestamp(milliseconds: 1_800_000_000_250)

    private func key(_ scopes: String) throws -> Explanation.Key {
        Explanation.Key(
            scopes: try #require(ScopeSet(parsing: scopes)), state: .lastKnownGood,
            fingerprint: Fingerprint(number: 0x00ab_cdef_0123_4567), expiresIn: .milliseconds(59_900),
            lifetime: .seconds(300),
            holders: [Explanation.Holder(caller: "payroll", age: .seconds(10))], refreshIn: .seconds(8),
            retryIn: .seconds(8), isSuspended: false, isFailing: true, isMinting: true)
    }

    private func explanation(limits: MintBudget.Limits = .standard) throws -> Explanation {
        Explanation(
            tenant: "acme", provider: "pageup",
            budget: Explanation.Budget(remaining: 7, limits: limits),
            lastFailure: Explanation.Failure(age: .seconds(2), outcome: .unavailable, cause: "http_503"),
            keys: [try key("read write")],
            mints: [
                Explanation.Mint(
                    age: .milliseconds(2250), reason: "ahead", outcome: .unavailable, latency: .milliseconds(250),
                    scopes: try #require(ScopeSet(parsing: "read write")), fingerprint: nil)
            ])
    }

    private static let short =
        #"{"tenant":"acme","provider":"pageup","state":"last_known_good","suspended":false,"failing":true,"#
        + #""minting":true,"fingerprint":"00abcdef01234567","expires_at":"2027-01-15T08:01:00.150Z","expires_in":59,"lifetime":300,"#
        + #""refresh_at":"2027-01-15T08:00:08.250Z","refresh_in":8,"#
        + #""retry_at":"2027-01-15T08:00:08.250Z","retry_in":8,"budget":{"remaining":7,"burst":10,"per_hour":60},"#
        + #""last_error":{"at":"2027-01-15T07:59:58.250Z","error":"unavailable","cause":"http_503"}"#

    @Test func `a tenant whole`() throws {
        #expect(
            String(decoding: ExplanationWriter.whole(try explanation(), at: Self.now), as: UTF8.self) == Self.short
                + #","keys":[{"scope":"read write","state":"last_known_good","suspended":false,"failing":true,"#
                + #""minting":true,"fingerprint":"00abcdef01234567","expires_at":"2027-01-15T08:01:00.150Z","expires_in":59,"lifetime":300,"#
                + #""refresh_at":"2027-01-15T08:00:08.250Z","refresh_in":8,"#
                + #""retry_at":"2027-01-15T08:00:08.250Z","retry_in":8,"#
                + #""holders":[{"caller":"payroll","last_at":"2027-01-15T07:59:50.250Z","#
                + #""until":"2027-01-15T08:01:00.150Z"}]}],"#
                + #""mints":[{"at":"2027-01-15T07:59:58.000Z","reason":"ahead","outcome":"unavailable","#
                + #""latency_ms":250,"scope":"read write"}]}"#)
    }

    @Test func `a budget of days says so`() throws {
        let explanation = try explanation(limits: MintBudget.Limits(burst: 3, rate: 2, per: .day))
        let text = String(decoding: ExplanationWriter.whole(explanation, at: Self.now), as: UTF8.self)
        #expect(text.contains(#""budget":{"remaining":7,"burst":3,"per_day":2}"#))
    }

    @Test(arguments: [(nil, "}"), ("acme", #","next":"acme"}"#)] as [(String?, String)])
    func `a page of tenants`(_ next: String?, _ end: String) throws {
        let page = ExplanationPage(explanations: [try explanation(), try explanation()], next: next)
        #expect(
            String(decoding: ExplanationWriter.list(page, at: Self.now), as: UTF8.self)
                == #"{"tenants":["# + Self.short + "}," + Self.short + "}]" + end)
    }
}
