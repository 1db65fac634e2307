import Telemetry
import Testing
import TokenBroker

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
                # HELP tokenwell_hand_outs_total Tokens handed out, by their state.
                # TYPE tokenwell_hand_outs_total counter
                tokenwell_hand_outs_total{tenant="acme",state="fresh"} 3
                tokenwell_hand_outs_total{tenant="acme",state="aging"} 0
                tokenwell_hand_outs_total{tenant="acme",state="last_known_good"} 1
                # HELP tokenwell_coalesced_callers_total Callers that waited for a mint which another had set off.
                # TYPE tokenwell_coalesced_callers_total counter
                tokenwell_coalesced_callers_total{tenant="acme"} 0
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
                # HELP tokenwell_token_remaining_seconds What is left of the default token; 0 without one.
                # TYPE tokenwell_token_remaining_seconds gauge
                tokenwell_token_remaining_seconds{tenant="acme"} 300
                # HELP tokenwell_mint_budget_remaining Mints left now, the operators' reserve included.
                # TYPE tokenwell_mint_budget_remaining gauge
                tokenwell_mint_budget_remaining{tenant="acme"} 6
                # HELP tokenwell_suspended 1 while the upstream refuses the tenant's credential.
                # TYPE tokenwell_suspended gauge
                tokenwell_suspended{tenant="acme"} 0
                # HELP tokenwell_mints_total Token requests to the upstream, by reason and by what came of them.
                # TYPE tokenwell_mints_total counter
                tokenwell_mints_total{tenant="acme",reason="cold",outcome="ok"} 1
                tokenwell_mints_total{tenant="acme",reason="ahead",outcome="timeout"} 1
                tokenwell_mints_total{tenant="acme",reason="ahead",outcome="throttled"} 1
                tokenwell_mints_total{tenant="acme",reason="ahead",outcome="ok"} 1
                tokenwell_mints_total{tenant="acme",reason="operator",outcome="ok"} 1

                """)
    }
}
