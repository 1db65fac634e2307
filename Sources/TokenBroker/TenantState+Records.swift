extension TenantState {
    /// What has changed of what a store keeps.
    struct Changes {
        /// With another token.
        var keys: Set<TokenKey> = []
        /// Of tokens that were revoked or rejected, or whose revocation has come further.
        var tombstones: Set<Fingerprint> = []
        var includeTenant = false
        /// The claims that have ended; they go with the tenant.
        var ended: [EndedClaim] = []

        var isEmpty: Bool { keys.isEmpty && tombstones.isEmpty && !includeTenant }
    }

    /// What a store has to keep since this was last asked.
    mutating func takeRecords(by clock: WallClock, at now: Instant) -> [Record] {
        let (tenant, identity) = (setup.tenant.name, setup.identity)
        defer { changes = Changes() }
        var records: [Record] = []
        for key in changes.keys {
            guard let slot = slots[key], let token = slot.token else { continue }
            let kept = KeptToken(
                token, of: key, credential.client,
                mintedWith: issued[token.fingerprint]?.mintedWith ?? credential.fingerprints[slot.secret],
                fence: slot.fence, lastAsked: slot.lastAsked, by: clock, at: now)
            records.append(kept.record(of: tenant))
            issued.noteKept(token.fingerprint, key.scopes)
        }
        for fingerprint in changes.tombstones {
            guard let token = issued[fingerprint] else { continue }
            let kept = KeptTombstone(fingerprint, token, of: credential.client, by: clock, at: now)
            records.append(kept.record(of: tenant))
            // No other broker is to take it up any more.
            guard credential.isShared else { continue }
            for scopes in issued.takeKept(fingerprint) {
                records.append(Record(deleting: KeptToken.id(of: fingerprint, scopes, tenant: tenant)))
            }
        }
        if changes.includeTenant {
            let kept = KeptTenant(
                identity: identity, secrets: credential.fingerprints, slots: slots, history: history,
                lifted: lifted, by: clock, at: now)
            var record = kept.record(of: tenant)
            record.ended = changes.ended
            records.append(record)
        }
        return records
    }
}

// MARK: After a restart

extension TenantState {
    /// Whether a mint is due that nobody has asked for.
    func isDue(at now: Instant) -> Bool {
        isKeptWarm && slots[defaultKey]?.token == nil
            || slots.all.contains { $0.slot.token.map { $0.schedule.refreshPoint <= now } ?? false }
    }

    /// - Parameter moment: When it was written; now when that cannot be told.
    ///
    /// - Returns: Whether more is known of it than was kept.
    @discardableResult
    mutating func restore(_ kept: KeptTombstone, from moment: Instant) -> Bool {
        issued.restore(kept, isForeign: kept.client != credential.client, canRevoke: canRevoke, from: moment)
    }

    /// - Parameters:
    ///   - identity: Of the tenant as it is now.
    ///   - moment: When it was written; now when that cannot be told.
    mutating func restore(_ kept: KeptTenant, of identity: TenantIdentity, from moment: Instant) {
        history = MintHistory(kept.history, from: moment)
        guard kept.identity == identity.digest.bytes, kept.secrets == credential.fingerprints else { return }
        restoreObstacles(kept, of: identity, from: moment)
    }

    /// Takes up what stands in the way of mints, but for what has been judged here since.
    mutating func restoreObstacles(_ kept: KeptTenant, of identity: TenantIdentity, from moment: Instant) {
        if let ago = kept.liftedAgo, lifted.map({ $0 < moment - ago }) ?? true {
            let since = moment - ago
            lifted = since
            for key in slots.keys(where: { $0.obstacle == .suspended && $0.judged.map { $0 < since } ?? true }) {
                slots[key]?.obstacle = .none
                slots[key]?.judged = since
            }
        }
        let obstacles =
            kept.suspended.map { ($0.scopes, Slot.Obstacle.suspended, $0.age) }
            + kept.backOffs.map { ($0.scopes, .backOff(until: moment + $0.delay, after: $0.failure), $0.age) }
        for (scopes, obstacle, age) in obstacles where mayHave(scopes) {
            let (key, since) = (TokenKey(tenant: identity, scopes: scopes), moment - age)
            guard slots[key]?.judged.map({ $0 <= since }) ?? true else { continue }
            slots[key, default: Slot()].fail(obstacle, at: since)
        }
    }

    /// Takes a token up again, once the tombstones are there; of two tokens of a key, the one that comes last.
    ///
    /// - Parameters:
    ///   - identity: Of the tenant as it is now: a token of a tenant with other settings is of no use, but can be revoked.
    ///   - age: Since it was written; nil when that cannot be told. Then it may have ended, so that nobody gets it.
    mutating func restore(_ kept: KeptToken, of identity: TenantIdentity, age: Duration?, at now: Instant) {
        let moment = now - (age ?? .zero)
        let token = note(kept, from: moment)
        let schedule = token.schedule
        guard age != nil, kept.identity == identity.digest.bytes, mayHave(kept.scopes), schedule.isUsable(at: now),
            credential.takesTokens(of: kept.mintedWith), !issued.isRevoked(token.fingerprint, at: now),
            !issued.isRejected(token.fingerprint, at: now)
        else { return }
        let key = TokenKey(tenant: identity, scopes: kept.scopes)
        guard slots[key] != nil || slots.count < settings.maximumKeysPerTenant else { return }
        var slot = slots[key] ?? Slot()
        slot.token = token
        slot.fence = kept.fence
        slot.secret = credential.place(of: kept.mintedWith)
        slot.lifetime = schedule.lifetime
        slot.lastAsked = [slot.lastAsked, kept.askedAgo.map { moment - $0 }].compactMap(\.self).max()
        slots[key] = slot
    }

    /// Takes note of a token that can be revoked, whether or not anybody gets it.
    @discardableResult
    mutating func note(_ kept: KeptToken, from moment: Instant) -> AccessToken {
        let schedule = Schedule(
            lifetime: kept.lifetime, refreshPoint: moment + kept.refreshIn, expiry: moment + kept.expiresIn)
        let token = AccessToken(kept.minted, scopes: kept.granted, schedule: schedule, render: settings.render)
        issued.note(
            token.secret, token.fingerprint, mintedWith: kept.mintedWith, until: schedule.expiry,
            isForeign: kept.client != credential.client)
        issued.noteKept(token.fingerprint, kept.scopes)
        return token
    }

    /// Whether a key of those scopes lies within the ceiling, which may have been another.
    func mayHave(_ scopes: ScopeSet) -> Bool {
        scopes.isSubset(of: defaultKey.scopes) && scopes.isEmpty == defaultKey.scopes.isEmpty
    }
}
