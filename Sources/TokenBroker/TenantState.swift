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

    let settings: Broker.Settings
    /// The tenant as it is now.
    var setup: TenantSetup
    /// Whether it is a tenant no more: nobody gets anything, and what remains are tombstones and pending revocations.
    var isRetired = false

    // The last known of the credential's standing: a fresh token's hand-out asks no lock but its tenant's.
    private(set) var suspendedSince: Instant?
    /// When the upstream's refusals were last forgotten.
    var lifted: Instant?
    var winner: Int
    var slots: SlotTable
    var history: MintHistory
    var issued = IssuedTokens()
    var changes = Changes()
    /// How often something of another broker's was taken up that makes keepers' plans void.
    var takenUp = 0
    private var departures = 0
    private var generations = 0

    init(_ setup: TenantSetup, settings: Broker.Settings, at now: Instant) {
        self.settings = settings
        self.setup = setup
        slots = SlotTable(defaultKey: setup.defaultKey)
        let standing = setup.credential.standing
        suspendedSince = standing.isSuspended ? now : nil
        winner = standing.winner
        history = MintHistory(at: now)
    }

    var credential: SharedCredential { setup.credential }
    var defaultKey: TokenKey { slots.defaultKey }
    var isKeptWarm: Bool { setup.tenant.keepWarm && !isRetired }
    var canRevoke: Bool { setup.tenant.provider.revocationURL != nil }
    var defaultLifetime: Duration { setup.tenant.provider.defaultLifetime }
    var isSuspended: Bool { suspendedSince != nil }
}

// MARK: Requests

extension TenantState {
    /// The token of a key before its refresh point; nil when there is more to decide.
    ///
    /// - Parameter caller: Noted as one that has it; nil when nobody gets it.
    mutating func fresh(
        _ key: TokenKey, minimum: Duration?, for caller: CallerIdentity?, at now: Instant
    ) -> HandOut? {
        let isSuspended = isSuspended
        return slots[key]?.fresh(minimum: minimum, for: caller, isSuspended: isSuspended, at: now) ?? nil
    }

    mutating func answer(
        _ key: TokenKey, minimum: Duration?, for caller: CallerIdentity?, at now: Instant
    ) -> Answer {
        if let handOut = fresh(key, minimum: minimum, for: caller, at: now) { return .handOut(handOut, nil) }
        slots[key]?.lastAsked = now
        guard let handOut = slots[key]?.handOut(minimum: minimum, isSuspended: isSuspended, at: now) else {
            return answerCold(key, at: now)
        }
        let answer = answerAging(key, handOut, minimum: minimum, at: now)
        if case .handOut = answer { note(caller, key, at: now) }
        return answer
    }

    /// What a caller gets when the flight that it waited for failed.
    mutating func fallback(
        _ key: TokenKey, minimum: Duration?, for caller: CallerIdentity?, at now: Instant
    ) -> HandOut? {
        let handOut = slots[key]?.handOut(minimum: minimum, isSuspended: isSuspended, at: now)
        if handOut != nil { note(caller, key, at: now) }
        return handOut
    }

    private mutating func note(_ caller: CallerIdentity?, _ key: TokenKey, at now: Instant) {
        if let caller { slots[key]?.ledger.note(caller, at: now) }
    }

    /// Lifts every suspension and mints the default token now.
    mutating func refresh(at now: Instant) -> Answer {
        if isRetired { return .refuse(.unknownTenant) }
        credential.lift(at: now)
        suspendedSince = nil
        liftSuspensions(at: now)
        if let flight = slots[defaultKey]?.flight { return .wait(flight: flight.number, nil) }
        guard credential.spend(.operator, at: now) else {
            return .refuse(.budgetExhausted(retryAfter: credential.wait(for: .operator, at: now)))
        }
        let departure = depart(defaultKey, .operator, at: now)
        return .wait(flight: departure.number, departure)
    }

    private mutating func answerAging(
        _ key: TokenKey, _ handOut: HandOut, minimum: Duration?, at now: Instant
    ) -> Answer {
        let departure = departAhead(key, at: now)
        let isEnough = minimum.map { handOut.token.schedule.promise($0) <= handOut.remaining } ?? true
        if !isEnough, let flight = slots[key]?.flight { return .wait(flight: flight.number, departure) }
        return .handOut(handOut, departure)
    }

