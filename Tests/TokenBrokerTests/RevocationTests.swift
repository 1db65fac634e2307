import Testing
import TokenBroker

struct RevocationTests {
    private static let url = "https://auth.example/revoke"

    private func rehearsal(revocationURL: String? = nil) -> Rehearsal {
        let rehearsal = Rehearsal([.example(revocationURL: revocationURL), .example("globex")], draw: 0.5)
        rehearsal.ask()
        return rehearsal
    }

    @Test func `revoking takes a right of its own, and the tenant's grant`() {
        let rehearsal = rehearsal()
        #expect(rehearsal.revoke("acme-1", grant: Grant(tenants: [.prefix("")])).error == .accessDenied)
        let other = Grant(tenants: [.exact("globex")], mayRevoke: true)
        #expect(rehearsal.revoke("acme-1", grant: other).value == .unknown)
        #expect(rehearsal.ask().token == "acme-1")
        #expect(rehearsal.revoke("never-seen").value == .unknown)
        #expect(rehearsal.upstream.revocations.isEmpty)
    }

    @Test func `without an endpoint a token is dropped here, and the next request mints`() {
        let rehearsal = rehearsal()
        #expect(rehearsal.revoke("acme-1").value == .local)
        #expect(rehearsal.revoke("acme-1").value == .local)
        rehearsal.advance(by: .seconds(290))
        #expect(rehearsal.upstream.mints.count == 1)
        #expect(rehearsal.ask().token == "acme-2")
        #expect(
            rehearsal.exposed("tokenwell_revocations_total")
                == [#"tokenwell_revocations_total{tenant="acme",result="local"} 1"#])
    }

    @Test(arguments: [nil, url])
    func `a tenant that is kept warm has another token at once`(_ revocationURL: String?) {
        let rehearsal = Rehearsal([.example(revocationURL: revocationURL, keepWarm: true)])
        rehearsal.start()
        #expect(rehearsal.revoke("acme-1").value != nil)
        #expect(rehearsal.upstream.mints.count == 2)
        #expect(rehearsal.ask().token == "acme-2")
        rehearsal.advance(by: .seconds(300))
        #expect(rehearsal.upstream.mints.count == 3)
    }

    @Test func `with one the upstream is told once`() {
        let rehearsal = rehearsal(revocationURL: Self.url)
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        #expect(rehearsal.upstream.revocations == ["acme-1"])
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `an upstream that refuses the credential is not asked again for an hour`() {
        let rehearsal = Rehearsal([.example(revocationURL: Self.url)], draw: 0.5)
        rehearsal.upstream.usually(.token(lifetime: .seconds(86_400)), for: "acme")
        rehearsal.ask()
        rehearsal.upstream.failRevocations(.rejected("invalid_client"))
        #expect(rehearsal.revoke("acme-1").error == .revocationPending(retryAfter: .seconds(3600)))
        rehearsal.advance(by: .seconds(3599))
        #expect(rehearsal.upstream.revocations.count == 1)
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.revoke("acme-1").value == .upstream)
    }

    @Test func `a token that was replaced but has not ended can be revoked`() {
        let rehearsal = rehearsal(revocationURL: Self.url)
        rehearsal.advance(by: .seconds(255))
        #expect(rehearsal.ask().token == "acme-2")
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        #expect(rehearsal.ask().token == "acme-2")
        #expect(rehearsal.upstream.mints.count == 2)
    }

    @Test func `a token that has ended is unknown`() {
        let rehearsal = rehearsal(revocationURL: Self.url)
        rehearsal.advance(by: .seconds(300))
        #expect(rehearsal.revoke("acme-1").value == .unknown)
        #expect(rehearsal.upstream.revocations.isEmpty)
    }

    @Test func `an upstream that cannot be told is told again until it hears`() {
        let rehearsal = rehearsal(revocationURL: Self.url)
        rehearsal.upstream.failRevocations(.timeout, .unavailable("reset"), .throttled(retryAfter: nil))
        #expect(rehearsal.revoke("acme-1").error == .revocationPending(retryAfter: .milliseconds(500)))
        #expect(rehearsal.ask().token == "acme-2")
        #expect(rehearsal.revoke("acme-1").error == .revocationPending(retryAfter: .seconds(1)))
        #expect(rehearsal.upstream.revocations.count == 1)
        rehearsal.advance(by: .milliseconds(500))
        #expect(rehearsal.upstream.revocations.count == 2)
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.revoke("acme-1").error == .revocationPending(retryAfter: .seconds(2)))
        rehearsal.advance(by: .seconds(2))
        #expect(rehearsal.upstream.revocations.count == 4)
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        rehearsal.advance(by: .seconds(600))
        #expect(rehearsal.upstream.revocations.count == 4)
        #expect(
            rehearsal.exposed("tokenwell_revocations_total") == [
                #"tokenwell_revocations_total{tenant="acme",result="pending"} 3"#,
                #"tokenwell_revocations_total{tenant="acme",result="upstream"} 1"#,
            ])
    }

    @Test func `nobody tells the upstream of a token that has ended`() {
        let rehearsal = rehearsal(revocationURL: Self.url)
        rehearsal.upstream.failRevocations(.throttled(retryAfter: .seconds(3600)))
        #expect(rehearsal.revoke("acme-1").error == .revocationPending(retryAfter: .seconds(3600)))
        rehearsal.advance(by: .seconds(7200))
        #expect(rehearsal.upstream.revocations.count == 1)
        #expect(rehearsal.revoke("acme-1").value == .unknown)
    }

    @Test func `a flight cannot bring a revoked token back`() {
        let rehearsal = rehearsal()
        rehearsal.upstream.script(.hang)
        rehearsal.advance(by: .seconds(252))
        #expect(rehearsal.upstream.mints.count == 2)
        rehearsal.revoke("acme-1")
        let call = rehearsal.ask()
        #expect(call.isWaiting)
        let revoked = ScriptedEndpoint.Answer.exactly(MintedToken(token: Secret("acme-1"), lifetime: .seconds(300)))
        rehearsal.upstream.release(revoked)
        rehearsal.executor.drain()
        #expect(call.error == .upstreamUnavailable(retryAfter: .milliseconds(500)))
        rehearsal.upstream.script(revoked)
        rehearsal.advance(by: .milliseconds(500))
        #expect(rehearsal.ask().value == nil)
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.ask().token == "acme-4")
    }

    @Test func `a token that the upstream answers again and again stays revoked`() {
        let rehearsal = Rehearsal()
        let same = ScriptedEndpoint.Answer.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300)))
        rehearsal.upstream.usually(same)
        rehearsal.ask()
        rehearsal.advance(by: .seconds(10))
        rehearsal.revoke("same")
        for _ in 0..<100 {
            rehearsal.advance(by: .seconds(20))
            #expect(rehearsal.ask().value == nil)
        }
        #expect(rehearsal.upstream.mints.count > 3)
    }

    @Test func `a token that another key was given later can be revoked until it ends there`() {
        let rehearsal = Rehearsal()
        let same = ScriptedEndpoint.Answer.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300)))
        rehearsal.upstream.usually(same)
        rehearsal.ask()
        rehearsal.advance(by: .seconds(200))
        rehearsal.ask(scopes: .of("read"))
        rehearsal.advance(by: .seconds(120))
        #expect(rehearsal.ask(scopes: .of("read")).token == "same")
        #expect(rehearsal.revoke("same").value == .local)
        #expect(rehearsal.ask(scopes: .of("read")).value == nil)
    }

    @Test func `no tenant goes on handing a token out while the upstream of another is told`() {
        let rehearsal = Rehearsal([.example("a", revocationURL: Self.url), .example("b", revocationURL: Self.url)])
        let same = ScriptedEndpoint.Answer.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300)))
        rehearsal.upstream.script(same, same)
        rehearsal.ask("a")
        rehearsal.ask("b")
        rehearsal.upstream.hangRevocations()
        let call = rehearsal.revoke("same")
        #expect(call.isWaiting)
        #expect(rehearsal.read("a") == nil && rehearsal.read("b") == nil)
        rehearsal.upstream.release(same)
        rehearsal.upstream.release(same)
        rehearsal.executor.drain()
        #expect(call.value == .upstream)
    }

    @Test func `a flight that started before a revocation may bring another token`() {
        let rehearsal = rehearsal()
        rehearsal.upstream.script(.hang)
        rehearsal.advance(by: .seconds(252))
        rehearsal.revoke("acme-1")
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `the same token of two tenants is revoked for both`() {
        let rehearsal = Rehearsal([.example("a", revocationURL: Self.url), .example("b")])
        rehearsal.upstream.script(
            .exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300))),
            .exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300))))
        rehearsal.ask("a")
        rehearsal.ask("b")
        #expect(rehearsal.revoke("same").value == .upstream)
        #expect(rehearsal.ask("a").token == "a-3")
        #expect(rehearsal.ask("b").token == "b-4")
    }
}
