/// What the revocations of many tokens came to, in tokens.
package struct RevocationCount: Hashable, Sendable {
    /// Revoked by the upstream too.
    package var upstream = 0
    /// Dropped here; the upstream has no revocation endpoint.
    package var local = 0
    /// Dropped here; the upstream is yet to be told.
    package var pending = 0
}

/// What a revocation came to.
package enum Revocation: String, Sendable {
    /// The upstream revoked it; it is dropped here too.
    case upstream
    /// It is dropped here; the upstream has no revocation endpoint.
    case local
    /// It is no token that the broker minted for a tenant of this caller, or it has ended.
    case unknown
}
