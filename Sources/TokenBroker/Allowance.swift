/// So many at once, and one more each interval after that: how often somebody may do something.
package struct Allowance {
    private let burst: Int
    private let interval: Duration
    /// When all of it is there again if nothing more is taken; nil before the first is.
    private var full: Instant?

    /// - Parameters:
    ///   - burst: At least 1.
    ///   - interval: Longer than zero.
    package init(burst: Int, interval: Duration) {
        self.burst = burst
        self.interval = interval
    }

    /// Takes one.
    ///
    /// - Returns: How long until there is one, when there is none; nil when it was taken.
    package mutating func take(at now: ContinuousClock.Instant) -> Duration? {
        if let wait = wait(at: now) { return wait }
        full = max(now, full ?? now) + interval
        return nil
    }

    /// How long until there is one to take; nil when there is.
    package func wait(at now: ContinuousClock.Instant) -> Duration? {
        let wait = max(.zero, (full ?? now) - now) - interval * (burst - 1)
        return wait > .zero ? wait : nil
    }
}
