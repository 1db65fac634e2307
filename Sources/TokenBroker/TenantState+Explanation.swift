extension TenantState {
    /// - Parameter isShort: The default key alone, and no mints.
    func explanation(isShort: Bool, at now: Instant) -> Explanation {
        let tenant = setup.tenant
        var keys = [explanation(of: defaultKey, slots[defaultKey] ?? Slot(), at: now)]
        if !isShort {
            let others = slots.all.filter { $0.key != defaultKey }.map { explanation(of: $0.key, $0.slot, at: now) }
            keys += others.sorted { $0.scopes.scopes.lexicographicallyPrecedes($1.scopes.scopes) }
        }
        return Explanation(
            tenant: tenant.name, provider: tenant.provider.name,
            budget: Explanation.Budget(remaining: credential.remaining(at: now), limits: credential.limits),
            lastFailure: history.lastFailure.map { failure, at in
                Explanation.Failure(age: now - at, outcome: failure.outcome, cause: failure.cause)
            },
            keys: keys, mints: isShort ? [] : history.explained(at: now))
    }

    private func explanation(of key: TokenKey, _ slot: Slot, at now: Instant) -> Explanation.Key {
        let handOut = slot.handOut(minimum: nil, isSuspended: isSuspended, at: now)
        let holders = handOut == nil ? [] : slot.ledger.entries.sorted { $0.last > $1.last }
        return Explanation.Key(
            scopes: key.scopes, state: Explanation.State(handOut?.state), fingerprint: handOut?.token.fingerprint,
            expiresIn: handOut?.remaining, lifetime: handOut?.token.schedule.lifetime,
            holders: holders.map { Explanation.Holder(caller: $0.caller.name, age: now - $0.last) },
            refreshIn: nextRefresh(of: key, slot, at: now).map { $0 - now },
            retryIn: isSuspended ? nil : slot.nextTry(at: now).flatMap { $0 > now ? $0 - now : nil },
            isSuspended: isSuspended || slot.obstacle == .suspended, isFailing: slot.isFailing,
            isMinting: slot.flight != nil)
    }

    /// When a key's keeper will mint, if nobody asks meanwhile.
    private func nextRefresh(of key: TokenKey, _ slot: Slot, at now: Instant) -> Instant? {
        // Nobody looks after a key whose token was taken from it, unless it is kept warm.
        let hasKeeper = slot.token != nil || slot.obstacle != .none || isKeptWarm && key == defaultKey
        guard slot.flight == nil, hasKeeper else { return nil }
        guard !isSuspended, let next = slot.nextTry(at: now) else { return nil }
        let affordable = now + credential.wait(for: spender(for: key), at: now)
        let due = max(next, slot.token?.schedule.refreshPoint ?? now, affordable)
        return isWanted(key, slot, at: due) ? due : nil
    }
}
