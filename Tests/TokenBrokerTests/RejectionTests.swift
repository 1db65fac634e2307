import Testing
import TokenBroker

/// What comes of a caller's saying that the vendor refused a token.
struct RejectionTests {
    private func reports(_ rehearsal: Rehearsal) -> [Substring] {
        rehearsal.exposed("tokenwell_rejections_total").map { $0.drop { $0 != "," }.dropFirst() }
    }

    @Test func `the current token is replaced, and never handed out again`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        #expect(rehearsal.reject("acme-1").token == "acme-2")
        #expect(rehearsal.ask().token == "acme-2")
        #expect(rehearsal.upstream.revocations.isEmpty)
        #expect(
            rehearsal.exposed("tokenwell_mints_total")
                .contains(#"tokenwell_mints_total{tenant="acme",reason="rejected",outcome="ok"} 1"#))
        #expect(reports(rehearsal) == [#"outcome="current"} 1"#])
        #expect(
            rehearsal.log.all.contains {
                $0.contains(#""message":"token rejected""#) && $0.contains(Fingerprint(of: "acme-1").text)
                    && $0.contains(#""caller":"payroll""#)
            })
    }

    @Test func `a thousand reports at once cost one mint`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.upstream.script(.hang)
        let calls = (0..<1000).map { _ in rehearsal.reject("acme-1") }
        #expect(calls.allSatisfy { $0.isWaiting })
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(calls.allSatisfy { $0.token == "acme-2" })
        #expect(rehearsal.upstream.mints.count == 2)
        #expect(reports(rehearsal) == [#"outcome="current"} 1"#, #"outcome="old"} 999"#])
    }

