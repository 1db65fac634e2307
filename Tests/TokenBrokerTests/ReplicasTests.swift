import Support
import Testing
import TokenBroker

/// Two brokers that have one store, and hear of each other when the test says so.
struct ReplicasTests {
    private struct Two {
        let (one, other): (Rehearsal, Rehearsal)
        let upstream: ScriptedEndpoint
        let place: SharedPlace

        init(_ tenants: [Tenant] = [.example()], draw: Double = 0.5) {
            let world = World()
            place = SharedPlace(world.clock)
            upstream = world.upstream
            one = Rehearsal(tenants, draw: draw, in: world.sharing(place, as: "one"))
            other = Rehearsal(tenants, draw: draw, in: world.sharing(place, as: "other"))
        }

        /// Each hears what the other has kept.
        func hear() {
            for _ in 0..<3 {
                one.hear()
                other.hear()
            }
        }

        /// Lets time pass for both, who hear of each other all the time.
        func advance(by duration: Duration) {
            let end = one.clock.now + duration
            hear()
            while let next = one.clock.nextDeadline, next <= end {
                one.clock.advance(by: next - one.clock.now)
                hear()
            }
            one.clock.advance(by: end - one.clock.now)
            hear()
        }
    }

    // MARK: One mint

    @Test func `callers of both wait for one mint`() {
        let two = Two()
        two.upstream.script(.hang)
        let calls = [two.one, two.other, two.one, two.other].map { $0.ask() }
        #expect(two.upstream.mints.count == 1)
        two.upstream.release(.token(lifetime: .seconds(300)))
        two.hear()
        #expect(calls.map(\.token) == ["acme-1", "acme-1", "acme-1", "acme-1"])
        #expect(two.one.read()?.state == .fresh && two.other.read()?.state == .fresh)
        #expect(two.upstream.mints.count == 1)
    }

    @Test func `what another has minted is there before it was heard of`() {
        let two = Two()
        two.one.ask()
        #expect(two.other.ask().token == "acme-1")
        #expect(two.upstream.mints.count == 1)
    }

    @Test func `one refreshes ahead, and both have it`() {
        let two = Two()
        two.one.ask()
        two.hear()
        two.other.ask()
        two.advance(by: .seconds(270))
        #expect(two.upstream.mints.count == 2)
        #expect(two.one.ask().token == "acme-2" && two.other.ask().token == "acme-2")
        // Three lifetimes after the last request nobody refreshes any more.
        two.advance(by: .seconds(3600))
        let count = two.upstream.mints.count
        two.advance(by: .seconds(3600))
        #expect(two.upstream.mints.count == count && count <= 6)
    }

    @Test func `one that dies while it mints is followed after its lease, and comes too late then`() {
        let two = Two()
        two.upstream.script(.hang)
        two.one.ask()
        let call = two.other.ask()
        // It does not come to do anything, as if it stood still.
        two.other.advance(by: .seconds(1.9))
        #expect(call.isWaiting && two.upstream.mints.count == 1)
        two.other.advance(by: .seconds(0.6))
        #expect(two.upstream.mints.count == 2)
        #expect(two.other.ask().token == "acme-2")
        two.upstream.release(.token(lifetime: .seconds(86_400)))
        two.hear()
        #expect(two.other.ask().token == "acme-2" && two.one.ask().token == "acme-2")
        #expect(two.upstream.mints.count == 2)
    }

    @Test func `one that takes long over a mint keeps its claim meanwhile`() {
        let two = Two()
        two.upstream.script(.hang)
        two.one.ask()
        let call = two.other.ask()
        two.advance(by: .seconds(4))
        #expect(call.isWaiting && two.upstream.mints.count == 1)
        two.upstream.release(.token(lifetime: .seconds(300)))
        two.hear()
        #expect(call.token == "acme-1" && two.upstream.mints.count == 1)
        let renewals = two.place.renewals
        two.advance(by: .seconds(10))
        // The last is told that it is too late.
        #expect(two.place.renewals == renewals + 1)
    }

