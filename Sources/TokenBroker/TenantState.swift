/// What one tenant's cache remembers, and every decision that it takes: instants come in, verdicts go out, nothing waits.
struct TenantState {
    /// What becomes of a request for a token.
    enum Answer {
        /// Here it is; the departure, if any, is the refresh that it set off.
        case handOut(HandOut, Departure?)
        /// Wait for the flight of that number; the departure says that it has yet to leave.
        case wait(flight: Int, Departure?)
        case refuse(BrokerError)
    }

    /// What a key's keeper does next.
    enum Care {
        case sleep(until: Instant)
        case depart(Departure)
        case end
    }

    let tenant: Tenant
    let defaultKey: TokenKey
    let settings: Broker.Settings

    private(set) var isSuspended = false
    private var slots: [TokenKey: Slot] = [:]
    private var budget: MintBudget
    private var issued = IssuedTokens()
    private var departures = 0

    init(tenant: Tenant, defaultKey: TokenKey, settings: Broker.Settings, at now: Instant) {
        self.tenant = tenant
        self.defaultKey = defaultKey
        self.settings = settings
        budget = MintBudget(tenant.mintBudget, at: now)
    }

    func budgetRemaining(at now: Instant) -> Int { budget.remaining(at: now) }

    /// What is left of the default token; zero when there is none.
    func defaultTokenRemaining(at now: Instant) -> Duration {
        slots[defaultKey]?.token?.schedule.remaining(at: now) ?? .zero
    }
}

// MARK: Requests

extension TenantState {
    mutating func answer(_ key: TokenKey, minimum: Duration?, at now: Instant) -> Answer {
        guard let index = slots.index(forKey: key) else { return answerCold(key, at: now) }
        slots.values[index].lastAsked = now
        guard let handOut = slots.values[index].handOut(minimum: minimum, isSuspended: isSuspended, at: now) else {
            return answerCold(key, at: now)
        }
        guard now >= handOut.token.schedule.refreshPoint else { return .handOut(handOut, nil) }
        return answerAging(key, handOut, minimum: minimum, at: now)
    }

    /// What a caller gets when the flight that it waited for failed.
    func fallback(_ key: TokenKey, minimum: Duration?, at now: Instant) -> HandOut? {
        slots[key]?.handOut(minimum: minimum, isSuspended: isSuspended, at: now)
    }

    /// Lifts every suspension and mints the default token now.
    mutating func refresh(at now: Instant) -> Answer {
        isSuspended = false
        for key in Array(slots.keys) where slots[key]?.obstacle == .suspended { slots[key]?.obstacle = .none }
        if let flight = slots[defaultKey]?.flight { return .wait(flight: flight.number, nil) }
        guard budget.spend(.operator, at: now) else {
            return .refuse(.budgetExhausted(retryAfter: budget.wait(for: .operator, at: now)))
        }
        let departure = depart(defaultKey, .operator, at: now)
        return .wait(flight: departure.number, departure)
    }

    /// Mints the default token ahead of the first request; nil when there is no need or no way.
    mutating func warm(at now: Instant) -> Departure? {
        if let slot = slots[defaultKey], slot.token != nil { return nil }
        return departAhead(defaultKey, at: now)
    }

    private mutating func answerAging(
        _ key: TokenKey, _ handOut: HandOut, minimum: Duration?, at now: Instant
    ) -> Answer {
        let departure = departAhead(key, at: now)
        let isEnough = minimum.map { handOut.token.schedule.promise($0) <= handOut.remaining } ?? true
        if !isEnough, let flight = slots[key]?.flight { return .wait(flight: flight.number, departure) }
        return .handOut(handOut, departure)
    }

