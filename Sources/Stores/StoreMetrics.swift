import Telemetry
import TokenBroker

/// Every metric of a store, by name.
struct StoreMetrics: Sendable {
    let committed, failed, refused: Counter
    let commitTime: Histogram

    init(_ registry: MetricsRegistry) {
        let commits = { (outcome: String) in
            registry.counter(
                "tokenwell_store_commits_total", help: "Commits of the store, by what came of them.",
                labels: [("outcome", outcome)])
        }
        committed = commits("ok")
        failed = commits("failed")
        commitTime = registry.histogram(
            "tokenwell_store_commit_seconds", help: "Time that a commit of the store took.",
            buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000].map { .milliseconds($0) })
        refused = registry.counter(
            "tokenwell_store_records_refused_total",
            help: "Records that were in the store but not as they were written, and were left out.")
    }

    /// Registers what is known of the store at each scrape: weakly, as it has the registry too.
    static func observe(_ store: RecordCommitter, in registry: MetricsRegistry) {
        let gauge = { (name: String, help: String, value: @escaping @Sendable (StoreCondition) -> Int) in
            registry.collect(name, help: help, kind: .gauge) { [weak store] in
                store.map { [Sample(.count(value($0.condition)))] } ?? []
            }
        }
        gauge("tokenwell_store_up", "1 while the store keeps what it is given.") { $0.trouble == nil ? 1 : 0 }
        gauge("tokenwell_store_pending_records", "Records that are yet to be made durable.") { $0.pending }
    }
}