    private mutating func answerCold(
        _ key: TokenKey, _ reason: Departure.Reason = .cold, at now: Instant
    ) -> Answer {
        if isRetired { return .refuse(.unknownTenant) }
        guard key.tenant == setup.identity, mayHave(key.scopes) else {
            // The tenant has become another since the request began, and its token may be an account's that the caller
            // may not have: the next request is held against what caller and tenant are now.
            return .refuse(.upstreamUnavailable(retryAfter: .seconds(1)))
        }
        let slot = slots[key]
        if let flight = slot?.flight { return .wait(flight: flight.number, nil) }
        if isSuspended || slot?.obstacle == .suspended { return .refuse(.upstreamRejected) }
        if case .backOff(let until, let failure) = slot?.obstacle, until > now {
            return .refuse(failure.brokerError(retryAfter: until - now))
        }
        guard credential.spend(spender(for: key), at: now) else {
            return .refuse(.budgetExhausted(retryAfter: credential.wait(for: spender(for: key), at: now)))
        }
        let departure = depart(key, reason, at: now)
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
        /// For the keeper that takes over; nil while the flight goes on.
        let generation: Int?
        /// The rest of the flight: the same request with another of the credential's secrets.
        let next: Departure?
        /// Of which credential the other tenants have to know; nil when nothing has changed.
        let changed: SharedCredential?
    }

    /// Takes note of what the upstream answered to a departure.
    ///
    /// - Parameters:
    ///   - flown: The credential that was sent, which may have been changed meanwhile.
    ///   - place: Which of its secrets was sent.
    ///   - sent: When the request was sent.
    mutating func land(
        _ departure: Departure, with flown: SharedCredential, secret place: Int, sent: Instant,
        _ answer: Result<MintedToken, MintFailure>, at now: Instant
    ) -> Arrival {
        let proof = flown.fingerprints[place]
        guard var slot = slots[departure.key], let flight = slot.flight, flight.number == departure.number else {
            return landAbandoned(departure, with: flown, secret: place, sent: sent, answer, at: now)
        }
        let secret = credential.fingerprints.firstIndex(of: proof)
        if case .failure(let failure) = answer, failure.isOfCredential,
            secret.map({ credential.refuse($0, because: failure, at: now) }) ?? true,
            credential.spend(departure.spender, at: now)
        {
            history.note(departure, sent: sent, .failure(failure), at: now)
            changes.includeTenant = true
            return Arrival(
                waiters: [], landing: .landed, result: .failure(failure), generation: nil,
                next: departure.again(paidBy: credential), changed: nil)
        }
        let held = slot.token
        slot.flight = nil
        slot.generation = nextGeneration()
        var result = answer.flatMap {
            judge($0, for: departure.key, mintedWith: proof, held: held, sent: sent, at: now)
        }
        if case .success(let token) = result, slot.token?.fingerprint == token.fingerprint {
            result = take(again: token, in: &slot, at: now)
        }
        // A failure has brought no token: what is there must not be told to others as a later one.
        if case .success = result { slot.fence = max(slot.fence, departure.fence) }
        history.note(departure, sent: sent, result, at: now)
        let landing: Landing
        switch result {
        case .success(let token):
            let isTaken = secret.map { credential.accept($0, at: now) } ?? (flown.standing.secret == place)
            landing = accept(token, mintedWith: proof, secret, isTaken: isTaken, in: &slot, at: now)
        case .failure(let failure): landing = .failed(reject(failure, in: &slot, at: now))
        }
        slots[departure.key] = slot
        if slot.token !== held { changes.keys.insert(departure.key) }
        changes.includeTenant = true
        end(departure, with: slot.token !== held ? slot.token : nil)
        return Arrival(
            waiters: flight.waiters, landing: landing, result: result, generation: slot.generation, next: nil,
            changed: reviewCredential(at: now) ? credential : nil)
    }

    /// Whether a mint that may have been held back is still wanted; else the tenant has changed or is no more, and it is put
    /// back in the budget.
    mutating func mayLeave(_ departure: Departure, at now: Instant) -> Bool {
        if slots[departure.key]?.flight?.number == departure.number { return true }
        giveUp(departure, at: now)
        return false
    }

    /// Puts a mint back in the budget that was never made, or ends the claim that it was to be made under.
    mutating func giveUp(_ departure: Departure, at now: Instant) {
        guard departure.fence == 0 else {
            // Of a tenant that is one no more, nothing is kept.
            changes.includeTenant = !isRetired
            return end(departure, with: nil)
        }
        // Who has taken the payer's place owes what that owed, if no other broker keeps the account.
        let hasHeir = credential.client == departure.payer.client && !departure.payer.isShared
        (hasHeir ? credential : departure.payer).refund(at: now)
    }

