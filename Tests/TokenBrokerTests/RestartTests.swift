import Support
import Synchronization
import Testing

@testable import TokenBroker

/// What a broker knows after the end of the one before it, which came without warning.
struct RestartTests {
    private static let url = "https://auth.example/revoke"
    private static let operating = Grant(tenants: [], isOperator: true)

    private let store = RememberingStore()

    private func world() -> World { World(store: store) }

    @Test(arguments: [false, true])
    func `a token that is still good costs no mint`(_ keepWarm: Bool) {
        let (world, tenant) = (world(), Tenant.example(revocationURL: Self.url, keepWarm: keepWarm))
        let before = Rehearsal([tenant], draw: 0.5, in: world)
        let handOut = before.ask().value
        before.ask(scopes: .of("read"))
        before.clock.advance(by: .seconds(100))
        let after = Rehearsal([tenant], draw: 0.5, in: world)
        after.start()
        #expect(after.read()?.token.secret == handOut?.token.secret)
        #expect(after.read()?.remaining == .seconds(200))
        #expect(after.read()?.refreshIn == .seconds(152))
        #expect(after.read()?.token.scopes == handOut?.token.scopes)
        #expect(after.ask(scopes: .of("read")).token == "acme-2")
        #expect(world.upstream.mints.count == 2)
        // And it is looked after.
        after.advance(by: .seconds(152))
        #expect(world.upstream.mints.count == 4)
        #expect(after.read()?.token.secret.reveal() == "acme-3" || after.read()?.token.secret.reveal() == "acme-4")
        #expect(after.revoke("acme-1").value == .upstream)
    }

    @Test func `a mint that is on its way as the broker ends is waited for and kept, and no other begins`() {
        let world = world()
        let before = Rehearsal(in: world)
        before.ask()
        world.upstream.script(.hang)
        before.ask(scopes: .of("read"))
        let end = before.end()
        before.advance(by: .seconds(1))
        #expect(end.isWaiting)
        #expect(before.ask(scopes: .of("write")).error == .upstreamUnavailable(retryAfter: .seconds(1)))
        world.upstream.release(.token(lifetime: .seconds(300)))
        before.advance(by: .seconds(1))
        #expect(end.value == true)
        // Beyond the refresh points.
        before.advance(by: .seconds(265))
        #expect(world.upstream.mints.count == 2)
        let after = Rehearsal(in: world)
        #expect(after.ask().token == "acme-1" && after.ask(scopes: .of("read")).token == "acme-2")
    }

    @Test func `a mint that does not end is not waited for for ever`() {
        let broker = Rehearsal(in: world())
        broker.upstream.script(.hang)
        broker.ask()
        let end = broker.end(within: .seconds(1))
        broker.advance(by: .seconds(0.9))
        #expect(end.isWaiting)
        broker.advance(by: .seconds(0.2))
        #expect(end.value == true)
        broker.upstream.release(.failure(.unavailable("reset")))
    }

    @Test func `a token in which nothing is left is handed out to nobody`() {
        let world = world()
        Rehearsal(in: world).ask()
        world.clock.advance(by: .seconds(271))
        #expect(Rehearsal(in: world).ask().token == "acme-2")
    }

    @Test func `what is handed on with a token comes back with it`() {
        let world = world()
        world.upstream.script(
            .exactly(
                MintedToken(
                    token: Secret("a"), tokenType: "Token", lifetime: .seconds(300), scopes: .of("read"),
                    members: ["instance_url": Secret("https://a"), "b": Secret("c")])))
        let before = Rehearsal(in: world)
        let token = before.ask().value?.token
        let again = Rehearsal(in: world).read()?.token
        #expect(token != nil && again?.secret == token?.secret && again?.type == "Token")
        #expect(again?.members == token?.members && again?.scopes == .of("read"))
    }

