import Synchronization

extension Broker {
    /// A credential that takes up what is known of another of the same client.
    private struct Succession {
        let heir: SharedCredential
        let other: SharedCredential
        /// How many of the other's mints it knows of.
        let mints: Int
    }

    /// Has a broker with other tenants take this one's place: what they have in common goes on as it is, with its tokens,
    /// flights, budgets and history.
    ///
    /// - A tenant that is there no more drops its tokens, here and in the store; its requests are answered as those of an
    ///   unknown one, and what the vendor was yet to be told of revocations is still told.
    /// - One that is changed keeps what it would keep over a restart, and what is under way.
    /// - One that there has not been since the start is what that would have found.
    /// - A mint that leaves while this is done lands where it belongs.
    ///
    /// This one goes on to serve the requests that have it, but gives them nothing of a tenant that has become another
    /// account's. Nobody else may call this meanwhile.
    ///
    /// - Parameter install: Gives the new one the requests that come from now on. Only then do the tenants change, so that
    ///   hardly any has begun with the old one.
    package func handOver(to tenants: [Tenant], callerDeadline: Duration, install: (Broker) -> Void) {
        let now = places[0].timekeeper.now
        var next = Tenancy()
        let successions: [Succession]
        (next.credentials, successions) = credentials(of: tenants, at: now)
        next.unclaimed = tenancy.unclaimed
        next.unclaimed?.restore(next.credentials.filter { tenancy.credentials[$0] !== $1 }, at: now)
        var changed: [(cache: TokenCache, setup: TenantSetup)] = []
        var added: [String: TokenCache] = [:]
        for tenant in tenants {
            guard let credential = next.credentials[CredentialIdentity(tenant)] else { continue }
            let old = tenancy.entries[tenant.name]
            if let old, old.setup.tenant == tenant, old.setup.credential === credential {
                next.entries[tenant.name] = old
                continue
            }
            let setup = TenantSetup(tenant, credential)
            let known = old?.cache ?? tenancy.retired[tenant.name]
            let cache = known ?? TokenCache(setup, Self.place(of: tenant.name, among: places))
            next.entries[tenant.name] = Entry(setup: setup, cache: cache)
            changed.append((cache, setup))
            if known == nil { added[tenant.name] = cache }
            if let known, known.setup.credential !== credential { credential.add(known) }
        }
        next.unclaimed?.restore(added, at: now)
        precondition(next.entries.count == tenants.count, "no two tenants of one name")
        next.names = next.entries.keys.sorted()
        for place in places { place.callerDeadline = callerDeadline }
        retire(into: &next, at: now)
        if places[0].persistence?.replicas != nil { next.index() }
        next.tellCredentials()
        let broker = Broker(next, in: self)
        broker.show(tenants)
        install(broker)
        for (cache, setup) in changed where cache.setup !== setup { cache.take(setup) }
        // What has left in between.
        for one in successions { one.heir.take(one.other, beyond: one.mints, at: now) }
        for cache in added.values { cache.resumeRevocations() }
        broker.warm(changed.map(\.cache))
    }

    /// Those that are tenants no more, and of which there is something to remember or to do.
    package var retired: [Tenant] { tenancy.retired.values.map(\.setup.tenant) }

    /// Those of the tenants, and those of others that may be needed again: a budget is not filled by leaving and coming back.
    private func credentials(
        of tenants: [Tenant], at now: Instant
    ) -> ([CredentialIdentity: SharedCredential], [Succession]) {
        var credentials: [CredentialIdentity: SharedCredential] = [:]
        var successions: [Succession] = []
        let inForce = Set(tenancy.entries.values.map { ObjectIdentifier($0.setup.credential) })
        lazy var byClient = Dictionary(grouping: tenancy.credentials.values, by: \.client)
        for (identity, tenants) in Dictionary(grouping: tenants, by: CredentialIdentity.init) {
            let known = tenancy.credentials[identity].flatMap { $0.isShared(by: tenants) ? $0 : nil }
            let credential =
                known ?? SharedCredential(identity, of: tenants, at: now, keptBy: places[0].persistence)
            credentials[identity] = credential
            // One that comes back owes what was minted with another meanwhile.
            if inForce.contains(ObjectIdentifier(credential)) { continue }
            for other in byClient[credential.client] ?? [] where other !== credential {
                successions.append(
                    Succession(heir: credential, other: other, mints: credential.succeed(other, at: now)))
            }
        }
        let heirs = Dictionary(grouping: credentials.values, by: \.client)
        for (identity, credential) in tenancy.credentials
        where credentials[identity] == nil
            && !credential.isForgettable(beside: heirs[credential.client] ?? [], at: now)
        {
            credentials[identity] = credential
        }
        return (credentials, successions)
    }

    private func retire(into next: inout Tenancy, at now: Instant) {
        for (name, entry) in tenancy.entries where next.entries[name] == nil { entry.cache.retire() }
        let gone = tenancy.entries.mapValues(\.cache).merging(tenancy.retired) { cache, _ in cache }
        for (name, cache) in gone where next.entries[name] == nil && cache.hasTombstones { next.retired[name] = cache }
    }
}

extension Broker.Tenancy {
    /// Has each credential tell its tenants of changes, and no others.
    fileprivate func tellCredentials() {
        let byCredential = Dictionary(grouping: names.compactMap { entries[$0] }) {
            ObjectIdentifier($0.setup.credential)
        }
        for credential in credentials.values {
            credential.tell((byCredential[ObjectIdentifier(credential)] ?? []).map(\.cache))
        }
    }
}

extension TokenCache {
    /// Goes on as the tenant is from now on.
    func take(_ setup: TenantSetup) {
        let now = now
        for waiter in change({ $0.take(setup, at: now) }) { waiter.continuation.resume(returning: .landed) }
    }

    /// Ends as a tenant.
    func retire() {
        let now = now
        let waiters = state.withLock { state in
            let (waiters, obsolete) = state.retire(at: now)
            // Under the lock, as whatever the tenant has kept after it comes later.
            surroundings.persistence?.store.keep(obsolete.map(Record.init(deleting:)))
            return waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: .failed(.unknownTenant)) }
    }

    /// Whether there is anything to remember of it once it has retired.
    var hasTombstones: Bool {
        let now = now
        return state.withLock { $0.hasTombstones(at: now) }
    }
}
