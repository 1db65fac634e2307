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
            "tokenwell_coalesced_callers_total", help: "Callers that waited for a mint which another had set off."
        ) { cache, labels in
            [Sample(.count(cache.coalescedCallers.value), labels: labels)]
        }
        registerReadings()
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
        collect("tokenwell_hand_outs_total", help: "Tokens handed out, by their state.") { cache, labels in
            states.map { state, label in
                Sample(.count(cache.handOutCounter(state).value), labels: labels.followed(by: label))
            }
        }
    }

    /// All from one reading of each tenant: alerts hold them against each other.
    private func registerReadings() {
        let gauges = TenantGauge.all
        registry.collect(gauges.map { ($0.name, $0.help) }, kind: .gauge) { [weak self] in
            var columns = [[Sample]](repeating: [], count: gauges.count)
            for row in self?.shown ?? [] {
                guard let reading = row.cache?.reading() else { continue }
                for (index, gauge) in gauges.enumerated() { columns[index] += gauge.samples(reading, row.labels) }
            }
            return columns
        }
    }

    private func collect(
        _ name: String, help: String, counts: @escaping @Sendable (TokenCache) -> [(labels: Labels, count: Int)]
    ) {
        collect(name, help: help) { cache, labels in
            counts(cache).map { Sample(.count($0.count), labels: labels.followed(by: $0.labels)) }
        }
    }

    /// A counter of each cache's.
    private func collect(
        _ name: String, help: String, _ samples: @escaping @Sendable (TokenCache, Labels) -> [Sample]
    ) {
        registry.collect(name, help: help, kind: .counter) { [weak self] in
            (self?.shown ?? []).flatMap { row in row.cache.map { samples($0, row.labels) } ?? [] }
        }
    }

    private var shown: [Row] { rows.withLock(\.self) }
}
