/// What a tenant's cache remembers of one key.
struct Slot {
    /// What stands between this key and its next mint.
    enum Obstacle: Equatable {
        case none
        /// The last try failed; no other before the instant.
        case backOff(until: Instant, after: MintFailure)
        /// The upstream answers the token that we hold, and will until that ends.
        case sameToken(until: Instant)
        /// The upstream refuses the request: until an operator says otherwise.
        case suspended
    }

    /// Kept until its natural end, so that it is known should the upstream answer it again.
    var token: AccessToken?
    var flight: Flight?
    var obstacle = Obstacle.none
    /// In a row.
    var failures = 0
    var lastAsked: Instant?
    /// Of the last token, which tells how long an unused key is kept fresh.
    var lifetime: Duration?
    /// Counts what makes the plans of an earlier keeper void: landings and revocations.
    var generation = 0

    /// Whether the last try failed and none has succeeded since.
    var isFailing: Bool {
        switch obstacle {
        case .none, .sameToken: false
        case .backOff, .suspended: true
        }
    }

    /// The next instant at which a mint may be tried; nil when none may until further notice.
    func nextTry(at now: Instant) -> Instant? {
        switch obstacle {
        case .none: now
        case .backOff(let until, _), .sameToken(let until): max(until, now)
        case .suspended: nil
        }
    }

    /// Whether it was asked for within the last three lifetimes, at least 15 minutes.
    func isInUse(at now: Instant) -> Bool {
        guard let lastAsked, let lifetime else { return false }
        return now - lastAsked <= max(lifetime * 3, .seconds(900))
    }

    /// What a caller gets now; nil when there is nothing usable.
    func handOut(minimum: Duration?, isSuspended: Bool, at now: Instant) -> HandOut? {
        guard let token else { return nil }
        let freshness = token.schedule.freshness(at: now)
        guard freshness != .expired else { return nil }
        let remaining = token.schedule.remaining(at: now)
        return HandOut(
            token: token, remaining: remaining,
            refreshIn: refreshIn(token.schedule, isSuspended: isSuspended, at: now),
            state: isSuspended || isFailing ? .lastKnownGood : freshness == .fresh ? .fresh : .aging,
            minimumLifetime: minimum.map { min(token.schedule.promise($0), remaining) })
    }

    /// Until the next try; without one in sight, until the token is handed out no more.
    private func refreshIn(_ schedule: Schedule, isSuspended: Bool, at now: Instant) -> Duration {
        guard !isSuspended, let next = nextTry(at: now) else { return schedule.lastUse - now }
        return min(max(next, schedule.refreshPoint), schedule.lastUse) - now
    }
}

extension Schedule {
    /// What can be promised of the `minimum` that a caller asks for.
    func promise(_ minimum: Duration) -> Duration { min(max(minimum, .zero), longestPromise) }
}
