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

    /// What wakes a keeper.
    struct Alarm {
        let due: Instant
        /// Of the keeper that it is to wake.
        var generation: Int
    }

    /// Kept until its natural end, so that it is known should the upstream answer it again.
    var token: AccessToken?
    /// The place of the credential's secret that it was minted with.
    var secret = 0
    /// The highest fencing number that a token of it had.
    var fence: UInt64 = 0
    var flight: Flight?
    var obstacle = Obstacle.none
    /// In a row.
    var failures = 0
    /// When the upstream, or an operator, last had a say in the obstacle.
    var judged: Instant?
    /// The first failure since the last success.
    var failingSince: Instant?
    var lastAsked: Instant?
    /// Of the last token, which tells how long an unused key is kept fresh.
    var lifetime: Duration?
    /// Who was handed `token`.
    var ledger = HandOutLedger()
    /// Changes with whatever makes the plans of an earlier keeper void: landings, revocations, another credential.
    var generation = 0
    var alarm: Alarm?

    /// Whether the last try failed and none has succeeded since.
    var isFailing: Bool {
        switch obstacle {
        case .none, .sameToken: false
        case .backOff, .suspended: true
        }
    }

    /// Takes note of a failure, which stands in the way from now on.
    mutating func fail(_ obstacle: Obstacle, at now: Instant) {
        self.obstacle = obstacle
        judged = now
        failingSince = failingSince ?? now
    }

    /// The next instant at which a mint may be tried; nil when none may until further notice.
    func nextTry(at now: Instant) -> Instant? {
        switch obstacle {
        case .none: now
        case .backOff(let until, _), .sameToken(let until): max(until, now)
        case .suspended: nil
        }
    }

    /// The last instant at which it counts as in use: three lifetimes after it was asked for, at least 15 minutes.
    var endOfUse: Instant? { lastAsked.map { $0 + max((lifetime ?? .zero) * 3, .seconds(900)) } }

    /// Whether it is worth a mint without a caller.
    func isInUse(at now: Instant) -> Bool {
        guard let endOfUse, lifetime != nil else { return false }
        return now <= endOfUse
    }

    /// Whether somebody uses it, or would if its mints did not fail; before the first of them has landed nobody knows.
    func isMissedWhenLost(at now: Instant) -> Bool {
        guard let endOfUse, lifetime != nil || isFailing else { return false }
        return now <= endOfUse
    }

    /// When what is remembered of it is of no more use; nil when it always is.
    func retirement(at now: Instant) -> Instant? {
        let (tokenEnd, useEnd) = (token?.schedule.expiry ?? now, endOfUse ?? now)
        return nextTry(at: now).map { max($0, tokenEnd, useEnd) }
    }

    /// Forgets the token before its time.
    mutating func dropToken() {
        token = nil
        if case .sameToken = obstacle { obstacle = .none }
    }

    /// What a caller gets before the refresh point; nil when there is more to decide.
    mutating func fresh(
        minimum: Duration?, for caller: CallerIdentity?, isSuspended: Bool, at now: Instant
    ) -> HandOut? {
        guard let token, now < token.schedule.refreshPoint else { return nil }
        lastAsked = now
        if let caller { ledger.note(caller, at: now) }
        return handOut(minimum: minimum, isSuspended: isSuspended, at: now)
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
