import HTTP
import Synchronization
import Telemetry

/// Counts requests by route, method and status, and times them by route. Labels are bounded: a path that is no route and a
/// method that no route takes are `other`.
struct RequestMetrics: Sendable {
    private let perRoute: [PerRoute]

    /// - Parameter routes: Their order gives ``record(route:_:_:_:)`` its index.
    init(routes: [Route], in registry: MetricsRegistry) {
        perRoute =
            routes.map { PerRoute(path: $0.path, usual: $0.usualStatus, registry: registry) }
            + [PerRoute(path: "other", usual: .ok, registry: registry)]
    }

    func record(route index: Int?, _ method: Method, _ status: Status, _ time: Duration) {
        perRoute[index ?? perRoute.count - 1].record(method, status, time)
    }

    /// One route's requests. The lock guards the counters of all answers but the usual one.
    private final class PerRoute: Sendable {
        private struct Key: Hashable {
            let method: String
            let status: Int
        }

        private let path: String
        private let registry: MetricsRegistry
        private let times: Histogram
        private let usual: Status
        /// By far the most requests are a GET with the usual status, so they take no lock.
        private let gets: Counter
        private let others = Mutex<[Key: Counter]>([:])

        init(path: String, usual: Status, registry: MetricsRegistry) {
            self.path = path
            self.usual = usual
            self.registry = registry
            gets = Self.counter(in: registry, path, Key(method: "GET", status: usual.code))
            times = registry.histogram(
                "tokenwell_http_request_duration_seconds", help: "Time from a whole request to its answer.",
                labels: [("route", path)],
                buckets: [50, 100, 250, 500, 1000, 5000, 25_000, 100_000, 500_000, 1_000_000, 5_000_000]
                    .map { .microseconds($0) })
        }

        func record(_ method: Method, _ status: Status, _ time: Duration) {
            times.record(time)
            if method == .get, status == usual { return gets.increment() }
            let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(method.name)
            let key = Key(method: known ? method.name : "other", status: status.code)
            others.withLock { others in
                if let counter = others[key] { return counter }
                let counter = Self.counter(in: registry, path, key)
                others[key] = counter
                return counter
            }.increment()
        }

        private static func counter(in registry: MetricsRegistry, _ path: String, _ key: Key) -> Counter {
            registry.counter(
                "tokenwell_http_requests_total", help: "Requests answered.",
                labels: [("route", path), ("method", key.method), ("status", String(key.status))])
        }
    }
}