    private mutating func answerCold(_ key: TokenKey, at now: Instant) -> Answer {
        let slot = slots[key]
        if let flight = slot?.flight { return .wait(flight: flight.number, nil) }
        if isSuspended || slot?.obstacle == .suspended { return .refuse(.upstreamRejected) }
        if case .backOff(let until, let failure) = slot?.obstacle, until > now {
            return .refuse(failure.brokerError(retryAfter: until - now))
        }
        guard budget.spend(.caller, at: now) else {
            return .refuse(.budgetExhausted(retryAfter: budget.wait(for: .caller, at: now)))
        }
        let departure = depart(key, .cold, at: now)
        slots[key]?.lastAsked = now
        return .wait(flight: departure.number, departure)
    }
}

// MARK: Flights

extension TenantState {
    /// What a landing means for those outside the lock.
    struct Arrival {
        let waiters: [Waiter]
        let landing: Landing
        /// The token that is now current or was given once, or why there is none.
        let result: Result<AccessToken, MintFailure>
        /// For the keeper that takes over.
        let generation: Int
    }

    /// Takes note of what the upstream answered to a departure; nil when nobody is interested any more.
    ///
    /// - Parameter sent: When the request was sent.
    mutating func land(
        _ departure: Departure, sent: Instant, _ answer: Result<MintedToken, MintFailure>, at now: Instant
    ) -> Arrival? {
        guard var slot = slots[departure.key], let flight = slot.flight, flight.number == departure.number else {
            return nil
        }
        slot.flight = nil
        slot.generation += 1
        var result = answer.flatMap { judge($0, for: departure.key, held: slot.token, sent: sent, at: now) }
        if case .success(let token) = result, slot.token?.fingerprint == token.fingerprint {
            result = take(again: token, in: &slot, at: now)
        }
        let landing: Landing
        switch result {
        case .success(let token): landing = accept(token, in: &slot, at: now)
        case .failure(let failure): landing = .failed(reject(failure, in: &slot, at: now))
        }
        slots[departure.key] = slot
        return Arrival(waiters: flight.waiters, landing: landing, result: result, generation: slot.generation)
    }

    /// Adds a waiter to a flight.
    ///
    /// - Returns: Whether the flight is still under way, and whether it needs a sweeper.
    mutating func join(_ key: TokenKey, flight number: Int, _ waiter: Waiter) -> (isFlying: Bool, needsSweeper: Bool) {
        guard slots[key]?.flight?.number == number else { return (false, false) }
        let needsSweeper = slots[key]?.flight?.hasSweeper == false
        slots[key]?.flight?.hasSweeper = true
        slots[key]?.flight?.waiters.append(waiter)
        return (true, needsSweeper)
    }

    /// Takes the waiters out whose time is up.
    ///
    /// - Returns: They, what is left of the flight's own time, and the instant to sweep again; nil when nobody waits.
    mutating func sweep(
        _ key: TokenKey, flight number: Int, at now: Instant
    ) -> (overdue: [Waiter], retryAfter: Duration, next: Instant?) {
        guard let flight = slots[key]?.flight, flight.number == number else { return ([], .zero, nil) }
        let left = flight.waiters.filter { $0.deadline > now }
        slots[key]?.flight?.waiters = left
        slots[key]?.flight?.hasSweeper = !left.isEmpty
        // The callers of one flight come due one by one: sweeping each alone would be quadratic.
        let next = left.map(\.deadline).min().map { max($0, now + .milliseconds(50)) }
        return (flight.waiters.filter { $0.deadline <= now }, max(.seconds(1), flight.deadline - now), next)
    }

    /// A departure to replace a token before it ends; nil while one is under way or something stands in the way.
    private mutating func departAhead(_ key: TokenKey, at now: Instant) -> Departure? {
        if let slot = slots[key] {
            guard slot.flight == nil, let next = slot.nextTry(at: now), next <= now else { return nil }
        }
        guard !isSuspended, budget.spend(.caller, at: now) else { return nil }
        return depart(key, .ahead, at: now)
    }

