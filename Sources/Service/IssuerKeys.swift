import Logging
import Synchronization
import Telemetry
import TokenBroker

/// The keys of one issuer, kept as its source has them.
///
/// They are read again ahead of the end of their lifetime, and at once for a JWT whose key is not among them, though not more
/// often than every 30 seconds, and by one reader at a time: nobody can have the source asked more often than that. While
/// the source fails the last ones are kept, for a day.
///
/// The lock guards what was read last. It is never held while something is read.
final class IssuerKeys: Sendable {
    private static let minimumPause = Duration.seconds(30)
    private static let counterName = "tokenwell_jwks_refreshes_total"
    private static let maximumAge = Duration.seconds(24 * 3600)

    /// The keys at one time.
    struct Current {
        /// nil when there are none to be believed.
        var set: KeySet?
        /// Another one whenever the keys are others.
        var generation = 0
    }

    fileprivate struct State {
        var current = Current()
        var bytes: [UInt8] = []
        /// When the last reading began.
        var lastTry: ContinuousClock.Instant?
        var lastSuccess: ContinuousClock.Instant?
        /// When they are to be read again.
        var due: ContinuousClock.Instant
        var flight: Task<Void, Never>?
        /// Why the last reading failed; nil when it did not.
        var failure: String?
    }

    let issuer: JWTIssuer
    private let source: any KeySource
    private let timekeeper: any Timekeeper
    private let metrics: MetricsRegistry
    private let logger: Logger
    private let successes: Counter
    private let failures: Counter
    private let state: Mutex<State>

    /// They are not read before ``run()``.
    ///
    /// - Parameter known: What has read the same source until now.
    init(
        _ issuer: JWTIssuer, from source: any KeySource, after known: IssuerKeys? = nil, timekeeper: any Timekeeper,
        metrics: MetricsRegistry, logger: Logger
    ) {
        self.issuer = issuer
        self.source = source
        self.timekeeper = timekeeper
        self.logger = logger
        self.metrics = metrics
        let counter = { (outcome: String) in
            metrics.counter(
                Self.counterName, help: "Key sets of JWT issuers read.",
                labels: [("issuer", issuer.issuer), ("outcome", outcome)])
        }
        successes = counter("ok")
        failures = counter("failed")
        var start = known?.state.withLock(\.self) ?? State(due: timekeeper.now)
        start.flight = nil
        state = Mutex(start)
    }

    /// Has the metrics forget an issuer that is one no more.
    func retire() {
        for outcome in ["ok", "failed"] {
            metrics.removeCounter(Self.counterName, labels: [("issuer", issuer.issuer), ("outcome", outcome)])
        }
    }

    var current: Current { state.withLock { $0.current } }

    /// Whether ``refresh()`` would wait for another set of keys than there was.
    var mayChange: Bool {
        let now = timekeeper.now
        return state.withLock { $0.flight != nil || Self.isAllowed(by: $0.lastTry, at: now) }
    }

    /// Reads them for a JWT whose key is unknown, if that is allowed now, or waits for who is reading them.
    func refresh() async {
        let now = timekeeper.now
        let flight = state.withLock { state in
            state.flight ?? (Self.isAllowed(by: state.lastTry, at: now) ? begin(&state, at: now) : nil)
        }
        await flight?.value
    }

    /// Keeps them fresh until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let now = timekeeper.now
            let (due, flight) = state.withLock { state in
                (state.due, state.due <= now ? state.flight ?? begin(&state, at: now) : nil)
            }
            if let flight { await flight.value } else { await timekeeper.sleep(until: due) }
        }
    }

    private static func isAllowed(by lastTry: ContinuousClock.Instant?, at now: ContinuousClock.Instant) -> Bool {
        lastTry.map { now - $0 >= minimumPause } ?? true
    }

    private func begin(_ state: inout State, at now: ContinuousClock.Instant) -> Task<Void, Never> {
        state.lastTry = now
        let flight = Task { await self.read(at: now) }
        state.flight = flight
        return flight
    }

    private func read(at now: ContinuousClock.Instant) async {
        do throws(KeySourceFailure) {
            try await take(try await source.read(), at: now)
        } catch {
            fail(error, at: now)
        }
    }

    private func take(_ document: KeyDocument, at now: ContinuousClock.Instant) async throws(KeySourceFailure) {
        let due = now + document.period
        if state.withLock({ $0.current.set != nil && $0.bytes == document.bytes }) {
            state.withLock { $0.succeed(at: now, due: due) }
        } else {
            let set: KeySet
            do throws(KeySet.Unusable) {
                set = try await KeySet(parsing: document.bytes)
            } catch {
                throw KeySourceFailure(reason: "what is there \(error.reason)")
            }
            state.withLock { state in
                state.current = Current(set: set, generation: state.current.generation + 1)
                state.bytes = document.bytes
                state.succeed(at: now, due: due)
            }
            logger.notice("keys of a JWT issuer read", metadata: ["issuer": "\(issuer.issuer)"])
        }
        successes.increment()
    }

    private func fail(_ failure: KeySourceFailure, at now: ContinuousClock.Instant) {
        let isNews = state.withLock { state in
            defer { state.failure = failure.reason }
            state.flight = nil
            state.due = now + source.pause
            if let lastSuccess = state.lastSuccess, now - lastSuccess >= Self.maximumAge {
                state.current = Current(generation: state.current.generation + 1)
                state.lastSuccess = nil
            }
            return state.failure != failure.reason
        }
        failures.increment()
        guard isNews else { return }
        logger.error(
            "can't read the keys of a JWT issuer, those before stay in use for a day",
            metadata: ["issuer": "\(issuer.issuer)", "reason": "\(failure.reason)"])
    }
}

extension IssuerKeys.State {
    fileprivate mutating func succeed(at now: ContinuousClock.Instant, due: ContinuousClock.Instant) {
        flight = nil
        failure = nil
        lastSuccess = now
        self.due = due
    }
}
