import Telemetry

/// Every metric of the broker, by name.
struct BrokerMetrics: Sendable {
    private let registry: MetricsRegistry

    init(_ registry: MetricsRegistry) { self.registry = registry }

    func handOuts(_ tenant: String, _ state: HandOut.State) -> Counter {
        registry.counter(
            "tokenwell_hand_outs_total", help: "Tokens handed out, by their state.",
            labels: [("tenant", tenant), ("state", state.rawValue)])
    }

    func coalescedCallers(_ tenant: String) -> Counter {
        registry.counter(
            "tokenwell_coalesced_callers_total", help: "Callers that waited for a mint which another had set off.",
            labels: [("tenant", tenant)])
    }

    func upstreamRequests(_ provider: String) -> Histogram {
        registry.histogram(
            "tokenwell_upstream_request_duration_seconds", help: "Time that the upstream took to answer.",
            labels: [("provider", provider)],
            buckets: [25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000].map { .milliseconds($0) })
    }

    func mints(_ tenant: String, _ reason: Departure.Reason, outcome: String) -> Counter {
        registry.counter(
            "tokenwell_mints_total", help: "Token requests to the upstream, by reason and by what came of them.",
            labels: [("tenant", tenant), ("reason", reason.rawValue), ("outcome", outcome)])
    }

    func revocations(_ tenant: String, result: String) -> Counter {
        registry.counter(
            "tokenwell_revocations_total", help: "Revocations of known tokens, by how far they came.",
            labels: [("tenant", tenant), ("result", result)])
    }

    /// Registers what is computed at each scrape.
    func observe(_ caches: [TokenCache]) {
        collect(caches, "tokenwell_token_remaining_seconds", help: "What is left of the default token; 0 without one.")
        {
            .time($0.remaining)
        }
        collect(caches, "tokenwell_mint_budget_remaining", help: "Mints left now, the operators' reserve included.") {
            .count($0.budget)
        }
        collect(caches, "tokenwell_suspended", help: "1 while the upstream refuses the tenant's credential.") {
            .count($0.isSuspended ? 1 : 0)
        }
    }

    private func collect(
        _ caches: [TokenCache], _ name: String, help: String,
        _ value: @escaping @Sendable (TokenCache.Reading) -> MetricValue
    ) {
        let rows = caches.map { (cache: $0, labels: Labels([("tenant", $0.tenant.name)])) }
        registry.collect(name, help: help, kind: .gauge) {
            rows.map { Sample(value($0.cache.reading()), labels: $0.labels) }
        }
    }
}
