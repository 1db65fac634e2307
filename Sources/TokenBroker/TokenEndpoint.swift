/// The upstream, as the broker sees it: the one seam between deciding and doing.
package protocol TokenEndpoint: Sendable {
    /// One token request (RFC 6749 §4.4.2).
    ///
    /// - Parameter deadline: Total, from name resolution to the last byte of the answer.
    /// - Returns: The answer's token. Its lifetime counts from the moment the request was sent, which the caller notes.
    func mint(_ tenant: Tenant, scopes: ScopeSet, deadline: ContinuousClock.Instant) async throws(MintFailure)
        -> MintedToken

    /// Revokes `token` at the upstream (RFC 7009 §2.1). Called only for a provider that has a revocation URL.
    func revoke(_ token: Secret, of tenant: Tenant, deadline: ContinuousClock.Instant) async throws(MintFailure)
}

/// What an upstream's success answer says (RFC 6749 §5.1), checked.
package struct MintedToken: Sendable, Equatable {
    package var token: Secret
    /// The scheme that it is used with, normalized: `Bearer`.
    package var tokenType: String
    /// nil when the answer does not say; zero or less is possible.
    package var lifetime: Duration?
    /// nil when the answer does not say: then it is what was asked for.
    package var scopes: ScopeSet?
    /// What is handed on with the token, by name: those of ``Provider/Answer/members`` that the answer has.
    package var members: [String: Secret]

    package init(
        token: Secret, tokenType: String = "Bearer", lifetime: Duration?, scopes: ScopeSet? = nil,
        members: [String: Secret] = [:]
    ) {
        self.token = token
        self.tokenType = tokenType
        self.lifetime = lifetime
        self.scopes = scopes
        self.members = members
    }
}

/// Why a mint or a revocation failed, by what cures it.
package enum MintFailure: Error, Equatable, Sendable {
    /// The upstream refuses this credential or request: only a change of them helps. The text is the RFC 6749 §5.2 code,
    /// or `http_401` or `http_403` where there was none, or a word of the provider's ``Provider/failures``.
    case rejected(String)
    /// Too many requests; the duration is the upstream's `Retry-After`.
    case throttled(retryAfter: Duration?)
    /// Down, refused, reset, 5xx, malformed, empty. The text names which: a fixed word, nothing that the upstream sent.
    case unavailable(String, retryAfter: Duration? = nil)
    /// No whole answer by the deadline. It may have minted all the same.
    case timeout
}
