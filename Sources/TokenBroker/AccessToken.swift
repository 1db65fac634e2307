/// A token as it was minted, with all that a hand-out of it needs already computed.
package final class AccessToken: Sendable {
    package let secret: Secret
    package let fingerprint: Fingerprint
    /// `Bearer`.
    package let tokenType: String
    /// What the upstream granted, which may be less than what was asked for.
    let scopes: ScopeSet
    /// `scopes` as the `scope` member of an answer has them.
    package let scopeText: String
    let schedule: Schedule

    init(secret: Secret, tokenType: String, scopes: ScopeSet, schedule: Schedule) {
        self.secret = secret
        self.fingerprint = Fingerprint(of: secret.reveal())
        self.tokenType = tokenType
        self.scopes = scopes
        self.scopeText = scopes.description
        self.schedule = schedule
    }
}
