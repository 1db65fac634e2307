/// What a revocation came to.
package enum Revocation: String, Sendable {
    /// The upstream revoked it; it is dropped here too.
    case upstream
    /// It is dropped here; the upstream has no revocation endpoint.
    case local
    /// It is no token that the broker minted for a tenant of this caller, or it has ended.
    case unknown
}
