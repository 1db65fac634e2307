/// How many mints a credential has left: a token bucket that counts every mint, whatever came of it.
///
/// Vendors punish clients that mint too many; UKG expires the tokens it gave them.
package struct MintBudget: Hashable, Sendable {
    /// The size of the bucket and how fast it fills.
    package struct Limits: Hashable, Sendable {
        /// Mints at once from a full bucket; at least 1.
        package var burst: Int
        /// Mints an hour after that; at least 1.
        package var perHour: Int

        /// - Precondition: Both are at least 1.
        package init(burst: Int, perHour: Int) {
            precondition(burst >= 1 && perHour >= 1, "a budget allows something")
            self.burst = burst
            self.perHour = perHour
        }

        /// What a credential has unless its provider or tenant says otherwise.
        package static let standard = Limits(burst: 10, perHour: 60)
    }

    /// On whose behalf a mint is made.
    enum Spender: Sendable { case caller, `operator` }

    private let limits: Limits
    private let interval: Duration
    /// When the bucket will be full again if nothing more is spent.
    private var full: ContinuousClock.Instant

    /// A full bucket.
    init(_ limits: Limits, at now: ContinuousClock.Instant) {
        self.limits = limits
        interval = .seconds(3600) / limits.perHour
        full = now
    }

    /// Mints left, the operators' reserve included.
    func remaining(at now: ContinuousClock.Instant) -> Int {
        let debt = max(.zero, full - now).attoseconds
        let used = (debt + interval.attoseconds - 1) / interval.attoseconds
        return max(0, limits.burst - Int(used))
    }

    /// How long `spender` has to wait for its next mint; zero when it need not.
    func wait(for spender: Spender, at now: ContinuousClock.Instant) -> Duration {
        let mayOwe = limits.burst - 1 - reserve(against: spender)
        return max(.zero, (full - now) - interval * mayOwe)
    }

    /// Takes one mint out, if `spender` has one.
    mutating func spend(_ spender: Spender, at now: ContinuousClock.Instant) -> Bool {
        guard wait(for: spender, at: now) == .zero else { return false }
        full = max(full, now) + interval
        return true
    }

    /// Two are kept back for operators, of a smaller bucket all but one.
    private func reserve(against spender: Spender) -> Int {
        spender == .operator ? 0 : min(2, limits.burst - 1)
    }
}
