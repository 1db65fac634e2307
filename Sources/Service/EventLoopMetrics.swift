import Sockets
import Telemetry

/// How busy the event loops are: the processor time of each, and how late they are for what is due.
struct EventLoopMetrics: Sendable {
    private let loops: [EventLoop]
    private let delays: Histogram

    init(_ loops: [EventLoop], in metrics: MetricsRegistry) {
        self.loops = loops
        delays = metrics.histogram(
            "tokenwell_event_loop_delay_seconds", help: "How late an event loop came to what was due, once a second.",
            buckets: [1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000].map { .milliseconds($0) })
        metrics.collect(
            "tokenwell_event_loop_cpu_seconds_total", help: "Processor time of an event loop's thread.", kind: .counter
        ) {
            loops.enumerated().map { Sample(.time($1.processorTime), labels: Labels([("loop", "\($0)")])) }
        }
    }

    /// Has each loop keep an appointment with itself, again and again, until the tasks are cancelled.
    ///
    /// - Parameter interval: Between two of them.
    func watch(every interval: Duration = .seconds(1)) -> [Task<Void, Never>] {
        loops.map { loop in
            Task(executorPreference: loop) { [delays] in
                while !Task.isCancelled {
                    let due = ContinuousClock.now.advanced(by: interval)
                    await loop.sleep(until: due)
                    delays.record(.now - due)
                }
            }
        }
    }
}