    @Test(arguments: [false, true])
    func `what cannot be replaced within the budget is, as soon as there is a mint`(_ keepWarm: Bool) throws {
        let rehearsal = Rehearsal([
            .example(keepWarm: keepWarm, mintBudget: MintBudget.Limits(burst: 1, perHour: 60))
        ])
        rehearsal.ask()
        #expect(rehearsal.reject("acme-1").error == .budgetExhausted(retryAfter: .seconds(60)))
        rehearsal.advance(by: .seconds(59))
        #expect(rehearsal.upstream.mints.count == 1)
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.upstream.mints.count == 2)
        #expect(rehearsal.read()?.token.secret.reveal() == "acme-2")
    }

    @Test func `a report joins the refresh that is under way`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.upstream.script(.hang)
        rehearsal.advance(by: .seconds(240))
        let call = rehearsal.reject("acme-1")
        #expect(call.isWaiting)
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(call.token == "acme-2")
        #expect(rehearsal.upstream.mints.count == 2)
    }

    @Test(arguments: ["acme-1", "never-seen"])
    func `a report of an old or unknown token costs no mint`(_ token: String) {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .seconds(240))
        #expect(rehearsal.ask().token == "acme-2")
        for _ in 0..<100 { #expect(rehearsal.reject(token).token == "acme-2") }
        #expect(rehearsal.upstream.mints.count == 2)
        #expect(reports(rehearsal) == [#"outcome="old"} 100"#])
    }

    @Test func `only the token of the same scopes counts`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.ask(scopes: .of("read"))
        #expect(rehearsal.reject("acme-1", scopes: .of("read")).token == "acme-2")
        let reader = Grant(tenants: [.exact("acme")], scopes: .of("read"))
        #expect(rehearsal.reject("acme-1", grant: reader).token == "acme-2")
        #expect(rehearsal.ask().token == "acme-1")
        #expect(rehearsal.reject("acme-2", grant: reader).token == "acme-3")
        #expect(rehearsal.ask().token == "acme-1")
    }

    @Test func `a token that several scope sets share is dropped for all of them`() {
        let rehearsal = Rehearsal()
        let same = ScriptedEndpoint.Answer.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300)))
        rehearsal.upstream.script(same, same)
        rehearsal.ask()
        rehearsal.ask(scopes: .of("read"))
        #expect(rehearsal.reject("same").token == "acme-3")
        #expect(rehearsal.ask(scopes: .of("read")).token == "acme-4")
    }

    @Test func `who has no grant reports nothing`() {
        let rehearsal = Rehearsal([.example(), .example("globex")])
        rehearsal.ask()
        let other = Grant(tenants: [.exact("globex")], mayRevoke: true)
        #expect(rehearsal.reject("acme-1", grant: other).error == .accessDenied)
        #expect(rehearsal.reject("acme-1", grant: Grant(tenants: [], isOperator: true)).error == .accessDenied)
        #expect(rehearsal.reject("acme-1", "nobody").error == .unknownTenant)
        #expect(rehearsal.reject("acme-1", scopes: .of("admin")).error == .invalidScope)
        #expect(rehearsal.reject("acme-1", "globex").token == "globex-2")
        #expect(rehearsal.ask().token == "acme-1")
    }

    // MARK: When there is no other

    @Test func `a mint that fails leaves nothing to hand out, and the next one may do better`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.script(.failure(.unavailable("http_503")))
        let error = BrokerError.upstreamUnavailable(retryAfter: .milliseconds(500))
        #expect(rehearsal.reject("acme-1").error == error)
        #expect(rehearsal.ask().error == error)
        #expect(rehearsal.reject("acme-1").error == error)
        rehearsal.advance(by: .milliseconds(500))
        #expect(rehearsal.ask().token == "acme-3")
    }

    @Test func `a budget that is spent leaves nothing to hand out`() {
        let rehearsal = Rehearsal([.example(mintBudget: MintBudget.Limits(burst: 2, perHour: 60))])
        rehearsal.ask()
        #expect(rehearsal.reject("acme-1").error == .budgetExhausted(retryAfter: .seconds(60)))
        #expect(rehearsal.ask().error == .budgetExhausted(retryAfter: .seconds(60)))
        rehearsal.advance(by: .seconds(60))
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `with a refused credential there is no other`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.upstream.script(.failure(.rejected("invalid_client")))
        rehearsal.advance(by: .seconds(240))
        #expect(rehearsal.ask().value?.state == .lastKnownGood)
        #expect(rehearsal.reject("acme-1").error == .upstreamRejected)
        #expect(rehearsal.upstream.mints.count == 2)
    }

    @Test func `an upstream that answers the rejected token again is left alone until it has ended`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .seconds(100))
        let again = ScriptedEndpoint.Answer.exactly(MintedToken(token: Secret("acme-1"), lifetime: .seconds(200)))
        rehearsal.upstream.script(again)
        #expect(rehearsal.reject("acme-1").error == .upstreamUnavailable(retryAfter: .seconds(200)))
        for _ in 0..<100 {
            #expect(rehearsal.ask().error == .upstreamUnavailable(retryAfter: .seconds(200)))
            #expect(rehearsal.reject("acme-1").error == .upstreamUnavailable(retryAfter: .seconds(200)))
        }
        rehearsal.advance(by: .seconds(199))
        #expect(rehearsal.upstream.mints.count == 2)
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.ask().token == "acme-3")
    }

    @Test func `a rejected token can still be revoked at the upstream`() {
        let rehearsal = Rehearsal([.example(revocationURL: "https://auth.example/revoke")])
        rehearsal.ask()
        rehearsal.reject("acme-1")
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        #expect(rehearsal.ask().token == "acme-2")
    }

    // MARK: A broken caller

    @Test func `beyond its limit a caller's reports drop nothing`() {
        let rehearsal = Rehearsal()
        let caller = CallerIdentity(name: "payroll")
        rehearsal.ask()
        for number in 1...5 { #expect(rehearsal.reject("acme-\(number)", by: caller).token == "acme-\(number + 1)") }
        #expect(rehearsal.reject("acme-6", by: caller).error == .slowDown(retryAfter: .seconds(6)))
        #expect(rehearsal.ask().token == "acme-6")
        #expect(rehearsal.reject("acme-5", by: caller).token == "acme-6")
        rehearsal.advance(by: .seconds(6))
        #expect(rehearsal.reject("acme-6", by: caller).token == "acme-7")
        #expect(reports(rehearsal) == [#"outcome="current"} 6"#, #"outcome="limited"} 1"#, #"outcome="old"} 1"#])
    }

    @Test func `one caller's reports use up nothing of another's`() {
        let rehearsal = Rehearsal()
        let (broken, sane) = (CallerIdentity(name: "broken"), CallerIdentity(name: "sane"))
        rehearsal.ask()
        for number in 1...5 { rehearsal.reject("acme-\(number)", by: broken) }
        #expect(rehearsal.reject("acme-6", by: broken).error == .slowDown(retryAfter: .seconds(6)))
        #expect(rehearsal.reject("acme-6", by: sane).token == "acme-7")
    }

    @Test func `a caller's part of a budget is one for all tenants of the credential`() {
        let credential = Credential(id: "client", secret: Secret("shared"))
        let limits = MintBudget.Limits(burst: 8, perHour: 60)
        let rehearsal = Rehearsal(
            ["acme", "globex"].map { .example($0, credential: credential, mintBudget: limits) })
        rehearsal.ask()
        rehearsal.ask("globex")
        #expect(rehearsal.reject("acme-1").token == "acme-3")
        #expect(rehearsal.reject("acme-3").token == "acme-4")
        #expect(rehearsal.reject("globex-2", "globex").token == "globex-5")
        #expect(rehearsal.reject("globex-5", "globex").token == "globex-6")
        #expect(rehearsal.reject("acme-4").error == .slowDown(retryAfter: .seconds(120)))
        #expect(rehearsal.reject("globex-6", "globex").error == .slowDown(retryAfter: .seconds(120)))
    }

    @Test func `a caller that rejects whatever it gets burns half of the budget at most`() {
        let rehearsal = Rehearsal([.example(mintBudget: .standard)])
        for _ in 0..<720 {
            let token = rehearsal.ask().token
            #expect(token != nil)
            rehearsal.reject(token ?? "")
            rehearsal.advance(by: .seconds(5))
        }
        #expect(rehearsal.upstream.mints.count <= 1 + 5 + 30 + 15)
        #expect(rehearsal.ask().value != nil)
    }
}

extension Rehearsal {
    @discardableResult
    func reject(
        _ token: String, _ tenant: String = "acme", scopes: ScopeSet? = nil,
        by caller: CallerIdentity = CallerIdentity(name: "payroll", rejectionsPerMinute: 1000),
        grant: Grant = Grant(tenants: [.prefix("")])
    ) -> Call<HandOut> {
        let request = TokenRequest(tenant: tenant, scopes: scopes, caller: caller, grant: grant)
        return perform { [broker] () throws(BrokerError) in
            try await broker.reject(Fingerprint(of: token), request)
        }
    }
}
