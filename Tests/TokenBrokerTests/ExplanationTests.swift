import Testing
import TokenBroker

/// What an operator is told of a tenant.
struct ExplanationTests {
    private static let operating = Grant(tenants: [], isOperator: true)

    private func explanation(_ rehearsal: Rehearsal, _ tenant: String = "acme") throws -> Explanation {
        try rehearsal.broker.explanation(of: tenant, grant: Self.operating)
    }

    private func key(_ rehearsal: Rehearsal) throws -> Explanation.Key {
        try #require(try explanation(rehearsal).keys.first)
    }

    @Test func `a tenant of which nothing was asked is cold`() throws {
        let rehearsal = Rehearsal([.example(mintBudget: .standard)])
        let explanation = try explanation(rehearsal)
        #expect(explanation.tenant == "acme" && explanation.provider == "oauth2")
        #expect(explanation.budget.remaining == 10 && explanation.budget.limits == .standard)
        #expect(explanation.mints.isEmpty && explanation.lastFailure == nil)
        #expect(explanation.keys.count == 1)
        let key = try key(rehearsal)
        #expect(key.state == .cold && key.scopes == .of("read write"))
        #expect(key.fingerprint == nil && key.expiresIn == nil && key.refreshIn == nil && key.retryIn == nil)
        #expect(!key.isSuspended && !key.isMinting && key.holders.isEmpty)
    }

