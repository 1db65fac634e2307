import Support
import Testing
import TokenBroker

/// When a token is minted, who waits, and what is handed out meanwhile.
struct TokenCacheTests {
    // MARK: One flight per key

    @Test func `ten thousand cold callers cause one mint`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.hang)
        let calls = (0..<10_000).map { _ in rehearsal.ask() }
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(calls.allSatisfy { $0.token == "acme-1" })
        #expect(rehearsal.upstream.mints.count == 1)
        #expect(rehearsal.exposed("tokenwell_coalesced") == [#"tokenwell_coalesced_callers_total{tenant="acme"} 9999"#])
    }

    @Test(.timeLimit(.minutes(1))) func `callers on many threads cause one mint`() async {
        let rehearsal = Rehearsal()
        let upstream = rehearsal.upstream
        let clock = rehearsal.clock
        let broker = Broker(
            tenants: [.example()], endpoint: upstream, timekeeper: clock, metrics: rehearsal.metrics,
            logger: rehearsal.logger)
        upstream.script(.hang)
        let request = TokenRequest(
            tenant: "acme", caller: CallerIdentity(name: "payroll"), grant: Grant(tenants: [.exact("acme")]))
        let tokens = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<2000 { group.addTask { try? await broker.token(request).token.secret.reveal() } }
            // The sweeper sleeps as soon as somebody waits.
            await clock.sleepers(1)
            while upstream.mints.isEmpty { await Task.yield() }
            while !upstream.hasHanging { await Task.yield() }
            upstream.release(.token(lifetime: .seconds(300)))
            return await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == ["acme-1"])
        #expect(upstream.mints.count == 1)
    }

    @Test func `a failure reaches those waiting and poisons nothing`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.upstream.script(.hang)
        let calls = (0..<3).map { _ in rehearsal.ask() }
        rehearsal.upstream.release(.failure(.unavailable("connection_refused")))
        rehearsal.executor.drain()
        let error = BrokerError.upstreamUnavailable(retryAfter: .milliseconds(500))
        #expect(calls.map(\.error) == [error, error, error])
        rehearsal.advance(by: .milliseconds(499))
        #expect(rehearsal.ask().error == .upstreamUnavailable(retryAfter: .milliseconds(1)))
        rehearsal.advance(by: .milliseconds(1))
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `a caller waits until its own deadline, while the flight goes on`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.hang)
        let first = rehearsal.ask()
        rehearsal.advance(by: .seconds(2))
        let second = rehearsal.ask()
        rehearsal.advance(by: .nanoseconds(2_999_999_999))
        #expect(first.isWaiting)
        rehearsal.advance(by: .nanoseconds(1))
        #expect(first.error == .upstreamTimeout(retryAfter: .seconds(5)))
        #expect(second.isWaiting)
        rehearsal.advance(by: .seconds(1))
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(second.token == "acme-1")
        #expect(second.value?.remaining == .seconds(294))
        #expect(rehearsal.upstream.mints.count == 1)
    }

    @Test func `a caller that comes after all others have left still joins the flight`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.hang)
        let first = rehearsal.ask()
        rehearsal.advance(by: .seconds(6))
        let second = rehearsal.ask()
        rehearsal.advance(by: .seconds(5))
        #expect(first.error == .upstreamTimeout(retryAfter: .seconds(5)))
        #expect(second.error == .upstreamTimeout(retryAfter: .seconds(1)))
        #expect(rehearsal.upstream.mints.count == 1)
    }

    @Test func `a mint has ten seconds, five while a usable token is in hand`() {
        let rehearsal = Rehearsal()
        let start = rehearsal.clock.now
        rehearsal.ask()
        rehearsal.advance(by: .seconds(240))
        #expect(rehearsal.upstream.mints.map { $0.deadline - start } == [.seconds(10), .seconds(245)])
    }

    // MARK: Fresh, aging, last known good

    @Test func `a fresh token says what is left of it`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .seconds(100))
        let handOut = rehearsal.ask().value
        #expect(handOut?.state == .fresh)
        #expect(handOut?.remaining == .seconds(200))
        #expect(handOut?.refreshIn == .seconds(140))
        #expect(handOut?.minimumLifetime == nil)
    }

    @Test func `the lifetime counts from when the request was sent`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.hang)
        let call = rehearsal.ask()
        rehearsal.advance(by: .seconds(3))
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(call.value?.remaining == .seconds(297))
    }

    @Test func `nobody waits for the refresh of an aging token`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.token(lifetime: .seconds(300)), .hang)
        rehearsal.ask()
        rehearsal.advance(by: .seconds(240))
        let handOut = rehearsal.ask().value
        #expect(handOut?.token.secret.reveal() == "acme-1")
        #expect(handOut?.state == .aging)
        #expect(handOut?.refreshIn == .zero)
        #expect(rehearsal.upstream.mints.count == 2)
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test(arguments: [
        MintFailure.rejected("invalid_client"), .rejected("invalid_scope"), .throttled(retryAfter: nil),
        .unavailable("reset"), .timeout,
    ])
    func `while the upstream fails the last token is handed out until its margin, never below`(_ failure: MintFailure) {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.usually(.failure(failure))
        rehearsal.advance(by: .seconds(252))
        for _ in 252..<270 {
            let handOut = rehearsal.ask().value
            #expect(handOut?.token.secret.reveal() == "acme-1")
            #expect(handOut?.state == .lastKnownGood)
            rehearsal.advance(by: .seconds(1))
        }
        #expect(rehearsal.ask().value?.remaining == .seconds(30))
        rehearsal.advance(by: .nanoseconds(1))
        #expect(rehearsal.ask().error != nil)
    }

    @Test func `an outage shorter than the token's life fails no caller`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.usually(.failure(.unavailable("http_503")))
        rehearsal.advance(by: .seconds(262))
        #expect(rehearsal.ask().value?.state == .lastKnownGood)
        rehearsal.upstream.usually(.token(lifetime: .seconds(300)))
        rehearsal.advance(by: .seconds(8))
        #expect(rehearsal.ask().value?.state == .fresh)
    }

    // MARK: Minimum lifetime

    struct Minimum: Sendable, CustomTestStringConvertible {
        var name: String
        var asked: Duration
        var granted: Duration
        var testDescription: String { name }
    }

    @Test(arguments: [
        Minimum(name: "less than nothing", asked: .seconds(-5), granted: .zero),
        Minimum(name: "little", asked: .seconds(10), granted: .seconds(10)),
        Minimum(name: "the most that is promised", asked: .seconds(36), granted: .seconds(36)),
        Minimum(name: "more", asked: .seconds(37), granted: .seconds(36)),
        Minimum(name: "for ever", asked: .seconds(Int64.max), granted: .seconds(36)),
    ])
    func `a minimum is clamped to what the schedule can give`(_ minimum: Minimum) {
        let rehearsal = Rehearsal()
        #expect(rehearsal.ask(minimum: minimum.asked).value?.minimumLifetime == minimum.granted)
        #expect(rehearsal.upstream.mints.count == 1)
    }

    /// A token of which less than the longest promise is left, and a refresh that hangs.
    private func shortOfPromise() -> Rehearsal {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.token(lifetime: .seconds(300)), .hang)
        rehearsal.ask()
        rehearsal.advance(by: .seconds(265))
        return rehearsal
    }

    @Test func `a caller whose minimum is not met waits for the refresh`() {
        let rehearsal = shortOfPromise()
        let call = rehearsal.ask(minimum: .seconds(36))
        #expect(call.isWaiting)
        #expect(rehearsal.ask(minimum: .seconds(35)).token == "acme-1")
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(call.token == "acme-2")
        #expect(call.value?.minimumLifetime == .seconds(36))
    }

    @Test func `if that refresh fails it gets the token that is still valid`() {
        let rehearsal = shortOfPromise()
        let call = rehearsal.ask(minimum: .seconds(36))
        rehearsal.upstream.release(.failure(.unavailable("reset")))
        rehearsal.executor.drain()
        #expect(call.token == "acme-1")
        #expect(call.value?.state == .lastKnownGood)
        #expect(call.value?.minimumLifetime == .seconds(35))
    }

    @Test func `if that refresh takes too long it gets the token that is still valid`() {
        let rehearsal = shortOfPromise()
        let call = rehearsal.ask(minimum: .seconds(36))
        rehearsal.advance(by: .seconds(5))
        #expect(call.token == "acme-1")
        #expect(call.value?.remaining == .seconds(30))
    }

    // MARK: Ahead, without callers

    @Test(arguments: [0, 0.5, 0.999])
    func `an hour of 300 s tokens at 10 reads a second costs at most 15 mints`(_ draw: Double) throws {
        let rehearsal = Rehearsal(draw: draw)
        var least = Duration.seconds(300)
        for read in 0..<36_000 {
            if read > 0 { rehearsal.advance(by: .milliseconds(100)) }
            least = min(least, try #require(rehearsal.ask().value).remaining)
        }
        #expect((12...15).contains(rehearsal.upstream.mints.count))
        #expect(least >= .seconds(30))
    }

    @Test func `a key in use is refreshed without a caller, at its refresh point`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .milliseconds(239_999))
        #expect(rehearsal.upstream.mints.count == 1)
        rehearsal.advance(by: .milliseconds(1))
        #expect(rehearsal.upstream.mints.count == 2)
    }

    struct Use: Sendable, CustomTestStringConvertible {
        var name: String
        var lifetime: Duration
        /// By one caller at the start.
        var mints: Int
        var testDescription: String { name }
    }

    @Test(arguments: [
        Use(name: "300 s: 15 minutes", lifetime: .seconds(300), mints: 4),
        Use(name: "3600 s: 3 lifetimes", lifetime: .seconds(3600), mints: 4),
        Use(name: "60 s: 15 minutes", lifetime: .seconds(60), mints: 19),
    ])
    func `a key that nobody uses is retired, and minted on demand`(_ use: Use) {
        let rehearsal = Rehearsal()
        rehearsal.upstream.usually(.token(lifetime: use.lifetime))
        rehearsal.ask()
        rehearsal.advance(by: .seconds(86_400))
        #expect(rehearsal.upstream.mints.count == use.mints)
        #expect(rehearsal.clock.nextDeadline == nil)
        #expect(
            rehearsal.exposed("tokenwell_token_remaining")
                == [#"tokenwell_token_remaining_seconds{tenant="acme",scopes="default"} 0"#])
        #expect(rehearsal.ask().token == "acme-\(use.mints + 1)")
    }

    @Test func `a retired token that is asked for again is handed out and refreshed`() {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .seconds(965))
        #expect(rehearsal.upstream.mints.count == 4)
        #expect(rehearsal.ask().token == "acme-4")
        #expect(rehearsal.upstream.mints.count == 5)
        #expect(rehearsal.ask().token == "acme-5")
    }

    @Test func `a failed refresh is retried without callers while the key is in use`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.script(
            .failure(.timeout), .failure(.unavailable("http_500")), .failure(.throttled(retryAfter: .seconds(7))))
        rehearsal.advance(by: .seconds(252))
        #expect(rehearsal.upstream.mints.count == 2)
        rehearsal.advance(by: .milliseconds(500))
        #expect(rehearsal.upstream.mints.count == 3)
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.upstream.mints.count == 4)
        rehearsal.advance(by: .milliseconds(6999))
        #expect(rehearsal.upstream.mints.count == 4)
        rehearsal.advance(by: .milliseconds(1))
        #expect(rehearsal.ask().token == "acme-5")
    }

    @Test func `background work ends soon after the broker is gone`() {
        let clock: ManualClock
        let executor: ManualExecutor
        let upstream: ScriptedEndpoint
        do {
            let rehearsal = Rehearsal()
            rehearsal.ask()
            (clock, executor, upstream) = (rehearsal.clock, rehearsal.executor, rehearsal.upstream)
        }
        clock.advance(by: .seconds(3600))
        executor.drain()
        #expect(clock.nextDeadline == nil)
        #expect(upstream.mints.count == 1)
    }

    // MARK: Failure classes

    struct Failing: Sendable, CustomTestStringConvertible {
        var failure: MintFailure
        var error: BrokerError
        /// After which another mint is tried on demand; nil: never.
        var cure: Duration?
        var testDescription: String { "\(failure)" }
    }

    @Test(arguments: [
        Failing(failure: .rejected("invalid_client"), error: .upstreamRejected),
        Failing(failure: .rejected("unauthorized_client"), error: .upstreamRejected),
        Failing(failure: .rejected("http_401"), error: .upstreamRejected),
        Failing(failure: .rejected("http_403"), error: .upstreamRejected),
        Failing(failure: .rejected("invalid_scope"), error: .upstreamRejected),
        Failing(failure: .rejected("http_404"), error: .upstreamRejected),
        Failing(
            failure: .throttled(retryAfter: .seconds(42)), error: .upstreamUnavailable(retryAfter: .seconds(42)),
            cure: .seconds(42)),
        Failing(
            failure: .throttled(retryAfter: nil), error: .upstreamUnavailable(retryAfter: .milliseconds(500)),
            cure: .milliseconds(500)),
        Failing(
            failure: .throttled(retryAfter: .seconds(86_400)), error: .upstreamUnavailable(retryAfter: .seconds(3600)),
            cure: .seconds(3600)),
        Failing(
            failure: .unavailable("http_503", retryAfter: .seconds(9)),
            error: .upstreamUnavailable(retryAfter: .seconds(9)), cure: .seconds(9)),
        Failing(
            failure: .unavailable("malformed"), error: .upstreamUnavailable(retryAfter: .milliseconds(500)),
            cure: .milliseconds(500)),
        Failing(
            failure: .timeout, error: .upstreamTimeout(retryAfter: .milliseconds(500)), cure: .milliseconds(500)),
    ])
    func `a failure is cured by its class`(_ failing: Failing) {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.upstream.script(.failure(failing.failure))
        #expect(rehearsal.ask().error == failing.error)
        guard let cure = failing.cure else {
            rehearsal.advance(by: .seconds(86_400))
            #expect(rehearsal.ask().error == .upstreamRejected)
            #expect(rehearsal.upstream.mints.count == 1)
            return
        }
        rehearsal.advance(by: cure - .nanoseconds(1))
        #expect(rehearsal.ask().error != nil)
        #expect(rehearsal.upstream.mints.count == 1)
        rehearsal.advance(by: .nanoseconds(1))
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `back-off grows with each failure and starts over after a success`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.upstream.usually(.failure(.timeout))
        for delay in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            #expect(rehearsal.ask().error == .upstreamTimeout(retryAfter: .milliseconds(delay)))
            rehearsal.advance(by: .milliseconds(delay))
        }
        rehearsal.upstream.usually(.token(lifetime: .seconds(300)))
        #expect(rehearsal.ask().value != nil)
        rehearsal.upstream.usually(.failure(.timeout))
        #expect(rehearsal.refresh().error == .upstreamTimeout(retryAfter: .milliseconds(500)))
    }

    @Test func `a refused credential suspends the tenant, a refused scope its key alone`() {
        let refused = Rehearsal()
        refused.upstream.script(.token(lifetime: .seconds(300)), .failure(.rejected("invalid_client")))
        refused.ask(scopes: .of("read"))
        refused.ask()
        #expect(refused.ask(scopes: .of("write")).error == .upstreamRejected)
        #expect(refused.ask(scopes: .of("read")).value?.state == .lastKnownGood)
        #expect(refused.exposed("tokenwell_suspended") == [#"tokenwell_suspended{tenant="acme"} 1"#])
        #expect(refused.upstream.mints.count == 2)

        let limited = Rehearsal()
        limited.upstream.script(.failure(.rejected("invalid_scope")))
        limited.ask(scopes: .of("write"))
        #expect(limited.ask(scopes: .of("write")).error == .upstreamRejected)
        #expect(limited.ask(scopes: .of("read")).value?.state == .fresh)
        #expect(limited.exposed("tokenwell_suspended") == [#"tokenwell_suspended{tenant="acme"} 0"#])
        #expect(limited.upstream.mints.count == 2)
    }

    @Test(arguments: ["invalid_client", "invalid_scope"])
    func `an operator's refresh lifts a suspension`(_ code: String) {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.failure(.rejected(code)), .failure(.rejected(code)))
        #expect(rehearsal.ask(scopes: .of("read")).error == .upstreamRejected)
        #expect(rehearsal.refresh().error == .upstreamRejected)
        #expect(rehearsal.refresh().token == "acme-3")
        #expect(rehearsal.ask(scopes: .of("read")).token == "acme-4")
        #expect(rehearsal.exposed("tokenwell_suspended") == [#"tokenwell_suspended{tenant="acme"} 0"#])
    }

    @Test func `an operator's refresh waits for no back-off, but joins a flight`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.failure(.throttled(retryAfter: .seconds(600))), .hang)
        rehearsal.ask()
        let first = rehearsal.refresh()
        let second = rehearsal.refresh()
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect([first.token, second.token] == ["acme-2", "acme-2"])
        #expect(rehearsal.upstream.mints.count == 2)
    }

    // MARK: Odd answers

    @Test func `without a lifetime the provider's default holds`() {
        let rehearsal = Rehearsal([.example(defaultLifetime: .seconds(123))])
        rehearsal.upstream.script(.token(lifetime: nil))
        #expect(rehearsal.ask().value?.remaining == .seconds(123))
    }

    @Test func `a lifetime of more than 100 days is capped`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.token(lifetime: .seconds(Int64.max)))
        #expect(rehearsal.ask().value?.remaining == .seconds(8_640_000))
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(Int64.min)])
    func `a token without a lifetime is given to those waiting and to nobody else`(_ lifetime: Duration) {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.upstream.script(.hang)
        let calls = (0..<3).map { _ in rehearsal.ask() }
        rehearsal.upstream.release(.token(lifetime: lifetime))
        rehearsal.executor.drain()
        #expect(calls.map(\.token) == ["acme-1", "acme-1", "acme-1"])
        #expect(calls.map(\.value?.remaining) == [.zero, .zero, .zero])
        #expect(rehearsal.ask().error == .upstreamUnavailable(retryAfter: .milliseconds(500)))
        rehearsal.advance(by: .milliseconds(500))
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `a token that ended on its way is not handed out`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.hang)
        let call = rehearsal.ask()
        rehearsal.advance(by: .seconds(2))
        rehearsal.upstream.release(.token(lifetime: .seconds(2)))
        rehearsal.executor.drain()
        #expect(call.error == .upstreamUnavailable(retryAfter: .milliseconds(100)))
    }

    @Test func `the same token again keeps its end, is asked for again at it, and then left alone until then`() {
        let rehearsal = Rehearsal()
        let same = { (lifetime: Int) in
            ScriptedEndpoint.Answer.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(lifetime)))
        }
        rehearsal.upstream.script(same(300), same(300), same(25))
        rehearsal.ask()
        rehearsal.advance(by: .seconds(240))
        let handOut = rehearsal.ask().value
        #expect(handOut?.state == .aging)
        #expect(handOut?.remaining == .seconds(60))
        #expect(handOut?.refreshIn == .seconds(30))
        rehearsal.advance(by: .milliseconds(29_999))
        #expect(rehearsal.upstream.mints.count == 2)
        rehearsal.advance(by: .milliseconds(2))
        #expect(rehearsal.upstream.mints.count == 3)
        #expect(rehearsal.ask().error == .upstreamUnavailable(retryAfter: .milliseconds(24_999)))
        rehearsal.advance(by: .seconds(25))
        #expect(rehearsal.ask().token == "acme-4")
        #expect(rehearsal.upstream.mints.count == 4)
    }

    @Test func `the same token with less time than was known ends then`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.usually(.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300))))
        rehearsal.ask()
        rehearsal.upstream.usually(.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(50))))
        rehearsal.advance(by: .seconds(240))
        #expect(rehearsal.ask().value?.remaining == .seconds(50))
        rehearsal.advance(by: .milliseconds(20_001))
        #expect(rehearsal.ask().value == nil)
    }

    @Test(arguments: [0, -1, 20])
    func `the same token with less than its margin left is handed out no more`(_ lifetime: Int) {
        let rehearsal = Rehearsal()
        rehearsal.upstream.usually(.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(300))))
        rehearsal.ask()
        rehearsal.upstream.usually(.exactly(MintedToken(token: Secret("same"), lifetime: .seconds(lifetime))))
        rehearsal.advance(by: .seconds(240))
        #expect(rehearsal.ask().error == .upstreamUnavailable(retryAfter: max(.seconds(lifetime), .milliseconds(100))))
        #expect(rehearsal.upstream.mints.count == 2)
    }

    @Test func `less scope than asked for is recorded as it is, more is refused`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(
            .token(lifetime: .seconds(300), scopes: .of("read")),
            .token(lifetime: .seconds(300), scopes: .of("read write")))
        #expect(rehearsal.ask().value?.token.scopes.description == "read")
        #expect(rehearsal.ask(scopes: .of("read")).error == .upstreamUnavailable(retryAfter: .milliseconds(100)))
    }

    @Test func `without a ceiling any scope is taken`() {
        let rehearsal = Rehearsal([.example(scopes: "")])
        rehearsal.upstream.script(.token(lifetime: .seconds(300), scopes: .of("anything")))
        #expect(rehearsal.ask().value?.token.scopes.description == "anything")
    }

    // MARK: Budget

    @Test func `when the budget is spent valid tokens are served, else the time until the next mint is told`() {
        let rehearsal = Rehearsal([.example(scopes: "a b c", mintBudget: MintBudget.Limits(burst: 4, perHour: 60))])
        rehearsal.upstream.script(.token(lifetime: .seconds(300)), .failure(.timeout))
        rehearsal.ask()
        rehearsal.ask(scopes: .of("a"))
        rehearsal.advance(by: .seconds(10))
        #expect(rehearsal.ask(scopes: .of("b")).error == .budgetExhausted(retryAfter: .seconds(50)))
        #expect(rehearsal.ask().token == "acme-1")
        #expect(
            rehearsal.exposed("tokenwell_mint_budget_remaining")
                == [#"tokenwell_mint_budget_remaining{tenant="acme"} 2"#])
        #expect(rehearsal.refresh().token == "acme-3")
        #expect(rehearsal.refresh().token == "acme-4")
        #expect(rehearsal.refresh().error == .budgetExhausted(retryAfter: .seconds(50)))
        rehearsal.advance(by: .seconds(170))
        #expect(rehearsal.ask(scopes: .of("b")).value != nil)
    }

    @Test func `an upstream that always fails costs no more than the budget`() {
        let rehearsal = Rehearsal([.example(keepWarm: true, mintBudget: .standard)])
        rehearsal.upstream.usually(.failure(.unavailable("reset")))
        rehearsal.start()
        for _ in 0..<3600 {
            rehearsal.ask()
            rehearsal.advance(by: .seconds(1))
        }
        #expect((60...68).contains(rehearsal.upstream.mints.count))
    }

    @Test func `a refresh for which there is no budget follows as soon as there is`() {
        let rehearsal = Rehearsal([.example(mintBudget: MintBudget.Limits(burst: 1, perHour: 14))])
        rehearsal.ask()
        rehearsal.advance(by: .seconds(250))
        #expect(rehearsal.upstream.mints.count == 1)
        #expect(rehearsal.ask().value?.state == .aging)
        rehearsal.advance(by: .seconds(8))
        #expect(rehearsal.upstream.mints.count == 2)
    }

    // MARK: Bounds

    @Test func `only so many keys of a tenant are remembered, and the default always`() {
        let rehearsal = Rehearsal([.example(scopes: "a b c d")], maximumKeysPerTenant: 3)
        rehearsal.ask()
        for scope in ["a", "b", "c"] {
            rehearsal.advance(by: .seconds(1))
            rehearsal.ask(scopes: .of(scope))
        }
        #expect(rehearsal.ask().token == "acme-1")
        #expect(rehearsal.ask(scopes: .of("b")).token == "acme-3")
        #expect(rehearsal.ask(scopes: .of("c")).token == "acme-4")
        #expect(rehearsal.ask(scopes: .of("a")).token == "acme-5")
    }
}