    private mutating func depart(_ key: TokenKey, _ reason: Departure.Reason, at now: Instant) -> Departure {
        if slots[key] == nil { makeRoom() }
        var slot = slots[key] ?? Slot()
        let hasFallback = slot.token?.schedule.isUsable(at: now) == true
        let timeout = hasFallback ? settings.upstreamTimeoutWithFallback : settings.upstreamTimeout
        departures += 1
        slot.flight = Flight(number: departures, deadline: now + timeout)
        slots[key] = slot
        return Departure(key: key, number: departures, reason: reason, timeout: timeout)
    }

    /// Forgets the key that was asked for longest ago, when there are too many; never the default or one in flight.
    private mutating func makeRoom() {
        guard slots.count >= settings.maximumKeysPerTenant else { return }
        let candidates = slots.filter { $0.value.flight == nil && $0.key != defaultKey }
        let oldest = candidates.min { one, other in
            guard let first = one.value.lastAsked, let second = other.value.lastAsked else {
                return one.value.lastAsked == nil
            }
            return first < second
        }
        if let oldest { slots[oldest.key] = nil }
    }
}

// MARK: Answers of the upstream

extension TenantState {
    /// Turns what the upstream minted into a token that may be handed out, or into the reason why not.
    private func judge(
        _ minted: MintedToken, for key: TokenKey, held: AccessToken?, sent: Instant, at now: Instant
    ) -> Result<AccessToken, MintFailure> {
        let scopes = minted.scopes ?? key.scopes
        // Without a request for scopes the upstream decides. Else more than was asked for may be more than the callers of
        // this key are granted, and more than the tenant's ceiling.
        guard key.scopes.isEmpty || scopes.isSubset(of: key.scopes) else {
            return .failure(.unavailable("scope_exceeds_request"))
        }
        let lifetime = minted.lifetime ?? tenant.provider.defaultLifetime
        let first = held?.secret == minted.token ? held?.schedule : nil
        let schedule =
            first?.repeated(sent: sent, lifetime: lifetime)
            ?? Schedule(sent: sent, lifetime: lifetime, draw: settings.random())
        let token = AccessToken(
            secret: minted.token, tokenType: minted.tokenType, scopes: scopes, schedule: schedule)
        if issued.isRevoked(token.fingerprint, at: now) { return .failure(.unavailable("revoked_token_again")) }
        guard first != nil || lifetime <= .zero || schedule.isUsable(at: now) else {
            return .failure(.unavailable("expired_on_arrival"))
        }
        return .success(token)
    }

    /// Learns the real end of a token that the upstream answered again, whether or not any use is left in it.
    private func take(
        again token: AccessToken, in slot: inout Slot, at now: Instant
    ) -> Result<AccessToken, MintFailure> {
        slot.token = token
        if now < token.schedule.lastUse { return .success(token) }
        return .failure(.unavailable("same_token_again", retryAfter: token.schedule.expiry - now))
    }

    private mutating func accept(_ token: AccessToken, in slot: inout Slot, at now: Instant) -> Landing {
        isSuspended = false
        let isRepeated = slot.token === token
        issued.note(token, at: now)
        guard token.schedule.lifetime > .zero else {
            // Given to those who wait, and asked for again no sooner than after a failure: it might be all that ever comes.
            let failure = MintFailure.unavailable("no_lifetime")
            _ = reject(failure, in: &slot, at: now)
            return .once(token)
        }
        slot.token = token
        slot.lifetime = token.schedule.lifetime
        slot.failures = 0
        slot.obstacle = isRepeated ? .sameToken(until: token.schedule.lastUse) : .none
        return .landed
    }

    /// - Returns: What the waiters learn.
    private mutating func reject(_ failure: MintFailure, in slot: inout Slot, at now: Instant) -> BrokerError {
        slot.failures += 1
        if case .rejected = failure {
            if failure.isOfCredential { isSuspended = true } else { slot.obstacle = .suspended }
            return .upstreamRejected
        }
        let delay = Backoff.delay(
            failures: slot.failures, retryAfter: failure.retryAfter, draw: settings.random())
        slot.obstacle = .backOff(until: now + delay, after: failure)
        return failure.brokerError(retryAfter: delay)
    }
}

