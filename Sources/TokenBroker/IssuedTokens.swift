/// Every token of a tenant that may still be alive at the upstream, and which of them are revoked.
///
/// A revoked one stays here until its natural end, as a tombstone: whatever brings it back is refused.
struct IssuedTokens {
    /// How far a token's revocation has come.
    enum Revocation: Equatable {
        case none
        /// Dropped here; the upstream has no such endpoint.
        case local
        /// Dropped here; the upstream is being told, at the instant again.
        case pending(nextTry: Instant)
        case upstream
    }

    /// What is remembered of one token.
    private struct Issued {
        let end: Instant
        var revocation = Revocation.none
    }

    private var issued: [Fingerprint: Issued] = [:]

    /// Notes a token that was just minted, and forgets those that have ended.
    mutating func note(_ token: AccessToken, at now: Instant) {
        issued = issued.filter { $0.value.end > now }
        if issued[token.fingerprint] == nil { issued[token.fingerprint] = Issued(end: token.schedule.expiry) }
    }

    /// nil when it is none of ours, or at its end.
    func revocation(of fingerprint: Fingerprint, at now: Instant) -> Revocation? {
        guard let token = issued[fingerprint], token.end > now else { return nil }
        return token.revocation
    }

    func isRevoked(_ fingerprint: Fingerprint, at now: Instant) -> Bool {
        (revocation(of: fingerprint, at: now) ?? .none) != .none
    }

    mutating func mark(_ fingerprint: Fingerprint, _ revocation: Revocation) {
        issued[fingerprint]?.revocation = revocation
    }
}