    @Test func `who has its claim's answer too late leaves it to the one that has it since`() {
        let two = Two()
        two.upstream.script(.hang)
        two.place.answer(after: .seconds(3))
        let late = two.one.ask()
        two.place.answer(after: .zero)
        two.other.advance(by: .seconds(2.5))
        let call = two.other.ask()
        two.advance(by: .seconds(1))
        #expect(two.upstream.mints.count == 1)
        two.upstream.release(.token(lifetime: .seconds(300)))
        two.hear()
        #expect(call.token == "acme-1" && late.token == "acme-1")
        #expect(two.upstream.mints.count == 1)
    }

    @Test func `a claim that is answered too late is kept where nobody else has it, and paid for once`() {
        let two = Two()
        two.upstream.script(.hang)
        two.place.answer(after: .seconds(3))
        let late = two.one.ask()
        two.one.advance(by: .seconds(3))
        let call = two.other.ask()
        #expect(two.place.claims == 2 && two.upstream.mints.count == 1)
        two.upstream.release(.token(lifetime: .seconds(300)))
        two.hear()
        #expect(call.token == "acme-1" && late.token == "acme-1")
        #expect(two.upstream.mints.count == 1)
    }

    @Test func `of a refresh asks only the one that it falls to, while that one is well`() {
        let two = Two()
        two.one.ask()
        two.hear()
        two.other.ask()
        let before = two.place.claims
        // The refresh point is at 252 s, and the other comes to look first.
        two.other.advance(by: .seconds(252.2))
        #expect(two.place.claims == before)
        two.advance(by: .seconds(17.8))
        #expect(two.upstream.mints.count == 2 && two.place.claims == before + 1)
        // It stands still.
        two.other.advance(by: .seconds(270))
        #expect(two.upstream.mints.count == 3)
        #expect(two.other.read()?.state == .fresh)
    }

