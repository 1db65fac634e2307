import Support
import Synchronization
import Telemetry
import Testing

@testable import TokenBroker

/// What becomes of tenants, tokens and flights when the configuration is another.
struct SuccessionTests {
    private static let url = "https://auth.example/revoke"
    private static let operating = Grant(tenants: [], isOperator: true)
    private static let rotating = Credential(id: "client", secret: Secret("b"), nextSecret: Secret("a"))
    private static let tight = MintBudget.Limits(burst: 4, perHour: 60)

    /// `acme`, changed.
    private func acme(_ change: (inout Tenant) -> Void = { _ in }) -> Tenant {
        var tenant = Tenant.example(revocationURL: Self.url)
        change(&tenant)
        return tenant
    }

    // MARK: Unchanged

    @Test func `what is not changed goes on as it is: token, holders, budget, history and flight`() throws {
        let other = Tenant.example("other", mintBudget: Self.tight)
        let rehearsal = Rehearsal([acme(), other])
        let token = rehearsal.ask("other").value?.token
        rehearsal.upstream.script(.hang)
        let waiting = rehearsal.ask("other", scopes: .of("read"))
        let before = try rehearsal.broker.explanation(of: "other", grant: Self.operating)
        rehearsal.reload(other, .example("new", credential: Credential(id: "new", secret: Secret("s3cret"))))
        let after = try rehearsal.broker.explanation(of: "other", grant: Self.operating)
        #expect(after.budget.remaining == 2 && before.budget.remaining == 2)
        #expect(after.keys.map(\.holders.count) == before.keys.map(\.holders.count))
        #expect(after.mints.count == 1)
        #expect(rehearsal.read("other")?.token === token)
        let joining = rehearsal.ask("other", scopes: .of("read"))
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(waiting.token == "other-2" && joining.token == "other-2")
        #expect(rehearsal.ask("new").token == "new-3")
    }

    @Test func `who looks after a token goes on to do so`() {
        let other = Tenant.example("other")
        let rehearsal = Rehearsal([acme(), other], draw: 0.5)
        rehearsal.ask("other")
        rehearsal.reload(other)
        rehearsal.advance(by: .seconds(252))
        #expect(rehearsal.read("other")?.token.secret.reveal() == "other-2")
        #expect(rehearsal.upstream.mints.count == 2)
    }