    /// Ends a flight that never left, because the upstream has refused the credential meanwhile.
    mutating func ground(_ departure: Departure, because failure: MintFailure, at now: Instant) -> Arrival? {
        giveUp(departure, at: now)
        guard let flight = slots[departure.key]?.flight, flight.number == departure.number else { return nil }
        slots[departure.key]?.flight = nil
        let generation = nextGeneration()
        slots[departure.key]?.generation = generation
        return Arrival(
            waiters: flight.waiters, landing: .failed(.upstreamRejected), result: .failure(failure),
            generation: generation, next: nil, changed: reviewCredential(at: now) ? credential : nil)
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

    /// Whose part of the budget pays for what callers ask for.
    func spender(for key: TokenKey) -> MintBudget.Spender { key == defaultKey ? .caller : .narrower }

    /// A departure to replace a token before it ends; nil while one is under way or something stands in the way.
    private mutating func departAhead(_ key: TokenKey, at now: Instant) -> Departure? {
        if let slot = slots[key] {
            guard slot.flight == nil, let next = slot.nextTry(at: now), next <= now else { return nil }
        }
        guard !isSuspended, credential.spend(spender(for: key), at: now) else { return nil }
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
        return Departure(
            key: key, number: departures, reason: reason, timeout: timeout, payer: credential,
            spender: reason == .operator ? .operator : spender(for: key),
            refreshPoint: reason == .ahead ? slot.token?.schedule.refreshPoint : nil)
    }

    /// Forgets the key that was asked for longest ago, when there are too many; never the default or one in flight.
    private mutating func makeRoom() {
        guard slots.count >= settings.maximumKeysPerTenant else { return }
        let candidates = slots.all.filter { $0.slot.flight == nil && $0.key != defaultKey }
        let oldest = candidates.min { one, other in
            guard let first = one.slot.lastAsked, let second = other.slot.lastAsked else {
                return one.slot.lastAsked == nil
            }
            return first < second
        }
        if let oldest { slots[oldest.key] = nil }
    }
}

// MARK: Answers of the upstream

extension TenantState {
    /// Turns what the upstream minted into a token that may be handed out, or into the reason why not.
    mutating func judge(
        _ minted: MintedToken, for key: TokenKey, mintedWith proof: Fingerprint, held: AccessToken?, sent: Instant,
        at now: Instant
    ) -> Result<AccessToken, MintFailure> {
        let scopes = minted.scopes ?? key.scopes
        // Without a request for scopes the upstream decides. Else more than was asked for may be more than the callers of
        // this key are granted, and more than the tenant's ceiling.
        guard key.scopes.isEmpty || scopes.isSubset(of: key.scopes) else {
            return .failure(.unavailable("scope_exceeds_request"))
        }
        let lifetime = minted.lifetime ?? defaultLifetime
        let first = held?.secret == minted.token ? held?.schedule : nil
        let schedule =
            first?.repeated(sent: sent, lifetime: lifetime)
            ?? Schedule(sent: sent, lifetime: lifetime, draw: settings.random())
        let token = AccessToken(minted, scopes: scopes, schedule: schedule, render: settings.render)
        if issued.isRevoked(token.fingerprint, at: now) || issued.isRejected(token.fingerprint, at: now) {
            issued.extend(token.fingerprint, to: schedule.expiry, mintedWith: proof)
            changes.tombstones.insert(token.fingerprint)
        }
        if issued.isRevoked(token.fingerprint, at: now) { return .failure(.unavailable("revoked_token_again")) }
        if issued.isRejected(token.fingerprint, at: now) {
            // It is what the upstream has, and will be until it ends.
            return .failure(.unavailable("rejected_token_again", retryAfter: schedule.remaining(at: now)))
        }
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

    /// - Parameters:
    ///   - secret: The place of the secret; nil when it was taken out of the configuration while it was on its way.
    ///   - isTaken: Whether no other has taken that secret's place.
    private mutating func accept(
        _ token: AccessToken, mintedWith proof: Fingerprint, _ secret: Int?, isTaken: Bool, in slot: inout Slot,
        at now: Instant
    ) -> Landing {
        issued.note(token, mintedWith: proof, at: now)
        guard isTaken else { return .landed }
        let isRepeated = slot.token === token
        guard token.schedule.lifetime > .zero else {
            // Given to those who wait, and asked for again no sooner than after a failure: it might be all that ever comes.
            let failure = MintFailure.unavailable("no_lifetime")
            _ = reject(failure, in: &slot, at: now)
            return .once(token)
        }
        slot.token = token
        slot.secret = secret ?? winner
        if !isRepeated { slot.ledger.clear() }
        slot.lifetime = token.schedule.lifetime
        slot.failures = 0
        slot.failingSince = nil
        slot.obstacle = isRepeated ? .sameToken(until: token.schedule.lastUse) : .none
        slot.judged = now
        return .landed
    }

    /// - Returns: What the waiters learn.
    private mutating func reject(_ failure: MintFailure, in slot: inout Slot, at now: Instant) -> BrokerError {
        slot.failures += 1
        if case .rejected = failure {
            if !failure.isOfCredential { slot.fail(.suspended, at: now) }
            return .upstreamRejected
        }
        let delay = Backoff.delay(
            failures: slot.failures, retryAfter: failure.retryAfter, draw: settings.random())
        slot.fail(.backOff(until: now + delay, after: failure), at: now)
        return failure.brokerError(retryAfter: delay)
    }
}

// MARK: The credential

extension TenantState {
    /// Looks at the credential's standing: what was minted with a secret that is withdrawn is dropped.
    ///
    /// - Returns: Whether anything has changed.
    mutating func reviewCredential(at now: Instant) -> Bool {
        let standing = credential.standing
        guard standing.isSuspended != isSuspended || standing.winner != winner else { return false }
        noteSuspension(standing, at: now)
        // It may have been another tenant's mint that failed.
        if let suspension = standing.suspension { history.note(suspension, at: now) }
        guard standing.winner != winner else { return true }
        winner = standing.winner
        for key in slots.keys(where: { [winner] in $0.secret != winner }) { slots[key]?.dropToken() }
        liftSuspensions(at: now)
        return true
    }

