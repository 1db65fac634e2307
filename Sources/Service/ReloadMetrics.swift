import Synchronization
import Telemetry

/// Counts what came of reading the configuration again.
struct ReloadMetrics: Sendable {
    private final class Last: Sendable {
        /// Whether it was taken whole, and when one last was, in milliseconds since 1970.
        let state = Mutex((isSuccess: true, success: Timestamp.now.milliseconds))
    }

    private let counters: [Reload.Outcome: Counter]
    private let last = Last()

    init(in registry: MetricsRegistry) {
        counters = Dictionary(
            uniqueKeysWithValues: Reload.Outcome.allCases.map { outcome in
                let counter = registry.counter(
                    "tokenwell_configuration_reloads_total",
                    help: "Readings of the configuration since the start, by what came of them.",
                    labels: [("outcome", outcome.rawValue)])
                return (outcome, counter)
            })
        registry.collect(
            "tokenwell_configuration_last_reload_successful",
            help: "1 if the configuration was taken whole when it was last read.", kind: .gauge
        ) { [last] in [Sample(.count(last.state.withLock { $0.isSuccess ? 1 : 0 }))] }
        registry.collect(
            "tokenwell_configuration_last_reload_success_timestamp_seconds",
            help: "When the configuration was last taken whole, in seconds since unix epoch.", kind: .gauge
        ) { [last] in [Sample(.time(.milliseconds(last.state.withLock { $0.success })))] }
    }

    func record(_ outcome: Reload.Outcome, at now: Timestamp = .now) {
        counters[outcome]?.increment()
        last.state.withLock { last in
            last.isSuccess = outcome == .ok
            if outcome == .ok { last.success = now.milliseconds }
        }
    }
}
