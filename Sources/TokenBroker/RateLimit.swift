import Synchronization

/// How often a caller may ask: `burst` times at once, and `perSecond` times a second after that.
///
/// The lock is its caller's alone.
package final class RateLimit: Sendable, Hashable {
    package let perSecond: Int
    package let burst: Int
    private let allowance: Mutex<Allowance>

    /// - Precondition: Both are at least 1.
    package init(perSecond: Int, burst: Int) {
        precondition(perSecond >= 1 && burst >= 1, "a caller may ask something")
        self.perSecond = perSecond
        self.burst = burst
        allowance = Mutex(Allowance(burst: burst, interval: .seconds(1) / perSecond))
    }

    /// Takes one request.
    ///
    /// - Returns: How long until there is one, when there is none; nil when it was taken.
    package func take(at now: ContinuousClock.Instant) -> Duration? { allowance.withLock { $0.take(at: now) } }

    /// Of the same numbers.
    package static func == (one: RateLimit, other: RateLimit) -> Bool {
        one.perSecond == other.perSecond && one.burst == other.burst
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(perSecond)
        hasher.combine(burst)
    }
}