    // MARK: Changed

    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var make: @Sendable (inout Tenant) -> Void
        /// Whether it is still another's token.
        var keepsToken: Bool
    }

    @Test(arguments: [
        Change(testDescription: "secret", make: { $0.credential.secret = Secret("new") }, keepsToken: true),
        Change(testDescription: "next secret", make: { $0.credential.nextSecret = Secret("new") }, keepsToken: true),
        Change(testDescription: "keep warm", make: { $0.keepWarm = true }, keepsToken: true),
        Change(testDescription: "budget", make: { $0.mintBudget = Self.tight }, keepsToken: true),
        Change(testDescription: "authorities", make: { $0.caFile = "ca" }, keepsToken: true),
        Change(testDescription: "client id", make: { $0.credential.id = "another" }, keepsToken: false),
        Change(testDescription: "provider", make: { $0.provider.parameters = [.init("a", ["b"])] }, keepsToken: false),
        Change(testDescription: "token URL", make: { $0.provider.tokenURL += "x" }, keepsToken: false),
        Change(testDescription: "scopes", make: { $0.scopes = .of("read") }, keepsToken: false),
    ])
    func `a token is kept unless it is told from what it would be now`(_ change: Change) throws {
        for store in [nil, RememberingStore()] {
            let world = World(store: store)
            let rehearsal = Rehearsal([acme()], draw: 0.5, in: world)
            rehearsal.ask()
            rehearsal.reload(acme(change.make))
            #expect(rehearsal.read()?.token.secret.reveal() == (change.keepsToken ? "acme-1" : nil))
            #expect(rehearsal.ask().token == (change.keepsToken ? "acme-1" : "acme-2"))
            let mints = try rehearsal.broker.explanation(of: "acme", grant: Self.operating).mints
            #expect(mints.count == (change.keepsToken ? 1 : 2))
            // And it is replaced at its point.
            rehearsal.advance(by: .seconds(253))
            #expect(rehearsal.ask().token == (change.keepsToken ? "acme-2" : "acme-3"))
            guard store != nil else { continue }
            // A restart finds the same.
            let after = Rehearsal([acme(change.make)], draw: 0.5, in: world)
            #expect(after.read()?.token.secret.reveal() == (change.keepsToken ? "acme-2" : "acme-3"))
        }
    }

    @Test func `scopes that there still are keep their token, and others are refused`() {
        let rehearsal = Rehearsal([acme()])
        #expect(rehearsal.ask(scopes: .of("read")).token == "acme-1")
        rehearsal.ask(scopes: .of("write"))
        rehearsal.reload(acme { $0.scopes = .of("read other") })
        #expect(rehearsal.ask(scopes: .of("read")).token == "acme-1")
        #expect(rehearsal.ask(scopes: .of("write")).error == .invalidScope)
        #expect(rehearsal.ask().token == "acme-3")
    }

    @Test func `what was minted for another client is revoked nowhere, and of another secret at the vendor`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.ask()
        rehearsal.reload(acme { $0.credential.secret = Secret("new") })
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        rehearsal.ask()
        rehearsal.reload(acme { $0.credential.id = "another" })
        #expect(rehearsal.revoke("acme-2").value == .local)
        #expect(rehearsal.upstream.revocations == ["acme-1"])
    }

    @Test func `a revocation that fails is not tried again at what has become another client's vendor`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.ask()
        rehearsal.upstream.hangRevocations()
        rehearsal.upstream.failRevocations(.unavailable("http_500"))
        let call = rehearsal.revoke("acme-1")
        #expect(call.isWaiting)
        rehearsal.reload(acme { $0.credential.id = "another" })
        rehearsal.upstream.release(.token(lifetime: nil))
        rehearsal.executor.drain()
        #expect(call.value == .local)
        rehearsal.advance(by: .seconds(250))
        #expect(rehearsal.upstream.revocations == ["acme-1"])
    }

    @Test(arguments: [false, true])
    func `what the vendor has no way any more to be told of is revoked here`(_ isRestarted: Bool) {
        let world = World(store: RememberingStore())
        var rehearsal = Rehearsal([acme()], draw: 0.5, in: world)
        rehearsal.ask()
        rehearsal.upstream.failRevocations(.unavailable("http_503"))
        #expect(rehearsal.revoke("acme-1").error != nil)
        let changed = acme { $0.provider.revocationURL = nil }
        if isRestarted {
            rehearsal = Rehearsal([changed], draw: 0.5, in: world)
            rehearsal.start()
        } else {
            rehearsal.reload(changed)
        }
        #expect(rehearsal.revoke("acme-1").value == .local)
        rehearsal.advance(by: .seconds(100))
        #expect(rehearsal.upstream.revocations == ["acme-1"])
        #expect(Rehearsal([changed], in: world).revoke("acme-1").value == .local)
    }

    @Test(arguments: [true, false])
    func `and so is what it is being told of then, unless it hears it`(_ succeeds: Bool) {
        let rehearsal = Rehearsal([acme()], draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.hangRevocations()
        if !succeeds { rehearsal.upstream.failRevocations(.unavailable("http_500")) }
        let call = rehearsal.revoke("acme-1")
        rehearsal.reload(acme { $0.provider.revocationURL = nil })
        rehearsal.upstream.release(.token(lifetime: nil))
        rehearsal.executor.drain()
        #expect(call.value == (succeeds ? .upstream : .local))
        rehearsal.advance(by: .seconds(250))
        #expect(rehearsal.upstream.revocations == ["acme-1"])
    }

    @Test func `an operator has the tokens of the secret dropped that is the tenant's no more`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.ask()
        rehearsal.reload(acme { $0.credential.secret = Secret("new") })
        rehearsal.ask(scopes: .of("read"))
        let count = rehearsal.perform { [broker = rehearsal.broker] () throws(BrokerError) in
            try await broker.revokeAll(of: "acme", withdrawnOnly: true, grant: Self.operating)
        }
        #expect(count.value == RevocationCount(upstream: 1))
        #expect(rehearsal.read() == nil)
        #expect(rehearsal.ask(scopes: .of("read")).token == "acme-2")
    }

    @Test(arguments: [true, false])
    func `another secret lifts a suspension, and nothing else does`(_ isChanged: Bool) {
        let rehearsal = Rehearsal([acme()])
        rehearsal.upstream.refuse("s3cret-of-acme")
        #expect(rehearsal.ask().error == .upstreamRejected)
        rehearsal.reload(
            acme {
                if isChanged { $0.credential.secret = Secret("new") } else { $0.mintBudget = Self.tight }
            })
        #expect(rehearsal.ask().error == (isChanged ? nil : .upstreamRejected))
        #expect(rehearsal.exposed("tokenwell_suspended").first?.hasSuffix(isChanged ? " 0" : " 1") == true)
    }

    @Test func `another secret lifts it for those kept warm without a caller`() {
        let rehearsal = Rehearsal([acme { $0.keepWarm = true }])
        rehearsal.upstream.refuse("s3cret-of-acme")
        rehearsal.start()
        rehearsal.reload(
            acme {
                $0.keepWarm = true
                $0.credential.secret = Secret("new")
            })
        #expect(rehearsal.read()?.token.secret.reveal() == "acme-2")
    }

    @Test func `a budget is neither filled nor emptied by a change, nor by leaving and coming back`() {
        let tenant = acme { $0.mintBudget = Self.tight }
        let rehearsal = Rehearsal([tenant])
        for scopes in ["read", "write"] { rehearsal.ask(scopes: .of(scopes)) }
        let left = { rehearsal.exposed("tokenwell_mint_budget_remaining").first?.last }
        #expect(left() == "2")
        rehearsal.reload(
            acme {
                $0.mintBudget = Self.tight
                $0.credential.secret = Secret("new")
            })
        #expect(left() == "2")
        rehearsal.reload()
        #expect(left() == nil)
        rehearsal.reload(tenant)
        #expect(left() == "2")
        rehearsal.reload(acme { $0.mintBudget = MintBudget.Limits(burst: 6, perHour: 60) })
        #expect(left() == "4")
    }

    @Test func `mints that leave while it is done are counted`() throws {
        let hook = HookedStore()
        let world = World()
        let tenants = { (burst: Int) in
            ["acme", "other"].map {
                Tenant.example(
                    $0, credential: Credential(id: "client", secret: Secret("s")),
                    mintBudget: MintBudget.Limits(burst: burst, perHour: 60))
            }
        }
        let broker = Broker(
            tenants: tenants(100), endpoint: world.upstream, timekeeper: world.clock, executors: [ManualExecutor()],
            metrics: MetricsRegistry(), logger: Rehearsal().logger,
            persistence: Persistence(store: hook, clock: WallClock(boot: 1, timeOfDay: { 0 }, uptime: { _ in 0 })))
        let entries = broker.tenancy.entries
        let acme = try #require(entries["acme"])
        let other = try #require(entries["other"])
        _ = acme.setup.credential.spend(.caller, at: world.clock.now)
        hook.onTenant { name in
            // One has changed, the other has not.
            guard name == "acme" else { return }
            _ = other.cache.setup.credential.spend(.caller, at: world.clock.now)
        }
        var credential: SharedCredential?
        broker.handOver(to: tenants(101), callerDeadline: .seconds(5)) {
            credential = $0.tenancy.entries["acme"]?.setup.credential
        }
        #expect(credential !== acme.setup.credential)
        #expect(credential?.remaining(at: world.clock.now) == 99)
    }

    @Test func `a budget is not filled by going to another secret and back`() {
        let rehearsal = Rehearsal([acme { $0.mintBudget = Self.tight }])
        rehearsal.ask()
        let renewed = acme {
            $0.mintBudget = Self.tight
            $0.credential.secret = Secret("new")
        }
        rehearsal.reload(renewed)
        rehearsal.ask(scopes: .of("read"))
        rehearsal.reload(acme { $0.mintBudget = Self.tight })
        #expect(rehearsal.exposed("tokenwell_mint_budget_remaining").first?.hasSuffix(" 2") == true)
    }

    @Test(arguments: [true, false])
    func `a budget that is tightened is spent as far as it was`(_ isRestarted: Bool) {
        let world = World(store: RememberingStore())
        var rehearsal = Rehearsal([acme { $0.mintBudget = MintBudget.Limits(burst: 10, perHour: 60) }], in: world)
        for scopes in ["read", "write", "read write"] { rehearsal.ask(scopes: .of(scopes)) }
        let tightened = acme { $0.mintBudget = MintBudget.Limits(burst: 5, perHour: 10) }
        if isRestarted { rehearsal = Rehearsal([tightened], in: world) } else { rehearsal.reload(tightened) }
        #expect(rehearsal.exposed("tokenwell_mint_budget_remaining").first?.last == "2")
        let widened = acme { $0.mintBudget = MintBudget.Limits(burst: 100, perHour: 6000) }
        if isRestarted { rehearsal = Rehearsal([widened], in: world) } else { rehearsal.reload(widened) }
        #expect(rehearsal.exposed("tokenwell_mint_budget_remaining").first?.hasSuffix(" 97") == true)
    }

    @Test func `a token of what is now the next secret is kept when that wins`() {
        let rehearsal = Rehearsal([acme { $0.credential.secret = Secret("a") }])
        rehearsal.ask()
        rehearsal.reload(acme { $0.credential = Self.rotating })
        rehearsal.upstream.refuse("b")
        rehearsal.ask(scopes: .of("read"))
        #expect(rehearsal.upstream.mints.map(\.secret) == ["a", "b", "a"])
        #expect(rehearsal.read()?.token.secret.reveal() == "acme-1")
    }

    @Test func `and so it is after a restart`() {
        let world = World(store: RememberingStore())
        Rehearsal([acme { $0.credential.secret = Secret("a") }], in: world).ask()
        let rehearsal = Rehearsal([acme { $0.credential = Self.rotating }], in: world)
        #expect(rehearsal.read() != nil)
        rehearsal.upstream.refuse("b")
        rehearsal.ask(scopes: .of("read"))
        #expect(rehearsal.read()?.token.secret.reveal() == "acme-1")
    }

    @Test func `what was minted with the old secret and landed with the new one is of the old one after a restart`() {
        let world = World(store: RememberingStore())
        let rehearsal = Rehearsal([acme()], in: world)
        rehearsal.upstream.script(.hang)
        rehearsal.ask()
        let renewed = acme { $0.credential.secret = Secret("new") }
        rehearsal.reload(renewed)
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        let after = Rehearsal([renewed], in: world)
        #expect(after.read() != nil)
        let count = after.perform { [broker = after.broker] () throws(BrokerError) in
            try await broker.revokeAll(of: "acme", withdrawnOnly: true, grant: Self.operating)
        }
        #expect(count.value == RevocationCount(upstream: 1))
    }

    @Test func `tokens are good until they are due over any number of secrets, and back`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.ask()
        for secret in ["b", "c", "s3cret-of-acme"] {
            rehearsal.reload(acme { $0.credential.secret = Secret(secret) })
            #expect(rehearsal.read()?.token.secret.reveal() == "acme-1")
        }
        #expect(rehearsal.upstream.mints.count == 1)
    }

    @Test func `what another tenant's mint has found out is known when the secret changes at the same time`() {
        let tenants = { (credential: Credential) in
            ["acme", "other"].map { Tenant.example($0, credential: credential) }
        }
        let both = Credential(id: "client", secret: Secret("old"), nextSecret: Secret("new"))
        let rehearsal = Rehearsal(tenants(both))
        rehearsal.ask()
        let credential = rehearsal.broker.tenancy.entries["acme"]?.setup.credential
        // The other's mint has landed, and the tenants are yet to be told.
        _ = credential?.refuse(0, because: .rejected("invalid_client"), at: rehearsal.clock.now)
        _ = credential?.accept(1, at: rehearsal.clock.now)
        rehearsal.reload(tenants(Credential(id: "client", secret: Secret("new"))))
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `another order of the tenants is no other credential`() {
        let tenants = ["a", "b"].map { name in
            Tenant.example(
                name, credential: Credential(id: "client", secret: Secret("s"), nextSecret: Secret("next-of-\(name)")))
        }
        let rehearsal = Rehearsal(tenants)
        let credential = rehearsal.broker.tenancy.entries["a"]?.setup.credential
        rehearsal.reload(tenants.reversed())
        #expect(rehearsal.broker.tenancy.entries["a"]?.setup.credential === credential)
    }

    // MARK: Under way

    @Test func `a mint under way lands where its secret is a new one, for those who waited and those who come`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.upstream.script(.hang)
        let waiting = rehearsal.ask()
        rehearsal.reload(acme { $0.credential.secret = Secret("new") })
        let coming = rehearsal.ask()
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(waiting.token == "acme-1" && coming.token == "acme-1")
        #expect(rehearsal.read()?.token.secret.reveal() == "acme-1")
        #expect(rehearsal.upstream.mints.count == 1)
    }

    @Test func `a refusal of the old secret says nothing of the new one, which is tried`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.upstream.script(.hang)
        let waiting = rehearsal.ask()
        rehearsal.reload(acme { $0.credential.secret = Secret("new") })
        rehearsal.upstream.release(.failure(.rejected("invalid_client")))
        rehearsal.executor.drain()
        #expect(waiting.token == "acme-2")
        #expect(rehearsal.upstream.mints.map(\.secret) == ["s3cret-of-acme", "new"])
    }

    @Test func `a mint for what the tenant was before is given to nobody, and those who waited are to ask again`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.upstream.script(.hang)
        let waiting = rehearsal.ask()
        // UKG tells a customer by one.
        rehearsal.reload(acme { $0.provider.parameters = [.init("client_id", ["b"])] })
        #expect(waiting.error == .upstreamUnavailable(retryAfter: .seconds(1)))
        // Of a credential of which nothing is known yet, one mint is made at a time.
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(rehearsal.ask().token == "acme-2")
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        #expect(
            rehearsal.exposed("tokenwell_mints_total") == [
                #"tokenwell_mints_total{tenant="acme",reason="cold",outcome="ok"} 2"#
            ])
    }

    @Test func `a mint that was held back leaves with what there is now`() {
        let rehearsal = Rehearsal([acme(), .example("other", credential: acme().credential)])
        rehearsal.upstream.script(.hang)
        let first = rehearsal.ask("other")
        let held = rehearsal.ask()
        rehearsal.reload(
            acme { $0.credential.secret = Secret("new") }, .example("other", credential: acme().credential))
        rehearsal.upstream.release(.failure(.rejected("invalid_client")))
        rehearsal.executor.drain()
        #expect(first.error == .upstreamRejected)
        #expect(held.token == "acme-2")
        #expect(rehearsal.upstream.mints.map(\.secret) == ["s3cret-of-acme", "new"])
    }

    @Test(arguments: [true, false])
    func `a mint that was held back leaves no more for a key that is gone, and costs nothing`(_ isRemoved: Bool) {
        let other = Tenant.example("other", credential: acme().credential, mintBudget: Self.tight)
        let rehearsal = Rehearsal([acme { $0.mintBudget = Self.tight }, other])
        rehearsal.upstream.script(.hang)
        rehearsal.ask("other")
        let held = rehearsal.ask()
        #expect(held.isWaiting)
        let changed = acme {
            $0.mintBudget = Self.tight
            $0.provider.parameters = [.init("a", ["b"])]
        }
        rehearsal.reload(isRemoved ? [other] : [other, changed])
        #expect(!held.isWaiting)
        rehearsal.upstream.release(.failure(.timeout))
        rehearsal.executor.drain()
        #expect(rehearsal.upstream.mints.map(\.tenant) == ["other"])
        #expect(rehearsal.exposed("tokenwell_mint_budget_remaining").allSatisfy { $0.hasSuffix(" 3") })
    }

    @Test func `nor for one whose client is another: both budgets are as if it had not been`() {
        let other = Tenant.example("other", credential: acme().credential, mintBudget: Self.tight)
        let rehearsal = Rehearsal([acme { $0.mintBudget = Self.tight }, other])
        rehearsal.upstream.script(.hang)
        rehearsal.ask("other")
        rehearsal.ask()
        rehearsal.reload(
            other,
            acme {
                $0.mintBudget = Self.tight
                $0.credential.id = "another"
            })
        rehearsal.ask(scopes: .of("read"))
        rehearsal.upstream.release(.failure(.timeout))
        rehearsal.executor.drain()
        #expect(rehearsal.upstream.mints.map(\.tenant) == ["other", "acme"])
        #expect(rehearsal.exposed("tokenwell_mint_budget_remaining").allSatisfy { $0.hasSuffix(" 3") })
    }

    @Test func `a refusal of a mint for what a tenant was counts for the credential`() {
        let other = Tenant.example("other", credential: acme().credential)
        let rehearsal = Rehearsal([acme(), other])
        rehearsal.upstream.script(.hang)
        rehearsal.ask()
        let waiting = (0..<3).map { _ in rehearsal.ask("other") } + [rehearsal.ask("other", scopes: .of("read"))]
        rehearsal.reload(other)
        rehearsal.upstream.refuse("s3cret-of-acme")
        rehearsal.upstream.release(.failure(.rejected("invalid_client")))
        rehearsal.executor.drain()
        #expect(waiting.allSatisfy { $0.error == .upstreamRejected })
        #expect(rehearsal.upstream.mints.count == 1)
        #expect(rehearsal.exposed("tokenwell_suspended").first?.hasSuffix(" 1") == true)
    }

    @Test func `of thousands that were held back each leaves in its turn, with what there is now`() {
        let tenants = { (secret: String) in
            (0..<5000).map {
                Tenant.example(
                    "t\($0)", credential: Credential(id: "client", secret: Secret(secret)),
                    mintBudget: MintBudget.Limits(burst: 10_000, perHour: 10_000))
            }
        }
        let rehearsal = Rehearsal(tenants("old") + [acme()])
        rehearsal.upstream.script(.hang)
        let calls = (0..<5000).map { rehearsal.ask("t\($0)") }
        #expect(rehearsal.upstream.mints.count == 1)
        rehearsal.reload(tenants("new"))
        rehearsal.upstream.release(.failure(.timeout))
        rehearsal.executor.drain()
        #expect(calls.dropFirst().allSatisfy { $0.token != nil })
        #expect(rehearsal.upstream.mints.dropFirst().allSatisfy { $0.secret == "new" })
        #expect(rehearsal.upstream.mints.count == 5000)
    }

    @Test(arguments: [
        Change(testDescription: "secret", make: { $0.credential.secret = Secret("new") }, keepsToken: true),
        Change(testDescription: "budget", make: { $0.mintBudget = Self.tight }, keepsToken: true),
        Change(testDescription: "client id", make: { $0.credential.id = "another" }, keepsToken: false),
        Change(testDescription: "parameter", make: { $0.provider.parameters = [.init("a", ["b"])] }, keepsToken: false),
        Change(testDescription: "token URL", make: { $0.provider.tokenURL += "x" }, keepsToken: false),
        Change(testDescription: "scopes", make: { $0.scopes = .of("read") }, keepsToken: false),
    ])
    func `a request that began before gets nothing of another account`(_ change: Change) throws {
        let rehearsal = Rehearsal([acme()])
        let before = rehearsal.broker
        rehearsal.upstream.script(.hang)
        let waiting = rehearsal.ask()
        rehearsal.reload(acme(change.make))
        rehearsal.ask()
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        let late = rehearsal.perform { () throws(BrokerError) in
            try await before.token(
                TokenRequest(
                    tenant: "acme", caller: CallerIdentity(name: "payroll"), grant: Grant(tenants: [.exact("acme")])))
        }
        for call in [waiting, late] {
            #expect(call.token == (change.keepsToken ? "acme-1" : nil))
            #expect(call.error == (change.keepsToken ? nil : .upstreamUnavailable(retryAfter: .seconds(1))))
        }
        #expect(rehearsal.ask().token == (change.keepsToken ? "acme-1" : "acme-2"))
    }

    @Test func `requests that began before the new broker had its place are answered as ever`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.ask()
        var tokens: [String?] = []
        rehearsal.broker.handOver(to: [acme { $0.credential.id = "another" }], callerDeadline: .seconds(5)) { _ in
            tokens.append(rehearsal.read()?.token.secret.reveal())
        }
        tokens.append(rehearsal.read()?.token.secret.reveal())
        #expect(tokens == ["acme-1", nil])
    }

    @Test func `callers wait as long as it says now`() {
        let rehearsal = Rehearsal([acme()])
        rehearsal.reload(acme(), deadline: .seconds(2))
        rehearsal.upstream.script(.hang)
        let call = rehearsal.ask()
        rehearsal.advance(by: .seconds(2))
        #expect(call.error == .upstreamTimeout(retryAfter: .seconds(8)))
    }

    // MARK: Removed

    @Test func `a tenant that is removed is unknown, and nothing is done for it any more`() {
        let rehearsal = Rehearsal([acme { $0.keepWarm = true }, .example("other")], draw: 0.5)
        rehearsal.start()
        rehearsal.upstream.script(.hang)
        let waiting = rehearsal.ask(scopes: .of("read"))
        let exact = Grant(tenants: [.exact("acme")])
        let limited = rehearsal.ask(scopes: .of("read"), grant: exact)
        rehearsal.reload(.example("other"))
        #expect(waiting.error == .unknownTenant && limited.error == .accessDenied)
        #expect(rehearsal.ask().error == .unknownTenant && rehearsal.ask(grant: exact).error == .accessDenied)
        #expect(rehearsal.refresh().error == .unknownTenant)
        #expect(rehearsal.revoke("acme-1").value == .unknown)
        #expect(!String(decoding: rehearsal.metrics.exposition(), as: UTF8.self).contains("acme"))
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.advance(by: .seconds(3600))
        #expect(rehearsal.upstream.mints.count == 2)
        #expect(!String(decoding: rehearsal.metrics.exposition(), as: UTF8.self).contains("acme"))
    }

    @Test func `its tokens are gone, from the store too, and do not come back with it`() throws {
        let world = World(store: RememberingStore())
        let rehearsal = Rehearsal([acme()], draw: 0.5, in: world)
        rehearsal.ask()
        rehearsal.ask(scopes: .of("read"))
        #expect(world.store?.kept.records.count { $0.id.tenant == "acme" } == 3)
        rehearsal.reload()
        #expect(world.store?.kept.records.count { $0.id.tenant == "acme" } == 0)
        #expect(Rehearsal([acme()], in: world).read() == nil)
        rehearsal.reload(acme())
        #expect(rehearsal.read() == nil)
        #expect(try rehearsal.broker.explanation(of: "acme", grant: Self.operating).mints.isEmpty)
        #expect(rehearsal.ask().token == "acme-3")
        #expect(rehearsal.exposed("tokenwell_mints_total").first?.hasSuffix(" 1") == true)
    }

    @Test func `of scopes that were dropped before too nothing stays in the store, nor of what was revoked`() {
        let world = World(store: RememberingStore())
        let rehearsal = Rehearsal([acme()], draw: 0.5, maximumKeysPerTenant: 2, in: world)
        rehearsal.ask(scopes: .of("write"))
        rehearsal.reload(acme { $0.scopes = .of("read other") })
        rehearsal.ask(scopes: .of("read"))
        rehearsal.ask(scopes: .of("other"))
        rehearsal.ask()
        rehearsal.revoke("acme-2")
        rehearsal.reload()
        #expect(world.store?.kept.records.filter { $0.id.tenant == "acme" }.map(\.id.kind) == [.tombstone])
    }

    @Test func `what was revoked stays so when it comes back, over a restart too`() {
        let world = World(store: RememberingStore())
        let rehearsal = Rehearsal([acme()], draw: 0.5, in: world)
        rehearsal.ask()
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        rehearsal.reload()
        rehearsal.reload(acme())
        world.upstream.script(.exactly(MintedToken(token: Secret("acme-1"), lifetime: .seconds(300))))
        #expect(rehearsal.ask().error != nil)
        let after = Rehearsal([acme()], draw: 0.5, in: world)
        world.upstream.script(.exactly(MintedToken(token: Secret("acme-1"), lifetime: .seconds(300))))
        #expect(after.ask().error != nil)
    }

    @Test func `the vendor is still told of what was revoked`() {
        let rehearsal = Rehearsal([acme()], draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.failRevocations(.unavailable("http_503"), .unavailable("http_503"))
        #expect(rehearsal.revoke("acme-1").error != nil)
        rehearsal.reload()
        rehearsal.reload(.example("other"))
        rehearsal.advance(by: .seconds(30))
        #expect(rehearsal.upstream.revocations == ["acme-1", "acme-1", "acme-1"])
    }

    @Test func `how far a revocation is, is told of a tenant that is no more`() {
        let rehearsal = Rehearsal([acme()], draw: 0.5)
        rehearsal.ask()
        rehearsal.ask(scopes: .of("read"))
        rehearsal.upstream.failRevocations(.unavailable("http_503"))
        rehearsal.revoke("acme-1")
        rehearsal.reload()
        #expect(rehearsal.revoke("acme-1").error == .revocationPending(retryAfter: .seconds(1)))
        #expect(
            rehearsal.revoke("acme-1", grant: Grant(tenants: [.exact("other")], mayRevoke: true)).value == .unknown)
        rehearsal.advance(by: .seconds(30))
        #expect(rehearsal.revoke("acme-1").value == .upstream)
        #expect(rehearsal.revoke("acme-2").value == .unknown)
    }

    @Test func `nothing holds a tenant that is gone for good`() {
        let rehearsal = Rehearsal([acme(), .example("other")])
        rehearsal.ask()
        weak let cache = rehearsal.broker.tenancy.entries["acme"]?.cache
        #expect(cache != nil)
        rehearsal.reload(.example("other"))
        rehearsal.advance(by: .seconds(7200))
        #expect(cache == nil)
        #expect(rehearsal.broker.tenancy.retired.isEmpty)
        rehearsal.reload(.example("other"))
        #expect(rehearsal.broker.tenancy.credentials.count == 1)
    }

    @Test func `of ten thousand tenants one changes, and the others' caches are what they were`() {
        let tenants = (0..<10_000).map { Tenant.example("t\($0)") }
        let rehearsal = Rehearsal(tenants)
        let before = rehearsal.broker.tenancy.entries
        var changed = tenants
        changed[7].credential.secret = Secret("new")
        rehearsal.reload(changed)
        let broker = rehearsal.broker
        let same = broker.tenancy.entries.count { $1.setup === before[$0]?.setup && $1.cache === before[$0]?.cache }
        #expect(same == 9999)
        #expect(broker.tenancy.entries["t7"]?.cache === before["t7"]?.cache)
    }
}

/// A store that tells of a tenant's records when they come.
private final class HookedStore: TokenStore {
    private let hook = Mutex<@Sendable (String) -> Void>({ _ in })
    var condition: StoreCondition { StoreCondition() }

    func onTenant(_ work: @escaping @Sendable (String) -> Void) { hook.withLock { $0 = work } }

    func keep(_ records: [Record]) {
        let work = hook.withLock(\.self)
        for record in records where record.id.kind == .tenant { work(record.id.tenant) }
    }

    func settle() async -> Bool { true }
}