    /// Takes note of whether the credential is refused, and since when.
    mutating func noteSuspension(_ standing: CredentialStanding, at now: Instant) {
        if standing.isSuspended != isSuspended { suspendedSince = standing.isSuspended ? now : nil }
    }

    mutating func liftSuspensions(at now: Instant) {
        lifted = now
        for key in slots.keys(where: { $0.obstacle == .suspended }) {
            slots[key]?.obstacle = .none
            slots[key]?.judged = now
            changes.includeTenant = true
        }
    }
}

// MARK: Keeping fresh without callers

extension TenantState {
    /// What the keeper of a key does next, if it is still the keeper.
    ///
    /// A token is replaced from its refresh point on while its key is wanted; else it is left alone until its end. A key
    /// that is not wanted any more is then forgotten.
    mutating func care(for key: TokenKey, generation: Int, at now: Instant) -> Care {
        guard var slot = slots[key], slot.generation == generation, slot.flight == nil else { return .end }
        if let token = slot.token, token.schedule.expiry <= now {
            slot.token = nil
            slots[key]?.token = nil
            issued.forgetEnded(at: now)
        }
        guard !isSuspended, let next = slot.nextTry(at: now), isWanted(key, slot, at: now) else {
            return retire(key, slot, at: now)
        }
        let due = max(next, slot.token?.schedule.refreshPoint ?? now)
        if due > now { return .sleep(until: due) }
        if let departure = departAhead(key, at: now) { return .depart(departure) }
        return .sleep(until: now + credential.wait(for: spender(for: key), at: now))
    }

    /// Settles when a key's keeper is woken.
    ///
    /// - Returns: Whether an alarm has to be set: one for the same instant serves each keeper that takes over.
    mutating func setAlarm(for key: TokenKey, generation: Int, at due: Instant) -> Bool {
        guard let slot = slots[key], slot.generation == generation else { return false }
        slots[key]?.alarm = Slot.Alarm(due: due, generation: generation)
        return slot.alarm?.due != due
    }

    /// Takes note that an alarm rings.
    ///
    /// - Returns: The keeper that it wakes; nil when none, or another alarm does.
    mutating func takeAlarm(for key: TokenKey, of due: Instant) -> Int? {
        guard let slot = slots[key], let alarm = slot.alarm, alarm.due == due else { return nil }
        slots[key]?.alarm = nil
        return alarm.generation == slot.generation ? alarm.generation : nil
    }

    /// Has new keepers look at every key, because something has changed that the old ones slept through.
    ///
    /// - Returns: The keys, with what makes their keepers the ones in charge.
    mutating func takeOver() -> [(key: TokenKey, generation: Int)] {
        if isRetired { return [] }
        if isKeptWarm, slots[defaultKey] == nil { slots[defaultKey] = Slot() }
        return slots.keys(where: { $0.flight == nil }).map { key in
            let generation = nextGeneration()
            slots[key]?.generation = generation
            return (key, generation)
        }
    }

