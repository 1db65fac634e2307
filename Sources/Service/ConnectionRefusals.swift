import HTTP
import Logging
import Sockets
import Synchronization
import Telemetry

/// Counts the connections that are turned away, and tells the log of them at most once a second.
final class ConnectionRefusals: Sendable {
    private let counters: [ConnectionRefusal: Counter]
    private let untold = Mutex(Untold<ConnectionRefusal>())
    private let logger: Logger

    init(in registry: MetricsRegistry, logger: Logger) {
        self.logger = logger
        let all = ConnectionRefusal.allCases.map { refusal in
            let counter = registry.counter(
                "tokenwell_connections_refused_total", help: "Client connections closed as they came.",
                labels: [("reason", refusal.rawValue)])
            return (refusal, counter)
        }
        counters = Dictionary(uniqueKeysWithValues: all)
    }

    @Sendable func record(_ refusal: ConnectionRefusal, from peer: SocketAddress) {
        counters[refusal]?.increment()
        guard let counts = untold.withLock({ $0.add(refusal, at: .now) }) else { return }
        var metadata: Logger.Metadata = ["last_address": "\(peer.host)"]
        for (refusal, count) in counts { metadata[refusal.rawValue] = "\(count)" }
        logger.warning("connections refused", metadata: metadata)
    }
}
