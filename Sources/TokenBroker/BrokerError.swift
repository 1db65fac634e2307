/// Everything that a caller may learn of a failure. Whatever else goes wrong is internal.
package enum BrokerError: Error, Equatable, Sendable {
    /// The grant does not cover the tenant, which may not even exist.
    case accessDenied
    /// No such tenant; only for those who may know.
    case unknownTenant
    /// A scope outside the grant or the tenant's ceiling.
    case invalidScope
    /// The upstream refused our credential or request; no further try until that changes.
    case upstreamRejected
    /// The upstream is down, busy or answers nonsense, and nothing valid is cached.
    case upstreamUnavailable(retryAfter: Duration)
    /// The upstream did not answer in time, and nothing valid is cached.
    case upstreamTimeout(retryAfter: Duration)
    /// The credential's mint budget is spent, and nothing valid is cached.
    case budgetExhausted(retryAfter: Duration)
    /// The caller reports more tokens as refused than it may.
    case slowDown(retryAfter: Duration)
    /// What was asked for is done, but the store could not make it durable: a restart would undo it.
    case storeUnavailable(retryAfter: Duration)
    /// The token is dropped here, but the upstream could not be told yet: that is tried again in the background.
    case revocationPending(retryAfter: Duration)
}
