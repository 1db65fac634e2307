import Testing

@testable import TokenBroker

/// What a thousand reloads leave behind: no more than one.
struct SuccessionGrowthTests {
    private static let secret = Secret("s")

    @Test func `secrets that come and go are forgotten, whether they were refused or not`() {
        let rehearsal = Rehearsal([.example()], draw: 0.5)
        for round in 0..<1000 {
            let secret = "secret-\(round)"
            rehearsal.upstream.refuse(round.isMultiple(of: 3) ? secret : "")
            rehearsal.reload(.example(credential: Credential(id: "client", secret: Secret(secret))))
            rehearsal.ask(scopes: .of(round.isMultiple(of: 2) ? "read" : "write"))
            rehearsal.refresh()
        }
        #expect(rehearsal.broker.tenancy.credentials.count <= 2)
    }

    @Test func `tenants and clients that come and go are forgotten`() {
        let rehearsal = Rehearsal([.example()], draw: 0.5)
        for round in 0..<1000 {
            let new = Tenant.example("new-\(round)", credential: Credential(id: "c-\(round)", secret: Self.secret))
            rehearsal.reload(.example(), new)
            rehearsal.ask(new.name)
            rehearsal.advance(by: .seconds(1))
        }
        rehearsal.reload(.example())
        #expect(rehearsal.broker.tenancy.credentials.count <= 2)
        #expect(rehearsal.broker.tenancy.entries.count == 1 && rehearsal.broker.tenancy.retired.isEmpty)
    }

    @Test func `a credential tells each of its tenants once, however often they go and come back`() {
        let pair = { (secret: String) in
            ["acme", "other"].map {
                Tenant.example($0, credential: Credential(id: "client", secret: Secret($0 == "acme" ? secret : "s")))
            }
        }
        let rehearsal = Rehearsal(pair("s"))
        for round in 0..<1000 { rehearsal.reload(pair(round.isMultiple(of: 2) ? "s" : "t")) }
        let credentials = rehearsal.broker.tenancy.credentials.values
        #expect(credentials.map(\.tenantCount).reduce(0, +) == 2)
    }

    @Test func `a token has one alarm, however often its tenant is changed`() {
        let rehearsal = Rehearsal([.example()], draw: 0.5)
        rehearsal.ask()
        for round in 0..<1000 {
            rehearsal.reload(.example(credential: Credential(id: "client", secret: Secret("\(round)"))))
        }
        // And that of who did not have to wait for the mint.
        #expect(rehearsal.broker.places[0].alarms.count <= 2)
        rehearsal.advance(by: .seconds(253))
        #expect(rehearsal.read()?.token.secret.reveal() == "acme-2")
        #expect(rehearsal.upstream.mints.count == 2)
    }
}
