/// What the broker has done of its own accord, for whoever writes it down.
package enum BrokerEvent: Sendable {
    /// It has asked an upstream for a token; the scopes are those that it asked for.
    case mint(tenant: String, scopes: ScopeSet, reason: String, Result<Fingerprint, MintFailure>)
    /// It has dropped a token, and told the upstream if it has such an endpoint.
    case revocation(tenant: String, Fingerprint, result: String, MintFailure?)
}