    @Test func `a failure is everybody's, and so is the pause after it`() {
        let two = Two()
        two.upstream.script(.hang)
        let calls = [two.one, two.other].map { $0.ask() }
        two.upstream.release(.failure(.throttled(retryAfter: .seconds(30))))
        two.hear()
        for call in calls { #expect(call.error == .upstreamUnavailable(retryAfter: .seconds(30))) }
        two.advance(by: .seconds(29))
        #expect(two.other.ask().error == .upstreamUnavailable(retryAfter: .seconds(1)))
        #expect(two.upstream.mints.count == 1)
        two.advance(by: .seconds(1))
        #expect(two.other.ask().token == "acme-2")
        two.hear()
        #expect(two.one.read() != nil)
    }

    @Test func `a refused credential is tried by none, until an operator has lifted that anywhere`() {
        let two = Two()
        two.upstream.script(.failure(.rejected("invalid_client")))
        #expect(two.one.ask().error == .upstreamRejected)
        two.hear()
        #expect(two.other.ask().error == .upstreamRejected)
        #expect(two.upstream.mints.count == 1)
        #expect(two.other.refresh().token == "acme-2")
        two.hear()
        #expect(two.one.ask().token == "acme-2")
        #expect(two.upstream.mints.count == 2)
    }

    @Test func `what was known before a verdict does not undo it, whoever tells it last`() {
        let credential = Credential(id: "client", secret: Secret("s3cret"))
        let two = Two(["a", "b"].map { .example($0, credential: credential) })
        two.upstream.script(.hang)
        two.one.ask("a")
        two.upstream.release(.failure(.rejected("invalid_client")))
        two.one.hear()
        // It has yet to hear of that, and tells what it knows.
        #expect(two.other.ask("b").token == "b-2")
        two.hear()
        for rehearsal in [two.one, two.other] {
            #expect(rehearsal.ask("a", scopes: .of("read")).error == .upstreamRejected)
        }
        #expect(two.upstream.mints.count == 2)
        two.advance(by: .seconds(1))
        #expect(two.other.refresh("b").token == "b-3")
        two.hear()
        #expect(two.one.ask("a").token == "a-4")
    }

    @Test func `another secret costs one mint`() {
        let credential = Credential(id: "client", secret: Secret("old"), nextSecret: Secret("new"))
        let two = Two([.example(credential: credential)])
        two.one.ask()
        two.hear()
        two.upstream.refuse("old")
        #expect(two.one.refresh().token == "acme-3")
        two.hear()
        #expect(two.other.ask().token == "acme-3" && two.one.ask().token == "acme-3")
        #expect(two.upstream.mints.map(\.secret) == ["old", "old", "new"])
    }

    // MARK: One budget

    @Test func `the budget is both brokers' together`() {
        let budget = MintBudget.Limits(burst: 4, perHour: 1)
        let credential = Credential(id: "client", secret: Secret("s3cret"))
        let two = Two(["a", "b", "c"].map { .example($0, credential: credential, mintBudget: budget) })
        #expect(two.one.ask("a").token == "a-1")
        #expect(two.other.ask("b").token == "b-2")
        // Two are kept back for operators.
        #expect(two.one.ask("c").error == .budgetExhausted(retryAfter: .seconds(3600)))
        #expect(two.other.ask("c").error == .budgetExhausted(retryAfter: .seconds(3600)))
        #expect(two.other.refresh("c").token == "c-3")
        #expect(two.upstream.mints.count == 3)
    }

    @Test func `a mint that another makes takes nothing out of it twice`() {
        let budget = MintBudget.Limits(burst: 4, perHour: 1)
        let two = Two([.example(mintBudget: budget)])
        two.upstream.script(.hang)
        two.one.ask()
        two.other.ask()
        two.upstream.release(.token(lifetime: .seconds(300)))
        two.advance(by: .seconds(1))
        for rehearsal in [two.one, two.other] {
            #expect(rehearsal.exposed("tokenwell_mint_budget_remaining{").allSatisfy { $0.hasSuffix(" 3") })
        }
    }

    // MARK: Revocation

    @Test(arguments: [nil, "https://auth.example/revoke"])
    func `what one revokes no other hands out`(_ revocationURL: String?) {
        let two = Two([.example(revocationURL: revocationURL)])
        two.one.ask()
        two.hear()
        #expect(two.other.revoke("acme-1").value != nil)
        two.hear()
        #expect(two.one.ask().token == "acme-2")
        #expect(two.one.revoke("acme-1").value == (revocationURL == nil ? .local : .upstream))
        two.hear()
        #expect(two.other.ask().token == "acme-2")
        #expect(two.upstream.revocations.count == (revocationURL == nil ? 0 : 1))
    }

    @Test func `what one has begun to revoke another goes on with, and only one`() {
        let two = Two([.example(revocationURL: "https://auth.example/revoke")])
        two.upstream.usually(.token(lifetime: .seconds(86_400)))
        two.one.ask()
        two.upstream.failRevocations(.unavailable("reset"))
        #expect(two.one.revoke("acme-1").error != nil)
        two.hear()
        // The one stands still.
        two.other.advance(by: .seconds(30))
        #expect(two.upstream.revocations.count == 2)
        two.advance(by: .seconds(600))
        #expect(two.upstream.revocations.count == 2)
        #expect(two.one.revoke("acme-1").value == .upstream)
    }

    @Test func `a token that the vendor refuses is replaced once`() {
        let two = Two()
        let token = two.one.ask().value?.token
        two.hear()
        guard let fingerprint = token?.fingerprint else { return #expect(token != nil) }
        for rehearsal in [two.one, two.other] {
            let request = TokenRequest(
                tenant: "acme", caller: CallerIdentity(name: "payroll"), grant: Grant(tenants: [.prefix("")]))
            let broker = rehearsal.broker
            _ = rehearsal.perform { () throws(BrokerError) in try await broker.reject(fingerprint, request) }
            two.hear()
        }
        #expect(two.upstream.mints.count == 2)
        #expect(two.one.ask().token == "acme-2" && two.other.ask().token == "acme-2")
    }

    // MARK: Alone

    @Test func `while nobody can be asked, one mints, and the others have what they have`() {
        let two = Two()
        two.one.ask()
        two.hear()
        two.other.ask()
        two.place.reach(false)
        two.one.advance(by: .seconds(270))
        two.other.hear()
        #expect(two.upstream.mints.count == 2)
        #expect(two.other.ask("acme", scopes: .of("read")).error == .upstreamUnavailable(retryAfter: .seconds(1)))
        #expect(two.one.ask("acme", scopes: .of("read")).token == "acme-3")
        #expect(two.upstream.mints.count == 3)
        two.place.reach(true)
        two.advance(by: .seconds(2))
        #expect(two.other.ask("acme", scopes: .of("read")).token == "acme-3")
        #expect(two.upstream.mints.count == 3)
    }

    @Test func `what one mints alone that knows of none before is later than those`() {
        let world = World()
        let place = SharedPlace(world.clock)
        // The first is the one that mints while nobody can be asked.
        let (first, second) = (world.sharing(place, as: "new"), world.sharing(place, as: "old"))
        let old = Rehearsal(in: second)
        for _ in 1...3 { old.refresh() }
        place.forget()
        let new = Rehearsal(in: first)
        place.reach(false)
        #expect(new.ask().token == "acme-4")
        place.reach(true)
        old.hear()
        #expect(old.ask().token == "acme-4")
        #expect(world.upstream.mints.count == 4)
    }

    @Test func `alone, a broker has its share of the budget`() {
        let budget = MintBudget.Limits(burst: 8, perHour: 1)
        let credential = Credential(id: "client", secret: Secret("s3cret"))
        let two = Two(["a", "b", "c", "d"].map { .example($0, credential: credential, mintBudget: budget) })
        two.place.reach(false)
        let tokens = ["a", "b", "c", "d"].map { two.one.ask($0).token }
        // Two of eight are kept back, and each counts double.
        #expect(tokens == ["a-1", "b-2", "c-3", nil])
    }

    @Test func `what was minted alone counts afterwards`() {
        let budget = MintBudget.Limits(burst: 8, perHour: 1)
        let credential = Credential(id: "client", secret: Secret("s3cret"))
        let two = Two(["a", "b", "c", "d", "e"].map { .example($0, credential: credential, mintBudget: budget) })
        two.one.ask("a")
        two.place.reach(false)
        #expect(two.one.ask("b").token == "b-2" && two.one.ask("c").token == "c-3")
        two.place.reach(true)
        two.hear()
        #expect(two.one.ask("d").token == "d-4")
        #expect(two.other.ask("e").error == .budgetExhausted(retryAfter: .seconds(3600)))
    }

    // MARK: The rest

    @Test func `the mint log is everybody's`() throws {
        let two = Two()
        two.one.ask()
        two.hear()
        two.other.refresh()
        two.hear()
        for rehearsal in [two.one, two.other] {
            let explanation = try rehearsal.broker.explanation(
                of: "acme", grant: Grant(tenants: [], isOperator: true))
            #expect(explanation.mints.map(\.reason) == ["operator", "cold"])
        }
    }

    @Test func `what a broker knows can be kept again`() {
        let two = Two()
        two.one.ask()
        let before = two.place.kept.records.count
        #expect(before == 3)
        two.one.revoke("acme-1")
        two.one.ask()
        let all = Set(two.place.kept.records.map(\.id.kind))
        two.hear()
        two.place.forget()
        two.other.broker.keepAgain()
        #expect(Set(two.place.kept.records.map(\.id.kind)) == all && all.count == 4)
    }

    @Test func `a token that is kept again after a failed mint is no other token`() {
        let two = Two()
        two.one.ask()
        two.hear()
        two.upstream.script(.failure(.unavailable("reset")))
        #expect(two.one.refresh().error != nil)
        // Beyond the pause after it.
        two.advance(by: .seconds(2))
        let due = two.other.read()?.refreshIn
        two.place.forget()
        two.one.broker.keepAgain()
        two.hear()
        #expect(due != nil && two.other.read()?.refreshIn == due)
    }

    @Test func `one that starts later mints nothing that is still good`() {
        let world = World()
        let place = SharedPlace(world.clock)
        Rehearsal(in: world.sharing(place, as: "one")).ask()
        let late = Rehearsal([.example(keepWarm: true)], in: world.sharing(place, as: "late"))
        late.start()
        #expect(late.read()?.token.secret.reveal() == "acme-1")
        #expect(world.upstream.mints.count == 1)
    }
}
