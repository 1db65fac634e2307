// What becomes of a tenant when another broker has done something.

extension TenantState {
    // MARK: Claims

    /// Takes note that a departure was claimed.
    ///
    /// - Returns: Whether its flight is still to be flown; if not, the claim has ended.
    mutating func grant(_ departure: Departure, at now: Instant) -> Bool {
        guard mayLeave(departure, at: now) else { return false }
        slots[departure.key]?.flight?.fence = departure.fence
        return true
    }

    /// Ends the claim of a departure, if there is one, once what it has come to is durable.
    ///
    /// - Parameter token: What it has brought.
    mutating func end(_ departure: Departure, with token: AccessToken?) {
        guard departure.fence > 0 else { return }
        let id = token.map { KeptToken.id(of: $0.fingerprint, departure.key.scopes, tenant: setup.tenant.name) }
        changes.ended.append(EndedClaim(name: departure.key.claimName, fence: departure.fence, token: id))
    }

    /// Ends a flight that never left, as all brokers together may not, or none can be asked.
    ///
    /// - Parameter failure: Has the key wait for a second, and the mint be put back in the budget; nil when that is what it
    ///   waits for.
    mutating func ground(_ departure: Departure, after failure: MintFailure?, at now: Instant) -> Arrival? {
        if failure != nil { giveUp(departure, at: now) }
        guard let flight = slots[departure.key]?.flight, flight.number == departure.number else { return nil }
        let generation = nextGeneration()
        slots[departure.key]?.flight = nil
        slots[departure.key]?.generation = generation
        let error: BrokerError
        if let failure {
            // It says nothing of the upstream, which others may have heard of.
            slots[departure.key]?.obstacle = .backOff(until: now + .seconds(1), after: failure)
            error = failure.brokerError(retryAfter: .seconds(1))
        } else {
            error = .budgetExhausted(retryAfter: credential.wait(for: departure.spender, at: now))
        }
        return Arrival(
            waiters: flight.waiters, landing: .failed(error), result: .failure(failure ?? .throttled(retryAfter: nil)),
            generation: generation, next: nil, changed: nil)
    }

    // MARK: Taking up

    /// Takes up a token that another broker minted, if it is later than what is here.
    ///
    /// - Returns: Those who waited for one.
    mutating func takeUp(_ kept: KeptToken, age: Duration?, at now: Instant) -> [Waiter] {
        note(kept, from: now - (age ?? .zero))
        guard kept.identity == setup.identity.digest.bytes else { return [] }
        let key = TokenKey(tenant: setup.identity, scopes: kept.scopes)
        let held = slots[key]
        let isLater =
            kept.fence > held?.fence ?? 0
            || kept.fence == held?.fence ?? 0 && held?.token.map { $0.secret == kept.minted.token } != true
                && now + kept.expiresIn - (age ?? .zero) > held?.token?.schedule.expiry ?? now
        guard isLater else { return [] }
        restore(kept, of: setup.identity, age: age, at: now)
        // Also of one that cannot be handed out here: it is no older for that.
        slots[key]?.fence = max(kept.fence, held?.fence ?? 0)
        guard var slot = slots[key], let token = slot.token, token !== held?.token else { return [] }
        let isRepeated = held?.token?.secret == token.secret
        if !isRepeated { slot.ledger.clear() }
        slot.failures = 0
        slot.failingSince = nil
        // The upstream has said so to another.
        slot.obstacle = isRepeated ? .sameToken(until: token.schedule.lastUse) : .none
        slot.judged = now - (age ?? .zero)
        credential.prove(kept.mintedWith)
        takenUp += 1
        // What left under a higher number will bring a later one.
        defer { slots[key] = slot }
        guard let flight = slot.flight, flight.fence ?? 0 < kept.fence else { return [] }
        slot.flight = nil
        return flight.waiters
    }

    /// Takes up that another broker has revoked or rejected a token.
    mutating func takeUp(_ kept: KeptTombstone, from moment: Instant) {
        if restore(kept, from: moment) { changes.tombstones.insert(kept.fingerprint) }
        let isGone = issued[kept.fingerprint].map { $0.isRejected || $0.revocation != .none } ?? false
        if isGone, slots.all.contains(where: { $0.slot.token?.fingerprint == kept.fingerprint }) {
            drop(kept.fingerprint)
            takenUp += 1
        }
    }

    /// Takes up another broker's mint log, and what stands in the way of its mints.
    ///
    /// - Parameter moment: When it was written; `now` when that cannot be told.
    /// - Returns: Those who waited for a mint that is not to be, and why not.
    mutating func takeUp(
        _ kept: KeptTenant, from moment: Instant, at now: Instant
    ) -> [(waiters: [Waiter], landing: Landing)] {
        history.merge(MintHistory(kept.history, from: moment))
        guard kept.identity == setup.identity.digest.bytes, kept.secrets == credential.fingerprints else { return [] }
        let before = slots.all.map(\.slot.obstacle)
        restoreObstacles(kept, of: setup.identity, from: moment)
        if slots.all.map(\.slot.obstacle) != before { takenUp += 1 }
        return slots.keys(where: { $0.flight != nil && $0.flight?.fence == nil }).compactMap { key in
            guard let slot = slots[key], let flight = slot.flight else { return nil }
            let error: BrokerError
            switch slot.obstacle {
            case .backOff(let until, let failure) where until > now:
                error = failure.brokerError(retryAfter: until - now)
            case .suspended: error = .upstreamRejected
            default: return nil
            }
            slots[key]?.flight = nil
            takenUp += 1
            return (flight.waiters, .failed(error))
        }
    }

    /// Has the store keep again all that is to survive a restart.
    mutating func noteAll() {
        if isRetired { return changes.tombstones.formUnion(issued.tombstones) }
        changes.keys.formUnion(slots.keys { $0.token != nil })
        changes.tombstones.formUnion(issued.tombstones)
        changes.includeTenant = true
    }
}
