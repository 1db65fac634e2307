extension TenantState {
    /// What has changed of what a store keeps.
    struct Changes {
        /// With another token.
        var keys: Set<TokenKey> = []
        /// Of tokens that were revoked or rejected, or whose revocation has come further.
        var tombstones: Set<Fingerprint> = []
        var includeTenant = false

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
                lastAsked: slot.lastAsked, by: clock, at: now)
            records.append(kept.record(of: tenant))
            issued.noteKept(token.fingerprint, key.scopes)
        }
        for fingerprint in changes.tombstones {
            guard let token = issued[fingerprint] else { continue }
            let kept = KeptTombstone(fingerprint, token, of: credential.client, by: clock, at: now)
            records.append(kept.record(of: tenant))
        }
        if changes.includeTenant {
            let kept = KeptTenant(
                identity: identity, secrets: credential.fingerprints, slots: slots, history: history, by: clock,
                at: now)
            records.append(kept.record(of: tenant))
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
    mutating func restore(_ kept: KeptTombstone, from moment: Instant) {
        issued.restore(kept, isForeign: kept.client != credential.client, canRevoke: canRevoke, from: moment)
    }

    /// - Parameters:
    ///   - identity: Of the tenant as it is now.
    ///   - moment: When it was written; now when that cannot be told.
    mutating func restore(_ kept: KeptTenant, of identity: TenantIdentity, from moment: Instant) {
        history = MintHistory(kept.history, from: moment)
        guard kept.identity == identity.digest.bytes, kept.secrets == credential.fingerprints else { return }
        for scopes in kept.suspended where mayHave(scopes) {
            slots[TokenKey(tenant: identity, scopes: scopes), default: Slot()].fail(.suspended, at: moment)
        }
        for (scopes, delay, failure) in kept.backOffs where mayHave(scopes) {
            slots[TokenKey(tenant: identity, scopes: scopes), default: Slot()].fail(
                .backOff(until: moment + delay, after: failure), at: moment)
        }
    }

    /// Takes a token up again, once the tombstones are there; of two tokens of a key, the one that comes last.
    ///
    /// - Parameters:
    ///   - identity: Of the tenant as it is now: a token of a tenant with other settings is of no use, but can be revoked.
    ///   - age: Since it was written; nil when that cannot be told. Then it may have ended, so that nobody gets it.
    mutating func restore(_ kept: KeptToken, of identity: TenantIdentity, age: Duration?, at now: Instant) {
        let moment = now - (age ?? .zero)
        let schedule = Schedule(
            lifetime: kept.lifetime, refreshPoint: moment + kept.refreshIn, expiry: moment + kept.expiresIn)
        let token = AccessToken(kept.minted, scopes: kept.granted, schedule: schedule, render: settings.render)
        issued.note(
            token.secret, token.fingerprint, mintedWith: kept.mintedWith, until: schedule.expiry,
            isForeign: kept.client != credential.client)
        issued.noteKept(token.fingerprint, kept.scopes)
        guard age != nil, kept.identity == identity.digest.bytes, mayHave(kept.scopes), schedule.isUsable(at: now),
            credential.takesTokens(of: kept.mintedWith), !issued.isRevoked(token.fingerprint, at: now),
            !issued.isRejected(token.fingerprint, at: now)
        else { return }
        let key = TokenKey(tenant: identity, scopes: kept.scopes)
        guard slots[key] != nil || slots.count < settings.maximumKeysPerTenant else { return }
        var slot = slots[key] ?? Slot()
        slot.token = token
        slot.secret = credential.place(of: kept.mintedWith)
        slot.lifetime = schedule.lifetime
        slot.lastAsked = kept.askedAgo.map { moment - $0 }
        slots[key] = slot
    }

    /// Whether a key of those scopes lies within the ceiling, which may have been another.
    func mayHave(_ scopes: ScopeSet) -> Bool {
        scopes.isSubset(of: defaultKey.scopes) && scopes.isEmpty == defaultKey.scopes.isEmpty
    }
}
