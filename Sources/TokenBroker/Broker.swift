package import Logging
package import Telemetry

/// Hands out the tokens of every tenant to those who may have them: the one thing this program does.
///
/// Grants are checked on every request, whether a token is cached or not. Tenants share nothing: each has a cache, a lock
/// and background tasks of its own. Those with the same credential share what the upstream thinks of that.
///
/// It has the tenants of one configuration, and another takes its place when that is another: ``handOver(to:callerDeadline:install:)``.
package final class Broker: Sendable {
    /// A tenant's cache, and what this configuration has requests for it held against.
    struct Entry: Sendable {
        let setup: TenantSetup
        let cache: TokenCache
    }

    /// What all the tenants of a configuration come to.
    struct Tenancy: Sendable {
        var entries: [String: Entry] = [:]
        /// Every tenant's, sorted.
        var names: [String] = []
        var credentials: [CredentialIdentity: SharedCredential] = [:]
        /// The same by ``SharedCredential/client``; empty where no other broker has the store.
        var credentialsByClient: [[UInt8]: [SharedCredential]] = [:]
        /// The caches of those that are tenants no more, while there is something to remember or to do.
        var retired: [String: TokenCache] = [:]
        /// What a store kept of tenants and credentials that there have not been since the start; nil without a store.
        var unclaimed: Restoration?
    }

    let tenancy: Tenancy
    let places: [TokenCache.Surroundings]
    private let warmUpInterval: Duration
    private let store: (any TokenStore)?

    /// - Parameters:
    ///   - tenants: Each with a name of its own.
    ///   - executors: Where background work runs: a tenant's always on the same one. Empty: wherever.
    ///   - persistence: Where what changes is kept; nil forgets everything at the end of the process.
    ///   - kept: All that was kept there.
    package init(
        tenants: [Tenant], endpoint: any TokenEndpoint, timekeeper: any Timekeeper,
        executors: [any TaskExecutor] = [], settings: Settings = Settings(), metrics: MetricsRegistry, logger: Logger,
        persistence: Persistence? = nil, kept: KeptRecords = KeptRecords()
    ) {
        store = persistence?.store
        warmUpInterval = .seconds(1) / settings.warmUpsPerSecond
        let metrics = BrokerMetrics(metrics)
        let now = timekeeper.now
        places = (executors.isEmpty ? [nil] : executors.map(Optional.some)).map { executor in
            TokenCache.Surroundings(
                endpoint: endpoint, timekeeper: timekeeper, executor: executor, settings: settings, metrics: metrics,
                logger: logger, persistence: persistence)
        }
        var tenancy = Tenancy()
        tenancy.unclaimed = persistence.map { Restoration(kept, by: $0.clock, logger: logger) }
        for (identity, tenants) in Dictionary(grouping: tenants, by: CredentialIdentity.init) {
            tenancy.credentials[identity] = SharedCredential(identity, of: tenants, at: now, keptBy: persistence)
        }
        tenancy.unclaimed?.restore(tenancy.credentials, at: now)
        for tenant in tenants {
            guard let credential = tenancy.credentials[CredentialIdentity(tenant)] else { continue }
            let setup = TenantSetup(tenant, credential)
            tenancy.entries[tenant.name] = Entry(
                setup: setup, cache: TokenCache(setup, Self.place(of: tenant.name, among: places)))
        }
        precondition(tenancy.entries.count == tenants.count, "no two tenants of one name")
        if persistence?.replicas != nil { tenancy.index() }
        tenancy.unclaimed?.restore(tenancy.entries.mapValues(\.cache), at: now)
        // With other brokers it would soon be out of date: the store is read again for new tenants.
        if persistence?.replicas != nil { tenancy.unclaimed = nil }
        tenancy.names = tenancy.entries.keys.sorted()
        self.tenancy = tenancy
        metrics.register(for: tenants)
        show(tenants)
    }

    /// The one that takes another's place.
    init(_ tenancy: Tenancy, in place: Broker) {
        self.tenancy = tenancy
        places = place.places
        store = place.store
        warmUpInterval = place.warmUpInterval
    }

    /// Has the metrics be those of these tenants from now on, in this order.
    func show(_ tenants: [Tenant]) {
        places.first?.metrics.show(tenants.compactMap { tenancy.entries[$0.name]?.cache })
    }

    /// Takes up the work that needs no caller: refreshes, revocations that the upstream has not heard of, and mints for the
    /// tenants that are kept warm.
    ///
    /// What is due is minted one by one at the rate of `Settings.warmUpsPerSecond`: what can still be handed out before what
    /// is cold, whatever ends first before the rest. A caller waits for none of it: what it asks for is minted at once, and
    /// then found there.
    package func start() {
        let caches = tenancy.names.compactMap { tenancy.entries[$0]?.cache }
        for cache in caches { cache.resumeRevocations() }
        warm(caches)
    }

    /// Takes up what is to be done without a caller for tenants that are new, or were changed.
    func warm(_ caches: [TokenCache]) {
        let due = caches.filter { $0.warmUnlessDue() }.map { (cache: $0, end: $0.endOfUse) }
        let rows = due.sorted { $0.end < $1.end }.map { WeakCache(cache: $0.cache) }
        guard !rows.isEmpty, let place = places.first else { return }
        let timekeeper = place.timekeeper
        Task(executorPreference: place.executor) { [warmUpInterval] in
            var next = timekeeper.now
            for row in rows {
                await timekeeper.sleep(until: next)
                row.cache?.warm()
                next = max(next, timekeeper.now) + warmUpInterval
            }
        }
    }

    /// Lets no more mint leave, and waits for those that have, so that what they bring is kept.
    ///
    /// - Parameter limit: After that they are left to themselves.
    package func end(within limit: Duration) async {
        for place in places { place.flights.end() }
        guard store != nil, let timekeeper = places.first?.timekeeper else { return }
        let end = timekeeper.now + limit
        while places.contains(where: { $0.flights.count > 0 }), timekeeper.now < end {
            await timekeeper.sleep(until: timekeeper.now + .milliseconds(10))
        }
    }

    /// The token that a caller asks for, if that is cached and fresh; nil is no refusal, but has the caller wait for
    /// ``token(_:)``.
    ///
    /// - Throws: `.accessDenied`, `.unknownTenant` or `.invalidScope`.
    package func freshToken(_ request: borrowing TokenRequest) throws(BrokerError) -> HandOut? {
        let entry = try entry(of: request.tenant, for: request.grant)
        let key = try Self.key(request.scopes, grant: request.grant, of: entry.setup)
        return entry.cache.freshToken(key, minimum: request.minimumLifetime, for: request.caller)
    }

    /// The token that a caller asks for: a cached one, or after a mint, which is waited for `Settings.callerDeadline` at
    /// most.
    ///
    /// - Throws: ``BrokerError``; what concerns the upstream only while no usable token is cached.
    package func token(_ request: TokenRequest) async throws(BrokerError) -> HandOut {
        let entry = try entry(of: request.tenant, for: request.grant)
        let key = try Self.key(request.scopes, grant: request.grant, of: entry.setup)
        do throws(BrokerError) {
            return try await entry.cache.token(key, minimum: request.minimumLifetime, for: request.caller)
        } catch { throw error.concealed(from: request.grant) }
    }

    /// The current token, after a caller has said that the vendor refuses the one of that fingerprint.
    ///
    /// Only if that is still the current token for the request's scopes is it dropped, never to be handed out again, and one
    /// other minted, however many report it. The upstream is told nothing.
    ///
    /// - Throws: As ``token(_:)``, and `.slowDown` when the caller reports too much: then nothing is dropped.
    package func reject(_ fingerprint: Fingerprint, _ request: TokenRequest) async throws(BrokerError) -> HandOut {
        let entry = try entry(of: request.tenant, for: request.grant)
        let key = try Self.key(request.scopes, grant: request.grant, of: entry.setup)
        do throws(BrokerError) {
            return try await entry.cache.reject(fingerprint, key, by: request.caller)
        } catch { throw error.concealed(from: request.grant) }
    }

    /// Mints a tenant's default token now and lifts the tenant's suspensions, for an operator.
    ///
    /// The mint counts in the budget but may use the operators' reserve.
    package func refresh(tenant: String, grant: Grant) async throws(BrokerError) -> HandOut {
        guard grant.isOperator else { throw .accessDenied }
        guard let entry = tenancy.entries[tenant] else { throw .unknownTenant }
        return try await entry.cache.refresh()
    }

    /// Revokes a token of a tenant that the grant allows; any other is unknown.
    ///
    /// It is never handed out again, whatever becomes of the upstream's part, and neither after a restart. Idempotent: a
    /// repeated call reports how far it is.
    ///
    /// - Throws: `.accessDenied`, `.storeUnavailable` while a restart would forget it, or `.revocationPending` while the
    ///   upstream could not be told.
    package func revoke(_ token: Secret, grant: Grant) async throws(BrokerError) -> Revocation {
        guard grant.mayRevoke else { throw .accessDenied }
        let fingerprint = Fingerprint(of: token.reveal())
        if let revocation = try await revoke(token, fingerprint, grant: grant) { return revocation }
        // It may have been minted by another broker just now.
        if let replicas = places.first?.persistence?.replicas {
            guard await replicas.hear() else { throw .storeUnavailable(retryAfter: .seconds(1)) }
            if let revocation = try await revoke(token, fingerprint, grant: grant) { return revocation }
        }
        return .unknown
    }

    /// - Returns: nil for a token that is unknown.
    private func revoke(
        _ token: Secret, _ fingerprint: Fingerprint, grant: Grant
    ) async throws(BrokerError) -> Revocation? {
        var attempts: [TokenCache] = []
        var results: [Result<Revocation, BrokerError>] = []
        // All of them, as an upstream may give two tenants with one credential the same token, and those that are no more, as
        // it is still told of their tokens; and all before any upstream is told, which may take long.
        let caches = tenancy.entries.values.map(\.cache) + tenancy.retired.values
        for (index, cache) in caches.enumerated() where grant.allows(cache.name) {
            if let result = cache.drop(fingerprint) { results.append(result) } else { attempts.append(cache) }
            // A hundred thousand locks would hold the event loop up.
            if index.isMultiple(of: 512) { await Task.yield() }
        }
        results += await withTaskGroup(of: Result<Revocation, BrokerError>.self) { group in
            for cache in attempts { group.addTask { await cache.revokeUpstream(token, fingerprint) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        try await settle()
        for case .failure(let pending) in results { throw pending }
        let revocations = results.compactMap { try? $0.get() }
        return revocations.contains(.upstream) ? .upstream : revocations.first { $0 != .unknown }
    }

    /// Revokes every token of a tenant that may still be alive, for an operator.
    ///
    /// - Parameter withdrawnOnly: Only those that were minted with another than the credential's present secret.
    /// - Throws: `.accessDenied`, `.unknownTenant`, or `.storeUnavailable` while a restart would forget it.
    package func revokeAll(
        of tenant: String, withdrawnOnly: Bool, grant: Grant
    ) async throws(BrokerError) -> RevocationCount {
        guard grant.isOperator else { throw .accessDenied }
        guard let entry = tenancy.entries[tenant] else { throw .unknownTenant }
        let count = await entry.cache.revokeAll(withdrawnOnly: withdrawnOnly)
        try await settle()
        return count
    }

    /// The tenant's name if there is one of that name.
    package func known(_ tenant: String) -> String? { tenancy.entries[tenant] == nil ? nil : tenant }

    /// Whether what happens survives a restart; nil when nothing is meant to.
    package var storeCondition: StoreCondition? { store?.condition }

    /// Waits until all that has happened would survive a restart, and is known to every other broker with the same store.
    private func settle() async throws(BrokerError) {
        let replicas = places.first?.persistence?.replicas
        guard await store?.settle() ?? true, await replicas?.spread() ?? true else {
            throw .storeUnavailable(retryAfter: .seconds(1))
        }
    }

    private func entry(of tenant: String, for grant: Grant) throws(BrokerError) -> Entry {
        guard let entry = tenancy.entries[tenant] else { throw .unknownTenant.concealed(from: grant) }
        guard grant.allows(tenant) else { throw .accessDenied }
        return entry
    }

    /// The key of a request, if its scopes lie within the tenant's ceiling and the grant.
    ///
    /// With an empty ceiling the upstream decides what a token may do. That can be held against no grant beforehand, so
    /// a grant that limits scopes gets none of that tenant's tokens.
    private static func key(_ requested: ScopeSet?, grant: Grant, of setup: TenantSetup) throws(BrokerError) -> TokenKey
    {
        let ceiling = setup.tenant.scopes
        guard let requested, !requested.isEmpty else {
            guard let granted = grant.scopes else { return setup.defaultKey }
            let both = ceiling.intersection(granted)
            guard !both.isEmpty else { throw .invalidScope }
            return TokenKey(tenant: setup.identity, scopes: both)
        }
        guard requested.isSubset(of: ceiling), requested.isSubset(of: grant.scopes ?? ceiling) else {
            throw .invalidScope
        }
        return TokenKey(tenant: setup.identity, scopes: requested)
    }

    /// By the FNV-1a hash of the name, so that a tenant stays where it is however many others come and go.
    static func place(of tenant: String, among places: [TokenCache.Surroundings]) -> TokenCache.Surroundings {
        let hash = tenant.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return places[Int(hash % UInt64(places.count))]
    }
}

extension Broker.Tenancy {
    /// Has credentials be found by their client.
    mutating func index() { credentialsByClient = Dictionary(grouping: credentials.values, by: \.client) }
}

extension BrokerError {
    /// The same, or `.accessDenied` in place of `.unknownTenant` for those who may not learn which tenants there are.
    fileprivate func concealed(from grant: Grant) -> BrokerError {
        self == .unknownTenant && !grant.seesEveryTenant ? .accessDenied : self
    }
}
