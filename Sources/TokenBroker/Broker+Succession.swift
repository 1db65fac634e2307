import Synchronization

extension Broker {
    /// The broker with other tenants that takes this one's place: what they have in common goes on as it is, with its
    /// tokens, flights, budgets and history.
    ///
    /// - A tenant that is there no more drops its tokens, here and in the store; its requests are answered as those of an
    ///   unknown one, and what the vendor was yet to be told of revocations is still told.
    /// - One that is changed keeps what it would keep over a restart, and what is under way.
    /// - One that there has not been since the start is what that would have found.
    /// - A mint that leaves while this is done lands where it belongs.
    ///
    /// This one goes on to serve the requests that have it. Nobody else may call this meanwhile.
    package func succeeded(by tenants: [Tenant], callerDeadline: Duration) -> Broker {
        let now = places[0].timekeeper.now
        var next = Tenancy()
        next.credentials = credentials(of: tenants, at: now)
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
        for (cache, setup) in changed where cache.setup !== setup { cache.take(setup) }
        retire(into: &next, at: now)
        let broker = Broker(next, in: self)
        broker.show(tenants)
        for cache in added.values { cache.resumeRevocations() }
        broker.warm(changed.map(\.cache))
        return broker
    }

    /// Those that are tenants no more, and of which there is something to remember or to do.
    package var retired: [Tenant] { tenancy.retired.values.map(\.setup.tenant) }

    /// Those of the tenants, and those of others that may be needed again: a budget is not filled by leaving and coming back.
    private func credentials(of tenants: [Tenant], at now: Instant) -> [CredentialIdentity: SharedCredential] {
        var credentials: [CredentialIdentity: SharedCredential] = [:]
        lazy var byClient = Dictionary(grouping: tenancy.credentials.values, by: \.client)
        for (identity, tenants) in Dictionary(grouping: tenants, by: CredentialIdentity.init) {
            if let known = tenancy.credentials[identity], known.isShared(by: tenants) {
                credentials[identity] = known
                continue
            }
            let credential = SharedCredential(identity, of: tenants, at: now, keptBy: places[0].persistence)
            for other in byClient[credential.client] ?? [] { credential.succeed(other, at: now) }
            credentials[identity] = credential
        }
        for (identity, credential) in tenancy.credentials
        where credentials[identity] == nil && !credential.isForgettable(at: now) {
            credentials[identity] = credential
        }
        return credentials
    }

    private func retire(into next: inout Tenancy, at now: Instant) {
        for (name, entry) in tenancy.entries where next.entries[name] == nil { entry.cache.retire() }
        let gone = tenancy.entries.mapValues(\.cache).merging(tenancy.retired) { cache, _ in cache }
        for (name, cache) in gone where next.entries[name] == nil && cache.hasTombstones { next.retired[name] = cache }
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
