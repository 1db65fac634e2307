import Synchronization
import Telemetry

/// Every metric of the broker, by name.
final class BrokerMetrics: Sendable {
    /// A cache that is watched; weakly, as a cache holds the registry too.
    private struct Row: Sendable {
        weak let cache: TokenCache?
        let labels: Labels
    }

    private let registry: MetricsRegistry
    private let rows = Mutex<[Row]>([])

    init(_ registry: MetricsRegistry) { self.registry = registry }

    func upstreamRequests(_ provider: String) -> Histogram {
        registry.histogram(
            "tokenwell_upstream_request_duration_seconds", help: "Time that the upstream took to answer.",
            labels: [("provider", provider)],
            buckets: [25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000].map { .milliseconds($0) })
    }

    func refreshLag(_ provider: String) -> Histogram {
        registry.histogram(
            "tokenwell_refresh_lag_seconds", help: "How long after its token's refresh point a refresh left.",
            labels: [("provider", provider)],
            buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000].map { .milliseconds($0) })
    }

    /// Shows these caches from now on, and no others.
    func show(_ caches: [TokenCache]) {
        let shown = caches.map { Row(cache: $0, labels: Labels([("tenant", $0.name)])) }
        rows.withLock { $0 = shown }
    }

    /// Registers what each cache knows of itself: it is computed at each scrape, so that a tenant costs nothing in between.
    func register(for tenants: [Tenant]) {
        for provider in Set(tenants.map(\.provider.name)).sorted() {
            _ = upstreamRequests(provider)
            _ = refreshLag(provider)
        }
        registerHandOuts()
        collect(
            "tokenwell_coalesced_callers_total",
            help: "Callers that waited for a mint which another had set off.", kind: .counter
        ) {
            .count($0.coalescedCallers.value)
        }
        collect("tokenwell_token_remaining_seconds", help: "What is left of the default token; 0 without one.") {
            .time($0.reading().remaining)
        }
        collect(
            "tokenwell_token_usable_seconds",
            help: "For how long the default token is handed out yet, if no other one comes; 0 without one."
        ) {
            .time($0.reading().usable)
        }
        collect(
            "tokenwell_mints_failing_seconds",
            help: "For how long mints for the default token have failed; 0 while they succeed."
        ) {
            .time($0.reading().failing)
        }
        collect(
            "tokenwell_mint_budget_remaining",
            help: "Mints that the tenant's credential has left now, the operators' reserve included."
        ) {
            .count($0.reading().budget)
        }
        collect(
            "tokenwell_mint_budget_burst",
            help: "Mints that the tenant's credential has left at most, the operators' reserve included."
        ) {
            .count($0.setup.credential.limits.burst)
        }
        collect(
            "tokenwell_planned_mints_per_hour",
            help: "Mints an hour that keep the tenant's tokens fresh, of the lifetimes received; rounded up."
        ) {
            .count($0.reading().plannedMints)
        }
        collect("tokenwell_suspended", help: "1 while the upstream refuses the tenant's credential.") {
            .count($0.reading().isSuspended ? 1 : 0)
        }
        collect(
            "tokenwell_mints_total", help: "Token requests to the upstream, by reason and by what came of them.",
            counts: { $0.mints.all })
        collect(
            "tokenwell_rejections_total", help: "Reports that the vendor refused a token, by what became of them.",
            counts: { $0.rejections.all })
        collect(
            "tokenwell_revocations_total", help: "Revocations of known tokens, by how far they came.",
            counts: { $0.revocations.all })
    }

    private func registerHandOuts() {
        let states = HandOut.State.allCases.map { ($0, Labels([("state", $0.rawValue)])) }
        collect("tokenwell_hand_outs_total", help: "Tokens handed out, by their state.", kind: .counter) { cache in
            states.map { state, labels in (labels, .count(cache.handOutCounter(state).value)) }
        }
    }

    private func collect(
        _ name: String, help: String, kind: MetricsRegistry.Kind = .gauge,
        _ value: @escaping @Sendable (TokenCache) -> MetricValue
    ) {
        registry.collect(name, help: help, kind: kind) { [weak self] in
            (self?.shown ?? []).compactMap { row in row.cache.map { Sample(value($0), labels: row.labels) } }
        }
    }

    private func collect(
        _ name: String, help: String, counts: @escaping @Sendable (TokenCache) -> [(labels: Labels, count: Int)]
    ) {
        collect(name, help: help, kind: .counter) { cache in
            counts(cache).map { ($0.labels, .count($0.count)) }
        }
    }

    private func collect(
        _ name: String, help: String, kind: MetricsRegistry.Kind,
        _ values: @escaping @Sendable (TokenCache) -> [(Labels, MetricValue)]
    ) {
        registry.collect(name, help: help, kind: kind) { [weak self] in
            (self?.shown ?? []).flatMap { row in
                (row.cache.map(values) ?? []).map { Sample($1, labels: row.labels.followed(by: $0)) }
            }
        }
    }

    private var shown: [Row] { rows.withLock(\.self) }
}
