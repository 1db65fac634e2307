import Testing
import TokenBroker

/// Who may have what: the checks that come before the cache.
struct BrokerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var tenant = "acme"
        var ceiling = "read write"
        var scopes: String?
        var grant: Grant
        /// The scopes that are minted, or the error.
        var expected: Result<String, BrokerError>
        var testDescription: String { name }
    }

    private static let acme = Grant(tenants: [.exact("acme")])
    private static let limited = Grant(tenants: [.exact("acme")], scopes: .of("read admin"))

    @Test(arguments: [
        Case(name: "granted", grant: acme, expected: .success("read write")),
        Case(name: "by prefix", grant: Grant(tenants: [.prefix("ac")]), expected: .success("read write")),
        Case(name: "no grant at all", grant: Grant(tenants: []), expected: .failure(.accessDenied)),
        Case(name: "another tenant's grant", tenant: "globex", grant: acme, expected: .failure(.accessDenied)),
        Case(name: "outside the grant, not existing", tenant: "nobody", grant: acme, expected: .failure(.accessDenied)),
        Case(
            name: "granted, not existing", tenant: "nobody", grant: Grant(tenants: [.exact("nobody")]),
            expected: .failure(.accessDenied)),
        Case(
            name: "every tenant, not existing", tenant: "nobody", grant: Grant(tenants: [.prefix("")]),
            expected: .failure(.unknownTenant)),
        Case(
            name: "operator with a grant, not existing", tenant: "nobody",
            grant: Grant(tenants: [.exact("nobody")], isOperator: true), expected: .failure(.unknownTenant)),
        Case(
            name: "operator without a grant, not existing", tenant: "nobody",
            grant: Grant(tenants: [], isOperator: true), expected: .failure(.unknownTenant)),
        Case(
            name: "operator without a grant", grant: Grant(tenants: [], isOperator: true),
            expected: .failure(.accessDenied)),
        Case(name: "one scope", scopes: "write", grant: acme, expected: .success("write")),
        Case(name: "no scope named", scopes: "", grant: acme, expected: .success("read write")),
        Case(name: "a scope above the ceiling", scopes: "read admin", grant: acme, expected: .failure(.invalidScope)),
        Case(name: "limited grant, default", grant: limited, expected: .success("read")),
        Case(name: "limited grant, inside", scopes: "read", grant: limited, expected: .success("read")),
        Case(name: "limited grant, outside", scopes: "write", grant: limited, expected: .failure(.invalidScope)),
        Case(
            name: "limited grant, in the grant but above the ceiling", scopes: "admin", grant: limited,
            expected: .failure(.invalidScope)),
        Case(
            name: "nothing in common", grant: Grant(tenants: [.exact("acme")], scopes: .of("admin")),
            expected: .failure(.invalidScope)),
        Case(name: "no ceiling", ceiling: "", grant: acme, expected: .success("")),
        Case(name: "no ceiling, a scope", ceiling: "", scopes: "read", grant: acme, expected: .failure(.invalidScope)),
        Case(name: "no ceiling, limited grant", ceiling: "", grant: limited, expected: .failure(.invalidScope)),
    ])
    func `a grant decides`(_ example: Case) {
        let rehearsal = Rehearsal([.example("acme", scopes: example.ceiling), .example("globex")])
        let call = rehearsal.ask(
            example.tenant, scopes: example.scopes.map(ScopeSet.of), grant: example.grant)
        switch example.expected {
        case .success(let scopes):
            #expect(call.value?.token.scopes.description == scopes)
            #expect(rehearsal.upstream.mints.map(\.scopes) == [.of(scopes)])
        case .failure(let error):
            #expect(call.error == error)
            #expect(rehearsal.upstream.mints.isEmpty)
        }
    }

    @Test func `a warm cache opens nothing`() {
        let rehearsal = Rehearsal()
        #expect(rehearsal.ask().token == "acme-1")
        #expect(rehearsal.ask(grant: Grant(tenants: [])).error == .accessDenied)
        #expect(rehearsal.ask(grant: Grant(tenants: [.exact("acme")], scopes: .of("none"))).error == .invalidScope)
    }

    @Test func `the same scopes by other ways are one key, others another`() {
        let rehearsal = Rehearsal()
        let granted = Grant(tenants: [.exact("acme")], scopes: .of("write read admin"))
        #expect(rehearsal.ask().token == "acme-1")
        #expect(rehearsal.ask(scopes: .of("write read")).token == "acme-1")
        #expect(rehearsal.ask(grant: granted).token == "acme-1")
        #expect(rehearsal.ask(scopes: .of("read")).token == "acme-2")
        #expect(rehearsal.ask(scopes: .of("read")).token == "acme-2")
    }

    @Test func `only operators refresh`() {
        let rehearsal = Rehearsal()
        #expect(rehearsal.refresh(grant: Grant(tenants: [.prefix("")], mayRevoke: true)).error == .accessDenied)
        #expect(rehearsal.refresh("nobody").error == .unknownTenant)
        #expect(rehearsal.refresh().token == "acme-1")
    }

    @Test func `a tenant that hangs, fails or is refused touches no other`() {
        let rehearsal = Rehearsal(["a", "b", "c", "d"].map { .example($0) })
        rehearsal.upstream.usually(.hang, for: "a")
        rehearsal.upstream.usually(.failure(.rejected("invalid_client")), for: "b")
        rehearsal.upstream.usually(.failure(.throttled(retryAfter: .seconds(60))), for: "c")
        let hanging = rehearsal.ask("a")
        #expect(rehearsal.ask("b").error == .upstreamRejected)
        #expect(rehearsal.ask("c").error == .upstreamUnavailable(retryAfter: .seconds(60)))
        #expect(rehearsal.ask("d").token == "d-4")
        #expect(hanging.isWaiting)
    }

    @Test func `nobody gets another tenant's token`() {
        let names = (0..<20).map { "t\($0)" }
        let rehearsal = Rehearsal(names.map { .example($0) })
        for _ in 0..<3 {
            for name in names { #expect(rehearsal.ask(name).token?.hasPrefix(name + "-") == true) }
            rehearsal.advance(by: .seconds(250))
        }
    }

    @Test func `start mints for those kept warm, and keeps doing so`() {
        let rehearsal = Rehearsal([.example("warm", keepWarm: true), .example("cold")])
        rehearsal.upstream.script(.failure(.timeout))
        rehearsal.start()
        #expect(rehearsal.upstream.mints.map(\.tenant) == ["warm"])
        rehearsal.advance(by: .seconds(3600))
        #expect(Set(rehearsal.upstream.mints.map(\.tenant)) == ["warm"])
        #expect(rehearsal.upstream.mints.count == 16)
        #expect(rehearsal.ask("warm").value?.state == .fresh)
        #expect(rehearsal.upstream.mints.count == 16)
    }

    @Test func `no secret or token reaches log or metrics`() {
        let rehearsal = Rehearsal([.example(revocationURL: "https://auth.example/revoke")])
        rehearsal.upstream.script(.token(lifetime: .seconds(300)), .failure(.rejected("invalid_client")))
        rehearsal.upstream.failRevocations(.timeout)
        rehearsal.ask()
        rehearsal.advance(by: .seconds(245))
        rehearsal.revoke("acme-1")
        rehearsal.advance(by: .seconds(10))
        let written = rehearsal.log.all.joined() + rehearsal.exposed("").joined()
        #expect(written.contains(Fingerprint(of: "acme-1").text))
        #expect(!written.contains("acme-1"))
        #expect(!written.contains("s3cret"))
    }
}
