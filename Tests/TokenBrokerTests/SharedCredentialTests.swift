import Support
import Testing

@testable import TokenBroker

/// What tenants of one credential have in common, and what those of different ones have not.
struct SharedCredentialTests {
    private static let credential = Credential(id: "client", secret: Secret("old"))
    private static let rotating = Credential(id: "client", secret: Secret("old"), nextSecret: Secret("new"))
    private static let tight = MintBudget.Limits(burst: 4, perHour: 60)

    /// Tenants `t0`, `t1` ... of one credential.
    private func tenants(
        _ count: Int, of credential: Credential = credential, scopes: String = "read write", keepWarm: Bool = false,
        mintBudget: MintBudget.Limits = MintBudget.Limits(burst: 1000, perHour: 100_000)
    ) -> [Tenant] {
        (0..<count).map {
            .example("t\($0)", scopes: scopes, credential: credential, keepWarm: keepWarm, mintBudget: mintBudget)
        }
    }

    // MARK: The budget

    @Test func `who asks for every set of scopes takes no default token from others`() {
        let budget = MintBudget.Limits(burst: 10, perHour: 60)
        let rehearsal = Rehearsal(tenants(2, scopes: "a b c d e f", mintBudget: budget))
        rehearsal.start()
        var refusals = 0
        for step in 1..<600 {
            let bits = step % 62 + 1
            let subset = "abcdef".enumerated().filter { bits >> $0.offset & 1 == 1 }.map { String($0.element) }
            if rehearsal.ask("t0", scopes: ScopeSet(subset)).value == nil { refusals += 1 }
            #expect(rehearsal.ask("t1").value != nil, "after \(step) steps")
            rehearsal.advance(by: .seconds(6))
        }
        #expect(refusals > 300)
    }

    // MARK: A dead credential

