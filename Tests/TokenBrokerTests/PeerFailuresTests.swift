import Support
import Testing

@testable import TokenBroker

/// What other token caches are reported to do wrong, each with a thread that tells of it.
struct PeerFailuresTests {
    @Test func `jitter is drawn once per token and not at each read (mozilla/fxa-oauth-server#370)`() {
        let draws = Draws(seed: 1)
        let rehearsal = Rehearsal(random: draws.next)
        rehearsal.ask()
        let refreshIn = rehearsal.read()?.refreshIn
        for _ in 0..<1000 { #expect(rehearsal.read()?.refreshIn == refreshIn) }
        #expect(draws.count == 1)
    }

    @Test func `ten thousand callers of an unused token past its refresh point cause one mint (spring-security#15295)`()
    {
        let rehearsal = Rehearsal()
        rehearsal.ask()
        rehearsal.advance(by: .seconds(965))
        let retired = rehearsal.upstream.mints.count
        rehearsal.upstream.script(.hang)
        let calls = (0..<10_000).map { _ in rehearsal.ask() }
        #expect(calls.allSatisfy { $0.value?.state == .aging })
        #expect(rehearsal.upstream.mints.count == retired + 1)
    }

    @Test func `the first caller's leaving ends nobody else's wait (golang/oauth2#388)`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.hang)
        let request = TokenRequest(
            tenant: "acme", caller: CallerIdentity(name: "payroll"), grant: Grant(tenants: [.prefix("")]))
        let first = Task(executorPreference: rehearsal.executor) { [broker = rehearsal.broker] in
            _ = try? await broker.token(request)
        }
        rehearsal.executor.drain()
        let second = rehearsal.ask()
        first.cancel()
        rehearsal.executor.drain()
        #expect(second.isWaiting)
        rehearsal.upstream.release(.token(lifetime: .seconds(300)))
        rehearsal.executor.drain()
        #expect(second.token == "acme-1")
    }

    @Test func `an empty success is tried again (envoyproxy/envoy#42009)`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.upstream.script(.failure(.unavailable("empty_answer")))
        #expect(rehearsal.ask().error == .upstreamUnavailable(retryAfter: .milliseconds(500)))
        rehearsal.advance(by: .milliseconds(500))
        #expect(rehearsal.ask().token == "acme-2")
    }

    @Test func `a dead connection is not hammered (NangoHQ/nango PR 5505: 60,000 tries a day)`() {
        let rehearsal = Rehearsal([.example(keepWarm: true)])
        rehearsal.upstream.refuse("s3cret-of-acme")
        rehearsal.start()
        for _ in 0..<1440 {
            #expect(rehearsal.ask().error == .upstreamRejected)
            rehearsal.advance(by: .seconds(60))
        }
        #expect(rehearsal.upstream.mints.count == 1)
    }

    @Test func `no token is handed out after its end while the upstream is down (envoyproxy/envoy#44674)`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.ask()
        rehearsal.upstream.usually(.failure(.unavailable("connection_failed")))
        for second in 1...600 {
            rehearsal.advance(by: .seconds(1))
            #expect((rehearsal.ask().value != nil) == (second <= 270))
        }
    }

    @Test func `a token that names no lifetime is neither kept for ever nor minted at each read (gestalt PR 1730)`() {
        let rehearsal = Rehearsal(draw: 0.5)
        rehearsal.upstream.usually(.token(lifetime: nil))
        for _ in 0..<3600 {
            #expect(rehearsal.ask().value != nil)
            rehearsal.advance(by: .seconds(1))
        }
        #expect((12...15).contains(rehearsal.upstream.mints.count))
    }

    @Test func `what was learnt of a lifetime outlives a failure (DuendeSoftware/foss#287)`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.token(lifetime: .seconds(3600)), .failure(.timeout))
        rehearsal.upstream.usually(.token(lifetime: .seconds(3600)))
        rehearsal.ask()
        for _ in 0..<240 {
            rehearsal.advance(by: .seconds(60))
            #expect(rehearsal.ask().value != nil)
        }
        #expect(rehearsal.upstream.mints.count == 1 + 1 + 4)
    }

    @Test func `one tenant's failures open no breaker for another (zalando/tokens)`() {
        let rehearsal = Rehearsal([.example("bad"), .example("good")])
        rehearsal.upstream.usually(.failure(.unavailable("http_500")), for: "bad")
        for _ in 0..<100 {
            #expect(rehearsal.ask("bad").error != nil)
            #expect(rehearsal.ask("good").value?.state == .fresh)
            rehearsal.advance(by: .seconds(10))
        }
    }

    @Test func `no minimum lifetime makes a mint of every read (vault-plugin-secrets-oauthapp)`() {
        let rehearsal = Rehearsal()
        for _ in 0..<1000 { #expect(rehearsal.ask(minimum: .seconds(8_640_000)).value != nil) }
        #expect(rehearsal.upstream.mints.count == 1)
    }

    @Test func `forced refreshes stay within the budget (NangoHQ/nango: force_refresh bypasses the cool-down)`() {
        let rehearsal = Rehearsal([.example(mintBudget: .standard)])
        for _ in 0..<100 { rehearsal.refresh() }
        #expect(rehearsal.upstream.mints.count == 10)
        #expect(rehearsal.refresh().error == .budgetExhausted(retryAfter: .seconds(60)))
        #expect(rehearsal.ask().value?.state == .fresh)
    }

    @Test func `a wrong secret succeeds with nobody else's token (wso2/api-platform#2721)`() {
        let right = Tenant.example("right", credential: Credential(id: "client", secret: Secret("right")))
        let wrong = Tenant.example("wrong", credential: Credential(id: "client", secret: Secret("wrong")))
        let rehearsal = Rehearsal([right, wrong])
        rehearsal.upstream.refuse("wrong")
        #expect(rehearsal.ask("right").value != nil)
        #expect(rehearsal.ask("wrong").error == .upstreamRejected)
        #expect(rehearsal.ask("right").value?.state == .fresh)
    }

    @Test func `nothing grows with the scope sets that were asked for once (spring-security#13816)`() {
        let scopes = (0..<200).map { "s\($0)" }
        let rehearsal = Rehearsal([.example(scopes: scopes.joined(separator: " "))], maximumKeysPerTenant: 8)
        weak var first: AccessToken?
        first = rehearsal.ask(scopes: .of("s0")).value?.token
        for scope in scopes { rehearsal.ask(scopes: .of(scope)) }
        rehearsal.advance(by: .seconds(3600))
        #expect(first == nil)
        #expect(rehearsal.clock.nextDeadline == nil)
        #expect(rehearsal.upstream.mints.count <= 200 + 8 * 4)
    }
}
