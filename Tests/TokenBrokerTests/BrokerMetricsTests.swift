import Telemetry
import Testing

@testable import TokenBroker

struct BrokerMetricsTests {
    @Test func `an hour in the life of a tenant reads like this`() {
        let rehearsal = Rehearsal([.example(mintBudget: .standard)])
        rehearsal.upstream.script(
            .token(lifetime: .seconds(300)), .failure(.timeout), .failure(.throttled(retryAfter: .seconds(1))))
        rehearsal.ask()
        rehearsal.advance(by: .milliseconds(240_050))
        rehearsal.ask()
        rehearsal.advance(by: .milliseconds(9950))
        rehearsal.refresh()
        rehearsal.ask()
        let text = String(decoding: rehearsal.metrics.exposition(), as: UTF8.self)
        #expect(
            text == """
                # HELP tokenwell_upstream_request_duration_seconds Time that the upstream took to answer.
                # TYPE tokenwell_upstream_request_duration_seconds histogram
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="0.025"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="0.05"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="0.1"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="0.25"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="0.5"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="1"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="2.5"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="5"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="10"} 5
                tokenwell_upstream_request_duration_seconds_bucket{provider="oauth2",le="+Inf"} 5
                tokenwell_upstream_request_duration_seconds_sum{provider="oauth2"} 0
                tokenwell_upstream_request_duration_seconds_count{provider="oauth2"} 5
                # HELP tokenwell_refresh_lag_seconds How long after its token's refresh point a refresh left.
                # TYPE tokenwell_refresh_lag_seconds histogram
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.001"} 1
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.005"} 1
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.01"} 1
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.025"} 1
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.05"} 1
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.1"} 2
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.25"} 2
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="0.5"} 2
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="1"} 2
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="2.5"} 3
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="5"} 3
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="10"} 3
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="30"} 3
                tokenwell_refresh_lag_seconds_bucket{provider="oauth2",le="+Inf"} 3
                tokenwell_refresh_lag_seconds_sum{provider="oauth2"} 1.2
                tokenwell_refresh_lag_seconds_count{provider="oauth2"} 3
                # HELP tokenwell_hand_outs_total Tokens handed out, by their state.
                # TYPE tokenwell_hand_outs_total counter
                tokenwell_hand_outs_total{tenant="acme",state="fresh"} 3
                tokenwell_hand_outs_total{tenant="acme",state="aging"} 0
                tokenwell_hand_outs_total{tenant="acme",state="last_known_good"} 1
                # HELP tokenwell_coalesced_callers_total Callers that waited for a mint which another had set off.
                # TYPE tokenwell_coalesced_callers_total counter
                tokenwell_coalesced_callers_total{tenant="acme"} 0
                # HELP tokenwell_token_remaining_seconds What is left of a token; 0 without one. Of those with other scopes than the default the one that is worst off.
                # TYPE tokenwell_token_remaining_seconds gauge
                tokenwell_token_remaining_seconds{tenant="acme",scopes="default"} 300
                # HELP tokenwell_token_usable_seconds For how long that token is handed out yet, if no other one comes; 0 without one.
                # TYPE tokenwell_token_usable_seconds gauge
                tokenwell_token_usable_seconds{tenant="acme",scopes="default"} 270
                # HELP tokenwell_mints_failing_seconds For how long mints for that token have failed; 0 while they succeed.
                # TYPE tokenwell_mints_failing_seconds gauge
                tokenwell_mints_failing_seconds{tenant="acme",scopes="default"} 0
                # HELP tokenwell_mint_budget_remaining Mints that the tenant's credential has left now, the operators' reserve included.
                # TYPE tokenwell_mint_budget_remaining gauge
                tokenwell_mint_budget_remaining{tenant="acme"} 6
                # HELP tokenwell_mint_budget_burst Mints that the tenant's credential has left at most, the operators' reserve included.
                # TYPE tokenwell_mint_budget_burst gauge
                tokenwell_mint_budget_burst{tenant="acme"} 10
                # HELP tokenwell_planned_mints_per_hour Mints an hour that keep the tenant's tokens fresh, of the lifetimes received; rounded up.
                # TYPE tokenwell_planned_mints_per_hour gauge
                tokenwell_planned_mints_per_hour{tenant="acme"} 15
                # HELP tokenwell_suspended 1 while the upstream refuses the tenant's credential.
                # TYPE tokenwell_suspended gauge
                tokenwell_suspended{tenant="acme"} 0
                # HELP tokenwell_revocations_pending Revoked tokens that have not ended, and of which the upstream is yet to be told.
                # TYPE tokenwell_revocations_pending gauge
                tokenwell_revocations_pending{tenant="acme"} 0
                # HELP tokenwell_mints_total Token requests to the upstream, by reason and by what came of them.
                # TYPE tokenwell_mints_total counter
                tokenwell_mints_total{tenant="acme",reason="cold",outcome="ok"} 1
                tokenwell_mints_total{tenant="acme",reason="ahead",outcome="timeout"} 1
                tokenwell_mints_total{tenant="acme",reason="ahead",outcome="throttled"} 1
                tokenwell_mints_total{tenant="acme",reason="ahead",outcome="ok"} 1
                tokenwell_mints_total{tenant="acme",reason="operator",outcome="ok"} 1
                # HELP tokenwell_rejections_total Reports that the vendor refused a token, by what became of them.
                # TYPE tokenwell_rejections_total counter
                # HELP tokenwell_revocations_total Revocations of known tokens, by how far they came.
                # TYPE tokenwell_revocations_total counter

                """)
    }

    /// A tenant's usable and failing seconds; none where there are no such tokens.
    private func trouble(_ rehearsal: Rehearsal, _ tenant: String = "acme", scopes: String = "default") -> [String] {
        ["tokenwell_token_usable_seconds", "tokenwell_mints_failing_seconds"].compactMap {
            rehearsal.exposed($0 + "{tenant=\"\(tenant)\",scopes=\"\(scopes)\"}").first?.split(separator: " ").last.map(
                String.init)
        }
    }

    @Test func `an outage shows how long it has lasted, and for how long there is a token`() {
        let rehearsal = Rehearsal()
        #expect(trouble(rehearsal) == ["0", "0"])
        rehearsal.upstream.usually(.token(lifetime: .seconds(300)))
        rehearsal.ask()
        #expect(trouble(rehearsal) == ["270", "0"])
        rehearsal.upstream.usually(.failure(.unavailable("http_500")))
        rehearsal.advance(by: .seconds(245))
        #expect(trouble(rehearsal) == ["25", "5"])
        rehearsal.advance(by: .seconds(100))
        #expect(trouble(rehearsal) == ["0", "105"])
        rehearsal.upstream.usually(.token(lifetime: .seconds(300)))
        rehearsal.refresh()
        #expect(trouble(rehearsal) == ["270", "0"])
    }

    @Test func `a failure that nobody asks about any more is none`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.usually(.failure(.unavailable("http_500")))
        rehearsal.ask()
        rehearsal.advance(by: .seconds(899))
        #expect(trouble(rehearsal) == ["0", "899"])
        rehearsal.advance(by: .seconds(1))
        #expect(trouble(rehearsal) == ["0", "0"])
    }

    @Test func `a refused credential counts for each tenant that has it`() {
        let credential = Credential(id: "client", secret: Secret("old"))
        let rehearsal = Rehearsal(["a", "b"].map { .example($0, credential: credential) })
        rehearsal.upstream.usually(.token(lifetime: .seconds(300)), for: "a")
        rehearsal.ask("a")
        rehearsal.upstream.refuse("old")
        rehearsal.advance(by: .seconds(60))
        rehearsal.ask("b")
        rehearsal.advance(by: .seconds(30))
        #expect(trouble(rehearsal, "a") == ["180", "30"])
        #expect(trouble(rehearsal, "b") == ["0", "30"])
        rehearsal.upstream.refuse()
        rehearsal.upstream.usually(.token(lifetime: .seconds(300)), for: "b")
        rehearsal.refresh("b")
        #expect(trouble(rehearsal, "a") == ["180", "0"])
        #expect(trouble(rehearsal, "b") == ["270", "0"])
    }

    @Test func `an outage shows for callers of other scopes too, while they ask`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.script(.token(lifetime: .seconds(36_000)))
        rehearsal.ask()
        #expect(trouble(rehearsal, scopes: "other").isEmpty)
        rehearsal.ask(scopes: .of("read"))
        #expect(trouble(rehearsal, scopes: "other") == ["270", "0"])
        rehearsal.upstream.usually(.failure(.unavailable("http_500")))
        rehearsal.advance(by: .seconds(245))
        rehearsal.ask()
        #expect(trouble(rehearsal, scopes: "other") == ["25", "5"])
        #expect(trouble(rehearsal) == ["35725", "0"])
        rehearsal.advance(by: .seconds(100))
        rehearsal.ask(scopes: .of("read"))
        #expect(trouble(rehearsal, scopes: "other") == ["0", "105"])
        rehearsal.advance(by: .seconds(901))
        #expect(trouble(rehearsal, scopes: "other").isEmpty)
    }

    @Test func `of several others the one that is worst off shows`() {
        let rehearsal = Rehearsal([.example(scopes: "a b c d")])
        rehearsal.upstream.script(
            .token(lifetime: .seconds(300)), .token(lifetime: .seconds(600)), .failure(.rejected("invalid_scope")))
        rehearsal.ask(scopes: .of("a"))
        rehearsal.ask(scopes: .of("b"))
        // That of "a" is the first to end.
        #expect(trouble(rehearsal, scopes: "other") == ["270", "0"])
        rehearsal.ask(scopes: .of("c"))
        rehearsal.advance(by: .seconds(10))
        // "c" has none, and what will be renewed is not its measure.
        #expect(trouble(rehearsal, scopes: "other") == ["0", "10"])
        #expect(trouble(rehearsal) == ["0", "0"])
        #expect(
            rehearsal.exposed("tokenwell_token_remaining_seconds").last
                == #"tokenwell_token_remaining_seconds{tenant="acme",scopes="other"} 0"#)
    }

    @Test func `a token that is not there yet is in no trouble`() {
        let rehearsal = Rehearsal()
        rehearsal.upstream.usually(.hang)
        rehearsal.ask(scopes: .of("read"))
        #expect(trouble(rehearsal, scopes: "other").isEmpty)
        rehearsal.upstream.release(.failure(.timeout))
        rehearsal.executor.drain()
        rehearsal.advance(by: .seconds(1))
        #expect(trouble(rehearsal, scopes: "other") == ["0", "1"])
    }

    typealias Health = TenantReading.Health

    @Test(arguments: [
        (Health(remaining: .seconds(60), usable: .seconds(30)), Health(remaining: .seconds(61), usable: .seconds(31))),
        (Health(remaining: .seconds(10)), Health(remaining: .seconds(11))),
        // That which fails, however long it is handed out yet.
        (Health(usable: .seconds(90), failing: .seconds(1)), Health(usable: .seconds(30))),
        (Health(usable: .seconds(90), failing: .seconds(1)), Health(usable: .seconds(91), failing: .seconds(80))),
        (Health(failing: .seconds(2)), Health(failing: .seconds(1))),
    ])
    func `worse is what callers lose first`(_ one: Health, _ other: Health) {
        #expect(one.isWorse(than: other) && !other.isWorse(than: one) && !one.isWorse(than: one))
    }

    @Test func `a revocation is pending from its first failure until the upstream knows`() {
        let rehearsal = Rehearsal([.example(revocationURL: "https://auth.example/revoke")])
        rehearsal.ask()
        rehearsal.ask(scopes: .of("read"))
        rehearsal.upstream.failRevocations(.unavailable("http_503"), .unavailable("http_503"))
        rehearsal.revoke("acme-1")
        rehearsal.revoke("acme-2")
        #expect(
            rehearsal.exposed("tokenwell_revocations_pending") == [#"tokenwell_revocations_pending{tenant="acme"} 2"#])
        rehearsal.advance(by: .seconds(10))
        #expect(
            rehearsal.exposed("tokenwell_revocations_pending") == [#"tokenwell_revocations_pending{tenant="acme"} 0"#])
    }

    @Test func `what has ended is not to be revoked any more`() {
        let rehearsal = Rehearsal([.example(revocationURL: "https://auth.example/revoke")])
        rehearsal.ask()
        rehearsal.upstream.failRevocations(.rejected("invalid_client"))
        rehearsal.revoke("acme-1")
        rehearsal.advance(by: .seconds(299))
        #expect(rehearsal.exposed("tokenwell_revocations_pending").last?.hasSuffix(" 1") == true)
        rehearsal.advance(by: .seconds(1))
        #expect(rehearsal.exposed("tokenwell_revocations_pending").last?.hasSuffix(" 0") == true)
    }

    @Test func `what is watched is not held`() {
        weak var metrics: MetricsRegistry?
        do {
            let rehearsal = Rehearsal()
            metrics = rehearsal.metrics
            #expect(!rehearsal.exposed("tokenwell_mint_budget_remaining").isEmpty)
        }
        #expect(metrics == nil)
    }
}