    @Test(arguments: ["invalid_client", "unauthorized_client", "http_401", "http_403"])
    func `a dead credential costs one mint, over all scope sets and tenants, however many ask at once`(_ code: String) {
        let rehearsal = Rehearsal(tenants(50, scopes: "a b c d", keepWarm: true))
        rehearsal.upstream.script(.hang)
        rehearsal.start()
        let scopes = ["a", "b", "c", "d"].map(ScopeSet.of)
        let calls = (0..<50).flatMap { tenant in scopes.map { rehearsal.ask("t\(tenant)", scopes: $0) } }
        rehearsal.upstream.release(.failure(.rejected(code)))
        rehearsal.executor.drain()
        #expect(calls.allSatisfy { $0.error == .upstreamRejected })
        for _ in 0..<24 {
            rehearsal.advance(by: .seconds(3600))
            #expect(rehearsal.ask("t7").error == .upstreamRejected)
        }
        #expect(rehearsal.upstream.mints.count == 1)
        #expect(rehearsal.exposed("tokenwell_mints_total").count == 1)
        #expect(rehearsal.exposed("tokenwell_suspended").allSatisfy { $0.hasSuffix(" 1") })
        let operating = Grant(tenants: [], isOperator: true)
        #expect(
            (0..<50).allSatisfy {
                (try? rehearsal.broker.explanation(of: "t\($0)", grant: operating))?.lastFailure?.cause == code
            })
        #expect(rehearsal.exposed("tokenwell_mint_budget_remaining").allSatisfy { $0.hasSuffix(" 1000") })
    }

    @Test func `an operator's refresh of one tenant serves all, and those kept warm at once`() {
        let rehearsal = Rehearsal(tenants(3, keepWarm: true) + [.example("other", credential: Self.credential)])
        rehearsal.upstream.script(.failure(.rejected("invalid_client")), .failure(.rejected("invalid_client")))
        rehearsal.start()
        #expect(rehearsal.refresh("t1").error == .upstreamRejected)
        #expect(rehearsal.ask("other").error == .upstreamRejected)
        #expect(rehearsal.upstream.mints.count == 2)
        #expect(rehearsal.refresh("t1").token == "t1-3")
        rehearsal.executor.drain()
        #expect(Set(rehearsal.upstream.mints.map(\.tenant)) == ["t0", "t1", "t2"])
        #expect(rehearsal.upstream.mints.count == 5)
        #expect(rehearsal.ask("other").value?.state == .fresh)
    }

    @Test func `while it is refused the tokens that are left are handed out as the last known good`() {
        let rehearsal = Rehearsal(tenants(2))
        rehearsal.ask("t0")
        rehearsal.ask("t1")
        rehearsal.advance(by: .seconds(10))
        rehearsal.upstream.refuse("old")
        #expect(rehearsal.ask("t0", scopes: .of("read")).error == .upstreamRejected)
        #expect(rehearsal.ask("t0").value?.state == .lastKnownGood)
        #expect(rehearsal.ask("t1").value?.state == .lastKnownGood)
        rehearsal.advance(by: .seconds(3600))
        #expect(rehearsal.ask("t1").error == .upstreamRejected)
        #expect(rehearsal.upstream.mints.count == 3)
    }

    @Test func `a credential of which nothing is known is tried by one mint at a time`() {
        let rehearsal = Rehearsal(tenants(4), draw: 0.5)
        rehearsal.upstream.script(.hang, .hang)
        let calls = (0..<4).map { rehearsal.ask("t\($0)") }
        #expect(rehearsal.upstream.mints.count == 1)
        rehearsal.upstream.release(.failure(.timeout))
        rehearsal.executor.drain()
        #expect(calls[0].error == .upstreamTimeout(retryAfter: .milliseconds(500)))
        #expect(rehearsal.upstream.mints.count == 2)
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(calls.dropFirst().map(\.token) == ["t1-2", "t2-3", "t3-4"])
    }

    @Test func `an operator waits for no other tenant's mint`() {
        let rehearsal = Rehearsal(tenants(2))
        rehearsal.upstream.script(.hang)
        let waiting = rehearsal.ask("t0")
        #expect(rehearsal.refresh("t1").token == "t1-2")
        #expect(waiting.isWaiting)
    }

    @Test(.timeLimit(.minutes(1))) func `on many threads too a dead credential costs one mint`() async {
        let rehearsal = Rehearsal()
        let broker = Broker(
            tenants: tenants(20, keepWarm: true), endpoint: rehearsal.upstream, timekeeper: rehearsal.clock,
            metrics: rehearsal.metrics, logger: rehearsal.logger)
        rehearsal.upstream.refuse("old")
        let errors = await withTaskGroup(of: BrokerError?.self) { group in
            for number in 0..<2000 {
                let request = TokenRequest(
                    tenant: "t\(number % 20)", scopes: .of(number % 3 == 0 ? "read" : "write"),
                    caller: CallerIdentity(name: "payroll"), grant: Grant(tenants: [.prefix("")]))
                group.addTask {
                    do throws(BrokerError) {
                        _ = try await broker.token(request)
                        return nil
                    } catch { return error }
                }
            }
            return await group.reduce(into: Set()) { $0.insert($1.map { "\($0)" } ?? "a token") }
        }
        #expect(errors == ["upstreamRejected"])
        #expect(rehearsal.upstream.mints.count == 1)
    }

    // MARK: The budget

    @Test func `tenants of one credential have one budget, and are told the exact time until its next mint`() {
        let rehearsal = Rehearsal(tenants(4, mintBudget: Self.tight))
        rehearsal.ask("t0")
        rehearsal.ask("t1")
        rehearsal.advance(by: .seconds(10))
        #expect(rehearsal.ask("t2").error == .budgetExhausted(retryAfter: .seconds(50)))
        #expect(rehearsal.ask("t0").token == "t0-1")
        #expect(
            rehearsal.exposed("tokenwell_mint_budget_remaining")
                == (0..<4).map { #"tokenwell_mint_budget_remaining{tenant="t\#($0)"} 2"# })
        #expect(rehearsal.refresh("t2").token == "t2-3")
        #expect(rehearsal.refresh("t3").token == "t3-4")
        #expect(rehearsal.refresh("t3").error == .budgetExhausted(retryAfter: .seconds(50)))
        rehearsal.advance(by: .seconds(170))
        #expect(rehearsal.ask("t2", scopes: .of("read")).token == "t2-5")
        #expect(rehearsal.ask("t1", scopes: .of("read")).error == .budgetExhausted(retryAfter: .seconds(60)))
    }

    @Test func `a timeout may have minted, and counts`() {
        let rehearsal = Rehearsal(tenants(2, mintBudget: Self.tight))
        rehearsal.upstream.script(.failure(.timeout), .failure(.timeout))
        rehearsal.ask("t0")
        rehearsal.ask("t1")
        #expect(
            rehearsal.ask("t1", scopes: .of("read")).error == .budgetExhausted(retryAfter: .seconds(60)))
    }

    @Test func `tenants kept warm for which there is no budget at the start follow as soon as there is`() {
        let rehearsal = Rehearsal(tenants(6, keepWarm: true, mintBudget: Self.tight))
        for tenant in 0..<6 { rehearsal.upstream.usually(.token(lifetime: .seconds(86_400)), for: "t\(tenant)") }
        rehearsal.start()
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.upstream.mints.count == 2)
        rehearsal.advance(by: .seconds(60 * 4))
        #expect(Set(rehearsal.upstream.mints.map(\.tenant)).count == 6)
        #expect(rehearsal.upstream.mints.count == 6)
    }

    @Test func `of different budgets for one credential the tightest holds`() {
        let limits = MintBudget.Limits(sharedBy: [
            .example(mintBudget: .init(burst: 4, perHour: 60)), .example(mintBudget: .init(burst: 9, perHour: 30)),
        ])
        #expect(limits == MintBudget.Limits(burst: 4, perHour: 30))
        let slowest = MintBudget.Limits(burst: 9, rate: 20, per: .day)
        #expect(
            MintBudget.Limits(sharedBy: [.example(mintBudget: limits), .example(mintBudget: slowest)])
                == MintBudget.Limits(burst: 4, rate: 20, per: .day))
    }

    struct Difference: Sendable, CustomTestStringConvertible {
        var name: String
        var make: @Sendable (inout Tenant) -> Void
        var isSame = false
        var testDescription: String { name }
    }

    @Test(arguments: [
        Difference(name: "token URL") { $0.provider.tokenURL += "x" },
        Difference(name: "client id") { $0.credential.id += "x" },
        Difference(name: "secret") { $0.credential.secret = Secret("x") },
        Difference(name: "certificate") { $0.clientCertificate = .init(certificateFile: "c", keyFile: "k") },
        Difference(name: "name", make: { $0.name = "x" }, isSame: true),
        Difference(name: "scopes", make: { $0.scopes = .empty }, isSame: true),
        Difference(name: "next secret", make: { $0.credential.nextSecret = Secret("x") }, isSame: true),
        Difference(name: "parameters", make: { $0.provider.parameters = [.init("client_id", ["x"])] }, isSame: true),
    ])
    func `a credential is a token URL, an id and what proves it`(_ difference: Difference) {
        let tenant = Tenant.example()
        var other = tenant
        difference.make(&other)
        #expect((CredentialIdentity(tenant) == CredentialIdentity(other)) == difference.isSame)
    }

    // MARK: Bulkheads

    @Test func `of fifty tenants 25 hang, and the others are answered without any time passing`() {
        let names = (0..<50).map { "t\($0)" }
        let rehearsal = Rehearsal(names.map { .example($0, mintBudget: Self.tight) })
        for name in names.prefix(25) { rehearsal.upstream.usually(.hang, for: name) }
        let start = rehearsal.clock.now
        let hanging = names.prefix(25).flatMap { name in
            [rehearsal.ask(name), rehearsal.ask(name, scopes: .of("read")), rehearsal.ask(name, scopes: .of("write"))]
        }
        for name in names.suffix(25) {
            #expect(rehearsal.ask(name).value?.remaining == .seconds(300))
            #expect(rehearsal.ask(name, scopes: .of("read")).value?.remaining == .seconds(300))
        }
        #expect(rehearsal.clock.now == start)
        #expect(hanging.filter(\.isWaiting).count == 50)
    }

    // MARK: Two secrets

    @Test func `the next secret is tried when the active one is refused, and remembered`() {
        let rehearsal = Rehearsal(tenants(1, of: Self.rotating))
        #expect(rehearsal.ask("t0").value != nil)
        rehearsal.upstream.refuse("old")
        #expect(rehearsal.ask("t0", scopes: .of("read")).token == "t0-3")
        #expect(rehearsal.ask("t0", scopes: .of("write")).token == "t0-5")
        #expect(rehearsal.upstream.mints.map(\.secret) == ["old", "old", "new", "new", "new"])
        #expect(
            rehearsal.exposed("tokenwell_mints_total") == [
                #"tokenwell_mints_total{tenant="t0",reason="cold",outcome="ok"} 2"#,
                #"tokenwell_mints_total{tenant="t0",reason="cold",outcome="rejected"} 1"#,
                #"tokenwell_mints_total{tenant="t0",reason="secret_changed",outcome="ok"} 1"#,
                #"tokenwell_mints_total{tenant="t0",reason="ahead",outcome="ok"} 1"#,
            ])
    }

    @Test(arguments: ["unauthorized_client", "http_401", "http_403"])
    func `whatever does not speak of the secret has no other tried`(_ code: String) {
        let rehearsal = Rehearsal(tenants(1, of: Self.rotating))
        rehearsal.upstream.script(.failure(.rejected(code)))
        #expect(rehearsal.ask("t0").error == .upstreamRejected)
        #expect(rehearsal.upstream.mints.map(\.secret) == ["old"])
    }

    @Test func `two dead secrets cost one mint each`() {
        let rehearsal = Rehearsal(tenants(3, of: Self.rotating))
        rehearsal.upstream.refuse("old", "new")
        for _ in 0..<5 {
            for tenant in 0..<3 { #expect(rehearsal.ask("t\(tenant)").error == .upstreamRejected) }
            rehearsal.advance(by: .seconds(3600))
        }
        #expect(rehearsal.upstream.mints.map(\.secret) == ["old", "new"])
    }

    @Test
    func `tokens minted with a withdrawn secret are dropped, of every tenant, and replaced where they are wanted`() {
        let warm = Tenant.example("warm", credential: Self.rotating, keepWarm: true)
        let rehearsal = Rehearsal(tenants(2, of: Self.rotating) + [warm])
        rehearsal.start()
        #expect(rehearsal.ask("t0").token == "t0-2")
        rehearsal.upstream.refuse("old")
        #expect(rehearsal.ask("t1").token == "t1-4")
        rehearsal.executor.drain()
        #expect(rehearsal.upstream.mints.map(\.secret) == ["old", "old", "old", "new", "new", "new"])
        #expect(rehearsal.ask("t0").token?.hasPrefix("t0-2") == false)
        #expect(rehearsal.ask("warm").token?.hasPrefix("warm-1") == false)
        #expect(rehearsal.upstream.mints.count == 6)
    }

    @Test func `what a withdrawn secret mints while the other wins is not kept`() {
        let rehearsal = Rehearsal(tenants(2, of: Self.rotating))
        rehearsal.ask("t0")
        rehearsal.upstream.script(.hang)
        let late = rehearsal.ask("t0", scopes: .of("read"))
        rehearsal.upstream.refuse("old")
        #expect(rehearsal.ask("t1").value != nil)
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(late.token != nil && late.token != "t0-2")
        #expect(rehearsal.upstream.mints.last?.secret == "new")
    }

    @Test func `each secret that is tried counts in the budget`() {
        let rehearsal = Rehearsal(tenants(1, of: Self.rotating, mintBudget: Self.tight))
        rehearsal.upstream.refuse("old")
        #expect(rehearsal.ask("t0").value != nil)
        #expect(
            rehearsal.ask("t0", scopes: .of("read")).error == .budgetExhausted(retryAfter: .seconds(60)))
    }

    @Test func `without a mint left for it the next secret waits`() {
        let rehearsal = Rehearsal(tenants(1, of: Self.rotating, mintBudget: .init(burst: 3, perHour: 60)))
        rehearsal.upstream.refuse("old")
        #expect(rehearsal.ask("t0").error == .upstreamRejected)
        #expect(rehearsal.ask("t0").error == .budgetExhausted(retryAfter: .seconds(60)))
        rehearsal.advance(by: .seconds(60))
        #expect(rehearsal.ask("t0").value != nil)
        #expect(rehearsal.upstream.mints.map(\.secret) == ["old", "new"])
    }
}