    struct Step: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var boot: UInt64
        var step: Duration
        /// Of a token that had 200 s left; nil when it is not handed out.
        var remaining: Duration?
    }

    @Test(arguments: [
        Step(testDescription: "nothing", boot: 1, step: .zero, remaining: .seconds(100)),
        Step(testDescription: "the clock went back an hour", boot: 1, step: .seconds(-3600), remaining: .seconds(100)),
        Step(testDescription: "the clock went on an hour", boot: 1, step: .seconds(3600), remaining: .seconds(100)),
        Step(testDescription: "a boot", boot: 2, step: .zero, remaining: .seconds(100)),
        Step(
            testDescription: "a boot, and the clock went back an hour", boot: 2, step: .seconds(-3600), remaining: nil),
        Step(testDescription: "a boot, and the clock went back 101 s", boot: 2, step: .seconds(-101), remaining: nil),
        Step(testDescription: "a boot, and the clock went on 90 s", boot: 2, step: .seconds(90), remaining: nil),
        Step(testDescription: "an unknown boot", boot: 0, step: .zero, remaining: .seconds(100)),
    ])
    func `a clock that was moved meanwhile makes no token live longer`(_ step: Step) {
        var world = world()
        let before = Rehearsal([.example(), .example("globex")], in: world)
        before.ask()
        before.clock.advance(by: .seconds(100))
        // The store's last change.
        before.ask("globex")
        before.clock.advance(by: .seconds(100))
        (world.boot, world.step) = (step.boot, step.step)
        let after = Rehearsal([.example(), .example("globex")], in: world)
        #expect(after.read()?.remaining == step.remaining)
        // Whether it is handed out or not, it can be revoked.
        #expect(after.revoke("acme-1").value == .local)
    }

    @Test func `what is revoked or rejected stays so`() {
        let (world, tenants) = (world(), [Tenant.example(), .example("globex")])
        let before = Rehearsal(tenants, in: world)
        before.ask()
        before.ask("globex")
        #expect(before.revoke("acme-1").value == .local)
        world.upstream.script(.hang)
        before.reject("globex-2", "globex")
        let after = Rehearsal(tenants, in: world)
        after.start()
        #expect(after.read() == nil && after.read("globex") == nil)
        #expect(after.revoke("acme-1").value == .local)
        let again = [1, 2].map { number in
            ScriptedEndpoint.Answer.exactly(
                MintedToken(token: Secret(number == 1 ? "acme-1" : "globex-2"), lifetime: .seconds(300)))
        }
        world.upstream.script(again[0])
        #expect(after.ask().value == nil)
        world.upstream.script(again[1])
        #expect(after.ask("globex").value == nil)
    }

    @Test func `a revocation that the upstream has not heard of is told it`() {
        let (world, tenant) = (world(), Tenant.example(revocationURL: Self.url))
        let before = Rehearsal([tenant], draw: 0.5, in: world)
        before.ask()
        world.upstream.failRevocations(.timeout, .timeout)
        #expect(before.revoke("acme-1").error == .revocationPending(retryAfter: .milliseconds(500)))
        let after = Rehearsal([tenant], draw: 0.5, in: world)
        after.start()
        #expect(world.upstream.revocations.count == 1)
        after.advance(by: .milliseconds(500))
        #expect(world.upstream.revocations.count == 2)
        after.advance(by: .seconds(5))
        #expect(world.upstream.revocations == ["acme-1", "acme-1", "acme-1"])
        #expect(after.revoke("acme-1").value == .upstream)
        let last = Rehearsal([tenant], in: world)
        last.start()
        last.advance(by: .seconds(100))
        #expect(world.upstream.revocations.count == 3)
        #expect(last.revoke("acme-1").value == .upstream)
    }

    @Test func `a budget is as spent as it was, and fills while nobody runs`() {
        let (world, tenant) = (world(), Tenant.example(mintBudget: MintBudget.Limits(burst: 3, perHour: 60)))
        world.upstream.usually(.failure(.unavailable("http_500")))
        let before = Rehearsal([tenant], in: world)
        before.ask()
        world.clock.advance(by: .seconds(15))
        var after = Rehearsal([tenant], in: world)
        #expect(after.ask().error == .budgetExhausted(retryAfter: .seconds(45)))
        world.clock.advance(by: .seconds(44))
        after = Rehearsal([tenant], in: world)
        #expect(after.ask().error == .budgetExhausted(retryAfter: .seconds(1)))
        world.clock.advance(by: .seconds(1))
        after = Rehearsal([tenant], in: world)
        after.ask()
        #expect(world.upstream.mints.count == 2)
    }

    @Test func `a credential that the upstream refuses costs no other mint until it is another`() {
        let world = world()
        var tenant = Tenant.example(credential: Credential(id: "client", secret: Secret("old")), keepWarm: true)
        world.upstream.refuse("old")
        let before = Rehearsal([tenant], in: world)
        before.start()
        var after = Rehearsal([tenant], in: world)
        after.start()
        #expect(after.ask().error == .upstreamRejected)
        #expect(world.upstream.mints.count == 1)
        tenant.credential.secret = Secret("new")
        after = Rehearsal([tenant], in: world)
        #expect(after.ask().token == "acme-2")
    }

    @Test func `scopes that the upstream refuses cost no other mint until the tenant is another`() {
        let world = world()
        var tenant = Tenant.example()
        world.upstream.script(.failure(.rejected("invalid_scope")))
        Rehearsal([tenant], in: world).ask()
        #expect(Rehearsal([tenant], in: world).ask().error == .upstreamRejected)
        #expect(world.upstream.mints.count == 1)
        tenant.provider.scopeSeparator = ","
        #expect(Rehearsal([tenant], in: world).ask().token == "acme-2")
    }

    @Test func `the secret that won is known, and tokens of the other are not handed out`() {
        let world = world()
        let tenant = Tenant.example(
            credential: Credential(id: "client", secret: Secret("old"), nextSecret: Secret("new")))
        let before = Rehearsal([tenant], in: world)
        before.ask(scopes: .of("read"))
        world.upstream.refuse("old")
        before.ask()
        #expect(world.upstream.mints.map(\.secret) == ["old", "old", "new", "new"])
        let after = Rehearsal([tenant], in: world)
        #expect(after.ask().token == "acme-3")
        #expect(after.ask(scopes: .of("read")).token == "acme-4")
        #expect(world.upstream.mints.map(\.secret) == ["old", "old", "new", "new"])
    }

    @Test func `what was dropped with a secret stays dropped when that is configured no more`() {
        let world = world()
        var tenants = ["a", "b"].map {
            Tenant.example(
                $0, credential: Credential(id: "client", secret: Secret("old"), nextSecret: Secret("new")),
                mintBudget: MintBudget.Limits(burst: 4, perHour: 1))
        }
        let before = Rehearsal(tenants, in: world)
        before.ask("a")
        before.ask("b")
        world.upstream.refuse("old")
        before.refresh("b")
        #expect(before.read("a") == nil)
        for index in tenants.indices { tenants[index].credential = Credential(id: "client", secret: Secret("new")) }
        #expect(Rehearsal(tenants, in: world).read("a") == nil)
    }

    @Test func `a tenant that a start was without is found by a reload as a start finds it`() throws {
        let world = world()
        let tenant = Tenant.example(
            revocationURL: Self.url, mintBudget: MintBudget.Limits(burst: 8, perHour: 60))
        let before = Rehearsal([tenant], draw: 0.5, in: world)
        before.ask()
        world.upstream.failRevocations(.timeout, .timeout)
        before.revoke("acme-1")
        before.ask(scopes: .of("read"))
        world.clock.advance(by: .seconds(5))
        let after = Rehearsal([.example("other")], draw: 0.5, in: world)
        after.start()
        after.advance(by: .seconds(10))
        after.reload(.example("other"), tenant)
        #expect(after.exposed("tokenwell_mint_budget_remaining").last?.hasSuffix(" 6") == true)
        #expect(after.ask(scopes: .of("read")).value?.remaining == .seconds(285))
        #expect(after.revoke("acme-1").error != nil)
        let mints = try after.broker.explanation(of: "acme", grant: Self.operating).mints
        #expect(mints.count == 2)
        // The vendor is told what it has not heard.
        after.advance(by: .seconds(60))
        #expect(after.revoke("acme-1").value == .upstream)
        // Once: what is removed later is gone.
        after.reload(.example("other"))
        after.reload(.example("other"), tenant)
        #expect(try after.broker.explanation(of: "acme", grant: Self.operating).mints.isEmpty)
    }

    @Test func `what a start did not need of a refused credential is not forgotten`() {
        let world = world()
        let before = Rehearsal([.example()], in: world)
        before.upstream.refuse("s3cret-of-acme")
        before.ask()
        let after = Rehearsal([], in: world)
        after.reload(.example())
        #expect(after.ask().error == .upstreamRejected)
        #expect(world.upstream.mints.count == 1)
    }

    @Test func `the next secret has what is left of the budget`() {
        let world = world()
        var tenant = Tenant.example(mintBudget: MintBudget.Limits(burst: 3, perHour: 60))
        world.upstream.usually(.failure(.unavailable("http_500")))
        Rehearsal([tenant], in: world).ask()
        tenant.credential.secret = Secret("new")
        #expect(Rehearsal([tenant], in: world).ask().error == .budgetExhausted(retryAfter: .seconds(60)))
    }

    @Test func `a vendor that asked to be left alone is left alone`() {
        let world = world()
        world.upstream.script(.failure(.throttled(retryAfter: .seconds(3600))))
        Rehearsal(in: world).ask()
        world.clock.advance(by: .seconds(600))
        #expect(Rehearsal(in: world).ask().error == .upstreamUnavailable(retryAfter: .seconds(3000)))
        #expect(world.upstream.mints.count == 1)
    }

    @Test func `no key outlives the ceiling that it was within`() {
        let world = world()
        var tenant = Tenant.example(scopes: "read write")
        let before = Rehearsal([tenant], in: world)
        before.ask()
        before.ask(scopes: .of("read"))
        tenant.scopes = .of("read")
        let after = Rehearsal([tenant], in: world)
        after.start()
        #expect(after.ask().token == "acme-2")
        after.advance(by: .seconds(1000))
        #expect(world.upstream.mints.dropFirst(2).allSatisfy { $0.scopes == .of("read") })
    }

    @Test func `restarts keep nothing fresh that nobody asks for`() {
        let world = world()
        Rehearsal(in: world).ask()
        for _ in 0..<20 {
            let again = Rehearsal(in: world)
            again.start()
            again.advance(by: .seconds(250))
        }
        #expect((4...5).contains(world.upstream.mints.count))
    }

    @Test func `the upstream of a tenant is told nothing of the tokens of the one before it`() {
        let world = world()
        var tenant = Tenant.example(revocationURL: Self.url)
        let before = Rehearsal([tenant], in: world)
        before.ask()
        world.upstream.failRevocations(.timeout)
        before.revoke("acme-1")
        before.ask()
        tenant.provider.tokenURL = "https://other.example/token"
        let after = Rehearsal([tenant], in: world)
        after.start()
        after.advance(by: .seconds(100))
        #expect(after.revoke("acme-1").value == .local)
        #expect(after.revoke("acme-2").value == .local)
        #expect(world.upstream.revocations == ["acme-1"])
    }

    @Test func `a new secret makes no mint of what is still good`() {
        let world = world()
        var tenant = Tenant.example(credential: Credential(id: "client", secret: Secret("old")))
        Rehearsal([tenant], in: world).ask()
        tenant.credential.secret = Secret("new")
        let after = Rehearsal([tenant], in: world)
        after.start()
        #expect(after.ask().token == "acme-1")
        after.advance(by: .seconds(240))
        #expect(after.ask().token == "acme-2")
        #expect(world.upstream.mints.map(\.secret) == ["old", "new"])
    }

    @Test func `a changed tenant gets no token of the one before`() {
        let world = world()
        var tenant = Tenant.example()
        Rehearsal([tenant], in: world).ask()
        tenant.provider.parameters = [Provider.Parameter("audience", ["other"])]
        let after = Rehearsal([tenant], in: world)
        #expect(after.ask().token == "acme-2")
        #expect(after.revoke("acme-1").value == .local)
    }

    @Test func `the mint log goes on`() throws {
        let world = world()
        let before = Rehearsal(in: world)
        before.ask()
        before.ask(scopes: .of("read"))
        world.upstream.script(.failure(.unavailable("http_500")))
        before.refresh()
        world.clock.advance(by: .seconds(10))
        let after = Rehearsal(in: world)
        after.refresh()
        let explanation = try after.broker.explanation(of: "acme", grant: Self.operating)
        #expect(explanation.mints.map(\.reason) == ["operator", "operator", "cold", "cold"])
        #expect(explanation.mints.map(\.outcome) == [.ok, .unavailable, .ok, .ok])
        #expect(explanation.mints.map(\.age) == [.zero, .seconds(10), .seconds(10), .seconds(10)])
        #expect(explanation.mints.map(\.scopes.description) == ["read write", "read write", "read", "read write"])
        #expect(explanation.mints.last?.fingerprint == Fingerprint(of: "acme-1"))
        #expect(explanation.lastFailure?.cause == "http_500" && explanation.lastFailure?.age == .seconds(10))
    }

    @Test func `an end in the middle of a mint costs that mint and no more`() {
        let world = world()
        let tenant = Tenant.example(mintBudget: MintBudget.Limits(burst: 10, perHour: 60))
        world.upstream.script(.hang)
        Rehearsal([tenant], in: world).ask()
        let after = Rehearsal([tenant], in: world)
        #expect(after.ask().token == "acme-2")
        #expect(after.exposed("tokenwell_mint_budget_remaining").first?.hasSuffix(" 8") == true)
    }

    @Test func `a thousand tokens that fell due meanwhile are not minted at once, and the first to end come first`() {
        let world = world()
        let tenants = (0..<1000).map { Tenant.example("t\($0)") }
        let before = Rehearsal(tenants, in: world)
        for tenant in tenants {
            before.ask(tenant.name)
            world.clock.advance(by: .milliseconds(20))
        }
        world.clock.advance(by: .seconds(240))
        let after = Rehearsal(tenants, in: world)
        after.start()
        #expect(world.upstream.mints.count == 1001)
        after.advance(by: .seconds(1))
        #expect((1045...1055).contains(world.upstream.mints.count))
        #expect(world.upstream.mints[1000...1002].map(\.tenant) == ["t0", "t1", "t2"])
        after.advance(by: .seconds(20))
        #expect(world.upstream.mints.count == 2000)
    }

    @Test func `what cannot be made durable is not said to be done`() {
        let world = world()
        let before = Rehearsal([.example()], in: world)
        before.ask()
        store.fail(true)
        #expect(before.revoke("acme-1").error == .storeUnavailable(retryAfter: .seconds(1)))
        #expect(before.read() == nil)
        #expect(before.revoke("acme-1").error == .storeUnavailable(retryAfter: .seconds(1)))
        store.fail(false)
        #expect(before.revoke("acme-1").value == .local)
        #expect(Rehearsal(in: world).read() == nil)
    }

    @Test(arguments: 0..<40)
    func `a record that cannot be read is left out`(_ seed: Int) {
        let world = world()
        let before = Rehearsal([.example(revocationURL: Self.url)], in: world)
        before.ask()
        world.upstream.failRevocations(.timeout)
        before.revoke("acme-1")
        before.ask()
        var numbers = RandomNumbers(seed: UInt64(seed))
        store.tamper { record in
            switch seed % 4 {
            case 0: record.payload.removeLast(Int.random(in: 1...record.payload.count, using: &numbers))
            case 1: record.payload[Int.random(in: 0..<record.payload.count, using: &numbers)] ^= 0xFF
            case 2: record.payload.append(0)
            default: record.payload = (0..<record.payload.count).map { _ in UInt8.random(in: 0...255, using: &numbers) }
            }
        }
        let after = Rehearsal([.example(revocationURL: Self.url)], in: world)
        after.start()
        after.advance(by: .seconds(1000))
        #expect(after.ask().value != nil)
    }

    @Test(arguments: [Record.Kind.tombstone, .tenant])
    func `a tenant of which a record is damaged gets none of its old tokens`(_ kind: Record.Kind) {
        let world = world()
        let before = Rehearsal([.example(), .example("globex")], in: world)
        before.ask()
        before.ask("globex")
        before.revoke("acme-1")
        before.ask()
        store.tamper(only: kind) { if $0.id.tenant == "acme" { $0.payload.removeLast() } }
        let after = Rehearsal([.example(), .example("globex")], in: world)
        #expect(after.read() == nil)
        #expect(after.read("globex") != nil)
        #expect(after.revoke("acme-1").value == .local)
    }

    @Test func `what would be kept is forgotten where nothing is`() throws {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.revoke("acme-1")
        let cache = try #require(rehearsal.broker.tenancy.entries["acme"]?.cache)
        #expect(cache.state.withLock { $0.changes.isEmpty })
    }

    @Test func `what was written before the clock was set back is as old as it is`() {
        var world = world()
        let tenants = [Tenant.example(), .example("globex")]
        world.step = .seconds(7200)
        Rehearsal(tenants, in: world).ask()
        world.clock.advance(by: .seconds(1000))
        world.step = .zero
        let between = Rehearsal(tenants, in: world)
        between.ask("globex")
        world.clock.advance(by: .seconds(10))
        world.boot = 2
        let after = Rehearsal(tenants, in: world)
        #expect(after.read() == nil)
        #expect(after.read("globex")?.remaining == .seconds(290))
    }
}