    /// Unique for the tenant, so that no keeper of a key that was forgotten wakes up in charge of its successor.
    mutating func nextGeneration() -> Int {
        generations += 1
        return generations
    }

    func isWanted(_ key: TokenKey, _ slot: Slot, at now: Instant) -> Bool {
        slot.isInUse(at: now) || isKeptWarm && key == defaultKey
    }

    /// Forgets a key once nothing about it matters, but that the upstream refuses it.
    private mutating func retire(_ key: TokenKey, _ slot: Slot, at now: Instant) -> Care {
        // It may be wanted again by then.
        if let token = slot.token, token.schedule.refreshPoint > now {
            return .sleep(until: token.schedule.refreshPoint)
        }
        if let token = slot.token { return .sleep(until: token.schedule.expiry) }
        guard let end = slot.retirement(at: now) else { return .end }
        if end > now { return .sleep(until: end) }
        slots[key] = nil
        return .end
    }
}

// MARK: Rejection

extension TenantState {
    /// Whether that is the token which a key's callers are given.
    func isCurrent(_ fingerprint: Fingerprint, _ key: TokenKey) -> Bool {
        slots[key]?.token?.fingerprint == fingerprint
    }

    /// Drops a key's current token, which the vendor refuses, and raises its tombstone; any other is left alone.
    ///
    /// Whoever reports every token that it gets uses up no more than half of the budget: beyond that nothing is dropped.
    ///
    /// - Parameter caller: Who says so.
    mutating func reject(
        _ fingerprint: Fingerprint, _ key: TokenKey, by caller: CallerIdentity, at now: Instant
    ) -> Answer {
        guard isCurrent(fingerprint, key) else { return answer(key, minimum: nil, for: caller, at: now) }
        if let retryAfter = credential.takeRejection(by: caller.name, at: now) {
            return .refuse(.slowDown(retryAfter: retryAfter))
        }
        issued.markRejected(fingerprint)
        changes.tombstones.insert(fingerprint)
        drop(fingerprint)
        slots[key]?.lastAsked = now
        return answerCold(key, .rejected, at: now)
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
        guard mayTellUpstream(of: fingerprint) else {
            mark(fingerprint, .local)
            return .dropped
        }
        mark(fingerprint, .pending(nextTry: now + settings.revocationTimeout))
        return .attempt
    }

    /// Takes note of an attempt to tell the upstream.
    ///
    /// - Returns: How long until the next attempt; nil when there is to be none.
    mutating func noteRevocation(
        _ fingerprint: Fingerprint, _ failure: MintFailure?, failures: Int, at now: Instant
    ) -> Duration? {
        guard let failure else {
            mark(fingerprint, .upstream)
            return nil
        }
        // It has become another's, who must not see it, or there is nobody to be told any more.
        guard mayTellUpstream(of: fingerprint) else {
            mark(fingerprint, .local)
            return nil
        }
        // Refused is refused: to ask again soon would be one more failed login every minute.
        let retryAfter = failure.isPermanent ? Backoff.longestRetryAfter : failure.retryAfter
        let delay = Backoff.delay(failures: failures, retryAfter: retryAfter, draw: settings.random())
        mark(fingerprint, .pending(nextTry: now + delay))
        return delay
    }

    /// Whether the upstream has an endpoint to be told at, and has given that token.
    func mayTellUpstream(of fingerprint: Fingerprint) -> Bool {
        canRevoke && issued[fingerprint]?.isForeign == false
    }

    /// When to tell the upstream again; nil when there is no more need to.
    func nextRevocationTry(_ fingerprint: Fingerprint, at now: Instant) -> Instant? {
        guard case .pending(let nextTry) = issued.revocation(of: fingerprint, at: now) else { return nil }
        return nextTry
    }

    private mutating func mark(_ fingerprint: Fingerprint, _ revocation: IssuedTokens.Revocation) {
        issued.mark(fingerprint, revocation)
        changes.tombstones.insert(fingerprint)
    }

    mutating func drop(_ fingerprint: Fingerprint) {
        for key in slots.keys(where: { $0.token?.fingerprint == fingerprint }) {
            let generation = nextGeneration()
            slots[key]?.dropToken()
            slots[key]?.generation = generation
        }
    }
}
