/// How many mints a credential has left: a token bucket that counts every mint, whatever came of it.
///
/// Vendors punish clients that mint too many; UKG expires the tokens it gave them.
package struct MintBudget: Hashable, Sendable {
    /// The size of the bucket and how fast it fills.
    package struct Limits: Hashable, Sendable {
        /// What ``rate`` is counted in.
        package enum Period: String, Hashable, Sendable {
            case hour, day

            fileprivate var duration: Duration { self == .hour ? .seconds(3600) : .seconds(86_400) }
        }

        /// Mints at once from a full bucket; at least 1.
        package var burst: Int
        /// Mints in a period after that; at least 1.
        package var rate: Int
        package var period: Period

        /// - Precondition: Both numbers are at least 1.
        package init(burst: Int, rate: Int, per period: Period) {
            precondition(burst >= 1 && rate >= 1, "a budget allows something")
            self.burst = burst
            self.rate = rate
            self.period = period
        }

        package init(burst: Int, perHour: Int) { self.init(burst: burst, rate: perHour, per: .hour) }

        /// How long it takes until there is one more.
        package var interval: Duration { period.duration / rate }

        /// What a credential has unless its provider or tenant says otherwise.
        package static let standard = Limits(burst: 10, perHour: 60)
    }

    /// What a mint is made for.
    enum Spender: Sendable {
        /// A token of other scopes than its tenant's default: there can be so many of those that they come last.
        case narrower
        /// A tenant's default token.
        case caller
        case `operator`
    }

    private let limits: Limits
    let interval: Duration
    /// When the bucket will be full again if nothing more is spent.
    private var full: ContinuousClock.Instant
    /// How many were ever taken out of it and not put back.
    private(set) var mints = 0

    /// A full bucket.
    init(_ limits: Limits, at now: ContinuousClock.Instant) {
        self.limits = limits
        interval = limits.interval
        full = now
    }

    /// Mints left, the operators' reserve included.
    func remaining(at now: ContinuousClock.Instant) -> Int {
        max(0, limits.burst - owed(at: now))
    }

    /// Mints that the bucket has yet to be filled up with.
    func owed(at now: ContinuousClock.Instant) -> Int {
        Int((debt(at: now).attoseconds + interval.attoseconds - 1) / interval.attoseconds)
    }

    /// How long `spender` has to wait for its next mint; zero when it need not.
    func wait(for spender: Spender, at now: ContinuousClock.Instant) -> Duration {
        max(.zero, (full - now) - allowance(for: spender))
    }

    /// Takes one mint out, if `spender` has one.
    mutating func spend(_ spender: Spender, at now: ContinuousClock.Instant) -> Bool {
        guard wait(for: spender, at: now) == .zero else { return false }
        take(1, at: now)
        return true
    }

    /// Takes mints out that were made already.
    mutating func take(_ count: Int, at now: ContinuousClock.Instant) {
        full = max(full, now) + interval * count
        mints += count
    }

    /// The most that may be owed before `spender` has no mint.
    func allowance(for spender: Spender) -> Duration { interval * (limits.burst - 1 - reserve(against: spender)) }

    /// Takes as many out as all of the brokers would that know nothing of each other, if they may: one of a full bucket
    /// always.
    mutating func spendShare(_ spender: Spender, of replicas: Int, at now: ContinuousClock.Instant) -> Bool {
        let debt = debt(at: now)
        guard debt == .zero || debt + interval * (replicas - 1) <= allowance(for: spender) else { return false }
        full = now + min(debt + interval * replicas, interval * limits.burst)
        mints += 1
        return true
    }

    /// Takes up what is owed by all brokers.
    mutating func adopt(debt: Duration, at now: ContinuousClock.Instant) { full = now + debt }

    /// How long it takes to be full again.
    func debt(at now: ContinuousClock.Instant) -> Duration { max(.zero, full - now) }

    /// Takes up what was owed before a restart or a reload, if that is more than is known.
    ///
    /// - Parameter other: How long one more mint took then: as many mints are owed now.
    mutating func restore(debt: Duration, by other: Duration, from moment: ContinuousClock.Instant) {
        // In whole mints, so that none is rounded up to two.
        let mints = Int(debt.attoseconds / other.attoseconds)
        let debt = interval * mints + interval * ((debt - other * mints) / other)
        // The bucket may have been bigger then.
        full = max(full, moment + min(debt, interval * limits.burst))
    }

    /// Puts one mint back that was taken out and not made.
    mutating func refund() {
        full -= interval
        mints -= 1
    }

    /// Two are kept back for operators, of a smaller bucket all but one; and a quarter of the rest for default tokens.
    private func reserve(against spender: Spender) -> Int {
        let forOperators = min(2, limits.burst - 1)
        return switch spender {
        case .operator: 0
        case .caller: forOperators
        case .narrower: forOperators + (limits.burst - forOperators) / 4
        }
    }
}