// MARK: Keeping fresh without callers

extension TenantState {
    /// What the keeper of a key does next, if it is still the keeper.
    ///
    /// A token is replaced from its refresh point on while its key is wanted; else it is left alone and dropped at its end.
    mutating func care(for key: TokenKey, generation: Int, at now: Instant) -> Care {
        guard var slot = slots[key], slot.generation == generation, slot.flight == nil else { return .end }
        if let token = slot.token, token.schedule.expiry <= now {
            slot.token = nil
            slots[key]?.token = nil
        }
        let end = slot.token?.schedule.expiry
        guard !isSuspended, let next = slot.nextTry(at: now), isWanted(key, slot, at: now) else {
            return Self.sleep(until: end)
        }
        let due = max(next, slot.token?.schedule.refreshPoint ?? now)
        if due > now { return .sleep(until: due) }
        if let departure = departAhead(key, at: now) { return .depart(departure) }
        return .sleep(until: now + budget.wait(for: .caller, at: now))
    }

    private func isWanted(_ key: TokenKey, _ slot: Slot, at now: Instant) -> Bool {
        slot.isInUse(at: now) || tenant.keepWarm && key == defaultKey
    }

    private static func sleep(until end: Instant?) -> Care {
        if let end { .sleep(until: end) } else { .end }
    }
}

// MARK: Revocation

extension TenantState {
    /// What becomes of a request to revoke a token.
    enum RevocationAnswer {
        /// Nothing: it was done before, or it is none of ours.
        case done(Revocation)
        /// It is dropped, and that is all that can be done.
        case dropped
        case pending(retryAfter: Duration)
        /// The upstream has to be told.
        case attempt
    }

    /// Drops a token and raises its tombstone.
    mutating func revoke(_ fingerprint: Fingerprint, at now: Instant) -> RevocationAnswer {
        switch issued.revocation(of: fingerprint, at: now) {
        case nil: return .done(.unknown)
        case .local: return .done(.local)
        case .upstream: return .done(.upstream)
        case .pending(let nextTry): return .pending(retryAfter: max(.seconds(1), nextTry - now))
        case .some(.none): break
        }
        drop(fingerprint)
        guard tenant.provider.revocationURL != nil else {
            issued.mark(fingerprint, .local)
            return .dropped
        }
        issued.mark(fingerprint, .pending(nextTry: now + settings.revocationTimeout))
        return .attempt
    }

    /// Takes note of an attempt to tell the upstream.
    ///
    /// - Returns: How long until the next attempt; nil when this one succeeded.
    mutating func noteRevocation(
        _ fingerprint: Fingerprint, _ failure: MintFailure?, failures: Int, at now: Instant
    ) -> Duration? {
        guard let failure else {
            issued.mark(fingerprint, .upstream)
            return nil
        }
        // Refused is refused: to ask again soon would be one more failed login every minute.
        let retryAfter = failure.isPermanent ? Backoff.longestRetryAfter : failure.retryAfter
        let delay = Backoff.delay(failures: failures, retryAfter: retryAfter, draw: settings.random())
        issued.mark(fingerprint, .pending(nextTry: now + delay))
        return delay
    }

    /// When to tell the upstream again; nil when there is no more need to.
    func nextRevocationTry(_ fingerprint: Fingerprint, at now: Instant) -> Instant? {
        guard case .pending(let nextTry) = issued.revocation(of: fingerprint, at: now) else { return nil }
        return nextTry
    }

    private mutating func drop(_ fingerprint: Fingerprint) {
        for key in Array(slots.keys) where slots[key]?.token?.fingerprint == fingerprint {
            slots[key]?.token = nil
            slots[key]?.generation += 1
            if case .sameToken = slots[key]?.obstacle { slots[key]?.obstacle = .none }
        }
    }
}
