// What becomes of a tenant when the configuration is another.

extension TenantState {
    /// Goes on as the tenant is from now on: what a token is told from others by decides which are kept, as after a
    /// restart. What is on its way for a key that there still is lands in it.
    ///
    /// - Returns: Those who waited for what will not come.
    mutating func take(_ next: TenantSetup, at now: Instant) -> [Waiter] {
        let old = setup
        // What was minted with a secret that another has taken the place of goes with it.
        _ = reviewCredential(at: now)
        setup = next
        isRetired = false
        changes.includeTenant = true
        let isForeign = old.credential.client != next.credential.client
        if isForeign { issued.makeForeign() }
        if isForeign || !canRevoke { changes.tombstones.formUnion(issued.endPending()) }
        let waiters = refile()
        let standing = credential.standing
        noteSuspension(standing, at: now)
        winner = standing.winner
        if let suspension = standing.suspension { history.note(suspension, at: now) }
        if old.credential !== next.credential { takeCredential(after: old.credential) }
        if old.identity != next.identity || old.credential.fingerprints != next.credential.fingerprints {
            liftSuspensions(at: now)
        }
        return waiters
    }

    /// Ends as a tenant: there are no tokens any more, and what was revoked or rejected stays so until its natural end.
    ///
    /// - Returns: Those who waited, and what a store is to delete.
    mutating func retire(at now: Instant) -> (waiters: [Waiter], obsolete: [Record.ID]) {
        isRetired = true
        let kept = issued.kept
        issued.forgetLive()
        let waiters = slots.all.flatMap { $0.slot.flight?.waiters ?? [] }
        slots = SlotTable(defaultKey: defaultKey)
        history = MintHistory(at: now)
        changes = Changes()
        let name = setup.tenant.name
        return (
            waiters,
            [Record.ID(.tenant, tenant: name)] + kept.map { KeptToken.id(of: $0.fingerprint, $0.scopes, tenant: name) }
        )
    }

    /// Whether there is anything to remember of it once it has retired.
    mutating func hasTombstones(at now: Instant) -> Bool {
        issued.forgetEnded(at: now)
        return !issued.isEmpty
    }

    /// What a mint has come to whose key the tenant has no more: nobody gets the token, but it can be revoked, and the
    /// credential that was sent is as good as the upstream says.
    mutating func landAbandoned(
        _ departure: Departure, with flown: SharedCredential, secret place: Int, sent: Instant,
        _ answer: Result<MintedToken, MintFailure>, at now: Instant
    ) -> Arrival {
        let proof = flown.fingerprints[place]
        let result = answer.flatMap { judge($0, for: departure.key, mintedWith: proof, held: nil, sent: sent, at: now) }
        let before = flown.standing
        switch result {
        case .success(let token):
            _ = flown.accept(place, at: now)
            guard !isRetired else { break }
            issued.note(
                token.secret, token.fingerprint, mintedWith: proof, until: token.schedule.expiry,
                isForeign: flown.client != credential.client)
        case .failure(let failure):
            if failure.isOfCredential { _ = flown.refuse(place, because: failure, at: now) }
        }
        if !isRetired {
            history.note(departure, sent: sent, result, at: now)
            changes.includeTenant = true
            end(departure, with: nil)
        }
        return Arrival(
            waiters: [], landing: .landed, result: result, generation: nil, next: nil,
            changed: flown.standing == before ? nil : flown)
    }

    /// Keeps the slots whose keys there still are, with their flights.
    private mutating func refile() -> [Waiter] {
        let all = slots.all
        slots = SlotTable(defaultKey: setup.defaultKey)
        var waiters: [Waiter] = []
        for (key, slot) in all {
            if key.tenant == setup.identity, mayHave(key.scopes) {
                slots[key] = slot
            } else {
                waiters += slot.flight?.waiters ?? []
            }
        }
        return waiters
    }

    /// Has the tokens be of the secrets that they were minted with, wherever those are now.
    private mutating func takeCredential(after old: SharedCredential) {
        for (key, slot) in slots.all {
            guard let token = slot.token else { continue }
            let proof = issued[token.fingerprint]?.mintedWith ?? old.fingerprints[slot.secret]
            let place = credential.place(of: proof)
            slots[key]?.secret = place
        }
    }
}
