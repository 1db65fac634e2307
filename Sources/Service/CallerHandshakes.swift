import Logging
import Sockets
import Synchronization
import Telemetry

/// Counts the TLS handshakes with callers, and tells the log at most once a second why some have failed.
final class CallerHandshakes: Sendable {
    private let counters: [TLSHandshakeOutcome: Counter]
    private let untold = Mutex(Untold<TLSHandshakeOutcome>())
    private let logger: Logger

    init(in registry: MetricsRegistry, logger: Logger) {
        self.logger = logger
        let all = TLSHandshakeOutcome.allCases.map { outcome in
            let counter = registry.counter(
                "tokenwell_tls_handshakes_total", help: "TLS handshakes with callers.",
                labels: [("outcome", outcome.rawValue)])
            return (outcome, counter)
        }
        counters = Dictionary(uniqueKeysWithValues: all)
    }

    @Sendable func record(_ outcome: TLSHandshakeOutcome, with peer: SocketAddress, _ error: SocketError?) {
        counters[outcome]?.increment()
        // Those that just go away are mostly probes of the port.
        guard let error, outcome != .closed, let counts = untold.withLock({ $0.add(outcome, at: .now) }) else { return }
        var metadata: Logger.Metadata = ["last_address": "\(peer.host)", "last_reason": "\(error)"]
        for (outcome, count) in counts { metadata[outcome.rawValue] = "\(count)" }
        logger.warning("TLS handshakes failed", metadata: metadata)
    }
}
