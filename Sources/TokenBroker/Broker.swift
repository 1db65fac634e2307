package import Logging
package import Telemetry

/// Hands out the tokens of every tenant to those who may have them: the one thing this program does.
///
/// Grants are checked on every request, whether a token is cached or not. Tenants share nothing: each has a cache, a lock
/// and background tasks of its own.
package final class Broker: Sendable {
    private let caches: [String: TokenCache]

    /// - Parameters:
    ///   - tenants: Each with a name of its own.
    ///   - executors: Where background work runs: a tenant's always on the same one. Empty: wherever.
    package init(
        tenants: [Tenant], endpoint: any TokenEndpoint, timekeeper: any Timekeeper,
        executors: [any TaskExecutor] = [], settings: Settings = Settings(), metrics: MetricsRegistry, logger: Logger
    ) {
        let metrics = BrokerMetrics(metrics)
        let caches = tenants.map { tenant in
            TokenCache(
                tenant,
                TokenCache.Surroundings(
                    endpoint: endpoint, timekeeper: timekeeper,
                    executor: Self.executor(of: tenant.name, among: executors), settings: settings, metrics: metrics,
                    logger: logger))
        }
        self.caches = Dictionary(caches.map { ($0.tenant.name, $0) }) { _, _ in
            preconditionFailure("two tenants of one name")
        }
        metrics.observe(caches)
    }

    /// Mints the tokens of the tenants that are kept warm.
    package func start() {
        for cache in caches.values where cache.tenant.keepWarm { cache.warm() }
    }

    /// The token that a caller asks for.
    ///
    /// A cached one is handed out without suspending. Else the caller waits for a mint, `Settings.callerDeadline` at most.
    ///
    /// - Throws: ``BrokerError``; what concerns the upstream only while no usable token is cached.
    package func token(_ request: TokenRequest) async throws(BrokerError) -> HandOut {
        let cache = try cache(of: request.tenant, for: request.grant)
        let key = try Self.key(request.scopes, grant: request.grant, in: cache)
        return try await cache.token(key, minimum: request.minimumLifetime)
    }

    /// Mints a tenant's default token now and lifts the tenant's suspensions, for an operator.
    ///
    /// The mint counts in the budget but may use the operators' reserve.
    package func refresh(tenant: String, grant: Grant) async throws(BrokerError) -> HandOut {
        guard grant.isOperator else { throw .accessDenied }
        guard let cache = caches[tenant] else { throw .unknownTenant }
        return try await cache.refresh()
    }

    /// Revokes a token of a tenant that the grant allows; any other is unknown.
    ///
    /// It is never handed out again, whatever becomes of the upstream's part. Idempotent: a repeated call reports how far it is.
    ///
    /// - Throws: `.accessDenied`, or `.revocationPending` while the upstream could not be told.
    package func revoke(_ token: Secret, grant: Grant) async throws(BrokerError) -> Revocation {
        guard grant.mayRevoke else { throw .accessDenied }
        let fingerprint = Fingerprint(of: token.reveal())
        var result = Revocation.unknown
        var pending: BrokerError?
        // All of them: an upstream may give two tenants with one credential the same token.
        for cache in caches.values where grant.allows(cache.tenant.name) {
            do throws(BrokerError) {
                let revocation = try await cache.revoke(token, fingerprint)
                if revocation == .upstream || result == .unknown { result = revocation }
            } catch {
                pending = error
            }
        }
        if let pending { throw pending }
        return result
    }

    private func cache(of tenant: String, for grant: Grant) throws(BrokerError) -> TokenCache {
        guard let cache = caches[tenant] else { throw grant.seesEveryTenant ? .unknownTenant : .accessDenied }
        guard grant.allows(tenant) else { throw .accessDenied }
        return cache
    }

    /// The key of a request, if its scopes lie within the tenant's ceiling and the grant.
    ///
    /// With an empty ceiling the upstream decides what a token may do. That can be held against no grant beforehand, so
    /// a grant that limits scopes gets none of that tenant's tokens.
    private static func key(_ requested: ScopeSet?, grant: Grant, in cache: TokenCache) throws(BrokerError) -> TokenKey
    {
        let ceiling = cache.tenant.scopes
        guard let requested, !requested.isEmpty else {
            guard let granted = grant.scopes else { return cache.defaultKey }
            let both = ceiling.intersection(granted)
            guard !both.isEmpty else { throw .invalidScope }
            return TokenKey(tenant: cache.identity, scopes: both)
        }
        guard requested.isSubset(of: ceiling), requested.isSubset(of: grant.scopes ?? ceiling) else {
            throw .invalidScope
        }
        return TokenKey(tenant: cache.identity, scopes: requested)
    }

    /// By the FNV-1a hash of the name, so that a tenant stays where it is however many others come and go.
    private static func executor(of tenant: String, among executors: [any TaskExecutor]) -> (any TaskExecutor)? {
        guard !executors.isEmpty else { return nil }
        let hash = tenant.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return executors[Int(hash % UInt64(executors.count))]
    }
}