    @Test func `a token is told by its fingerprint, its end and its next refresh`() throws {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .seconds(100))
        let key = try key(rehearsal)
        #expect(key.state == .fresh)
        #expect(key.fingerprint == Fingerprint(of: "acme-1"))
        #expect(key.expiresIn == .seconds(200))
        #expect(key.refreshIn == .seconds(140))
    }

    @Test func `what nobody asks for is not said to be refreshed`() throws {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .seconds(500))
        #expect(try key(rehearsal).refreshIn == .seconds(220))
        rehearsal.advance(by: .seconds(220))
        #expect(try key(rehearsal).refreshIn == nil)
        rehearsal.advance(by: .seconds(300))
        #expect(rehearsal.upstream.mints.count == 4)
    }

    @Test func `every mint has its reason and what came of it`() throws {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.script(.failure(.unavailable("http_503")), .token(lifetime: .seconds(300)))
        rehearsal.advance(by: .seconds(260))
        rehearsal.refresh()
        let caller = CallerIdentity(name: "payroll")
        let request = TokenRequest(tenant: "acme", caller: caller, grant: Grant(tenants: [.prefix("")]))
        _ = rehearsal.perform { [broker = rehearsal.broker] () throws(BrokerError) in
            try await broker.reject(Fingerprint(of: "acme-4"), request)
        }
        let explanation = try explanation(rehearsal)
        #expect(explanation.mints.map(\.reason) == ["rejected", "operator", "ahead", "ahead", "cold"])
        #expect(explanation.mints.map(\.outcome) == [.ok, .ok, .ok, .unavailable, .ok])
        #expect(explanation.mints.last?.age == .seconds(260))
        #expect(explanation.lastFailure?.outcome == .unavailable)
        #expect(explanation.lastFailure?.cause == "http_503")
        #expect(explanation.lastFailure?.age == .seconds(8))
    }

    @Test func `a mint under way, a failing one and a refused credential show as such`() throws {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.script(.hang, .failure(.rejected("invalid_client")))
        rehearsal.advance(by: .seconds(252))
        #expect(try key(rehearsal).isMinting)
        rehearsal.upstream.release(.failure(.throttled(retryAfter: .seconds(20))))
        rehearsal.executor.drain()
        var key = try key(rehearsal)
        #expect(!key.isMinting && key.state == .lastKnownGood)
        #expect(key.retryIn == .seconds(20) && key.refreshIn == .seconds(20))
        rehearsal.advance(by: .seconds(20))
        key = try self.key(rehearsal)
        #expect(key.isSuspended && key.retryIn == nil && key.refreshIn == nil)
        #expect(try explanation(rehearsal).lastFailure?.cause == "invalid_client")
    }

    @Test func `a budget that is spent puts the next refresh off`() throws {
        let rehearsal = Rehearsal([.example(mintBudget: MintBudget.Limits(burst: 2, perHour: 10))])
        rehearsal.ask()
        rehearsal.advance(by: .seconds(10))
        #expect(try key(rehearsal).refreshIn == .seconds(350))
        #expect(try explanation(rehearsal).budget.remaining == 1)
    }

    @Test func `of a credential that two tenants share, both show the one budget`() throws {
        let credential = Credential(id: "client", secret: Secret("shared"))
        let tight = MintBudget.Limits(burst: 4, perHour: 60)
        let rehearsal = Rehearsal([
            .example(credential: credential), .example("globex", credential: credential, mintBudget: tight),
        ])
        rehearsal.ask()
        for tenant in ["acme", "globex"] {
            let budget = try explanation(rehearsal, tenant).budget
            #expect(budget.remaining == 3 && budget.limits == tight)
        }
    }

    @Test func `a mint with each of a credential's secrets is one of its own`() throws {
        let credential = Credential(id: "client", secret: Secret("old"), nextSecret: Secret("new"))
        let rehearsal = Rehearsal([.example(credential: credential)])
        rehearsal.upstream.refuse("old")
        rehearsal.ask()
        let explanation = try explanation(rehearsal)
        #expect(explanation.mints.map(\.reason) == ["secret_changed", "cold"])
        #expect(explanation.mints.map(\.outcome) == [.ok, .rejected])
        #expect(explanation.lastFailure?.cause == "invalid_client")
    }

    // MARK: Who holds it

    @Test func `the ledger has who was handed the current token, the last first`() throws {
        let rehearsal = Rehearsal()
        let (payroll, reports) = (CallerIdentity(name: "payroll"), CallerIdentity(name: "reports"))
        rehearsal.ask(by: payroll)
        rehearsal.advance(by: .seconds(10))
        rehearsal.ask(by: reports)
        rehearsal.advance(by: .seconds(10))
        var key = try key(rehearsal)
        #expect(key.holders.map(\.caller) == ["reports", "payroll"])
        #expect(key.holders.map(\.age) == [.seconds(10), .seconds(20)])
        rehearsal.ask(by: payroll)
        #expect(try self.key(rehearsal).holders.map(\.caller) == ["payroll", "reports"])
        rehearsal.advance(by: .seconds(220))
        key = try self.key(rehearsal)
        #expect(key.fingerprint == Fingerprint(of: "acme-2"))
        #expect(key.holders.isEmpty)
        rehearsal.ask(by: reports)
        #expect(try self.key(rehearsal).holders.map(\.caller) == ["reports"])
    }

    @Test func `those who waited and those who got an aging or last known good token are in it too`() throws {
        let rehearsal = Rehearsal()
        let callers = ["a", "b", "c"].map { CallerIdentity(name: $0) }
        rehearsal.upstream.script(.hang)
        rehearsal.ask(by: callers[0])
        #expect(try key(rehearsal).holders.isEmpty)
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(try key(rehearsal).holders.map(\.caller) == ["a"])
        rehearsal.upstream.script(.hang)
        rehearsal.advance(by: .seconds(240))
        #expect(rehearsal.ask(by: callers[1]).value?.state == .aging)
        rehearsal.upstream.release(.failure(.throttled(retryAfter: .seconds(60))))
        rehearsal.executor.drain()
        #expect(rehearsal.ask(by: callers[2]).value?.state == .lastKnownGood)
        #expect(Set(try key(rehearsal).holders.map(\.caller)) == ["a", "b", "c"])
    }

    @Test func `each set of scopes has holders of its own`() throws {
        let rehearsal = Rehearsal()
        rehearsal.ask(scopes: .of("write"), by: CallerIdentity(name: "writer"))
        rehearsal.ask(scopes: .of("read"), by: CallerIdentity(name: "reader"))
        let keys = try explanation(rehearsal).keys
        #expect(keys.map(\.scopes) == [.of("read write"), .of("read"), .of("write")])
        #expect(keys.map { $0.holders.map(\.caller) } == [[], ["reader"], ["writer"]])
    }

    @Test func `an operator's refresh hands nothing out`() throws {
        let rehearsal = Rehearsal()
        rehearsal.refresh()
        #expect(try key(rehearsal).holders.isEmpty)
    }

    // MARK: Who is told

    @Test(arguments: [
        Grant(tenants: [.exact("acme")]), Grant(tenants: [.prefix("")], mayRevoke: true), Grant(tenants: []),
    ])
    func `only operators are told anything`(_ grant: Grant) {
        let rehearsal = Rehearsal()
        for tenant in ["acme", "nobody"] {
            #expect(throws: BrokerError.accessDenied) { try rehearsal.broker.explanation(of: tenant, grant: grant) }
        }
        #expect(throws: BrokerError.accessDenied) {
            try rehearsal.broker.explanations(after: nil, limit: 10, grant: grant)
        }
        #expect(throws: BrokerError.unknownTenant) {
            try rehearsal.broker.explanation(of: "nobody", grant: Self.operating)
        }
    }

    @Test func `the tenants come in the order of their names, a page at a time`() throws {
        let names = ["b", "a", "c-1", "c", "d"]
        let rehearsal = Rehearsal(names.map { .example($0) })
        for (after, limit, page, next) in [
            (nil, 10, ["a", "b", "c", "c-1", "d"], nil), (nil, 5, ["a", "b", "c", "c-1", "d"], nil),
            (nil, 2, ["a", "b"], "b"), ("b", 2, ["c", "c-1"], "c-1"), ("c-1", 2, ["d"], nil), ("d", 2, [], nil),
            ("c-0", 1, ["c-1"], "c-1"), ("z", 2, [], nil),
        ] as [(String?, Int, [String], String?)] {
            let answer = try rehearsal.broker.explanations(after: after, limit: limit, grant: Self.operating)
            #expect(answer.explanations.map(\.tenant) == page)
            #expect(answer.next == next)
        }
    }

    @Test func `the short form has the default key and no mints`() throws {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.ask(scopes: .of("read"))
        let page = try rehearsal.broker.explanations(after: nil, limit: 1, grant: Self.operating)
        #expect(page.explanations.map(\.keys.count) == [1])
        #expect(page.explanations.first?.mints.isEmpty == true)
    }
}
