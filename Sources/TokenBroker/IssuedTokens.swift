/// Every token of a tenant that may still be alive at the upstream, and which of them are revoked or rejected.
///
/// Such a one stays here until its natural end, as a tombstone: whatever brings it back is refused.
struct IssuedTokens {
    /// How far a token's revocation has come.
    enum Revocation: Equatable {
        case none
        /// Dropped here; the upstream has no such endpoint.
        case local
        /// Dropped here; the upstream is being told, at the instant again.
        case pending(nextTry: Instant)
        case upstream

        fileprivate func isFurther(than other: Revocation) -> Bool {
            switch (self, other) {
            case (.local, .none), (.local, .pending), (.upstream, .none), (.upstream, .pending), (.pending, .none): true
            default: false
            }
        }
    }

    /// What is remembered of one token.
    struct Issued {
        var end: Instant
        /// The token itself, which its revocation takes; nil once there is nothing left to revoke.
        let token: Secret?
        /// The fingerprint of the secret that it was minted with.
        var mintedWith: Fingerprint
        /// Whether it was minted for what the tenant was known by before: nobody may be told to revoke it now.
        var isForeign = false
        var revocation = Revocation.none
        /// Whether a caller has said that the vendor refuses it.
        var isRejected = false
        /// Whether somebody here sees to it that the upstream is told.
        var isFollowed = false
        /// Those of the keys for which a store has it.
        var keptScopes: [ScopeSet] = []
    }

    private var issued: [Fingerprint: Issued] = [:]

    /// Notes a token that was just minted, and forgets those that have ended.
    mutating func note(_ token: AccessToken, mintedWith secret: Fingerprint, at now: Instant) {
        forgetEnded(at: now)
        note(token.secret, token.fingerprint, mintedWith: secret, until: token.schedule.expiry)
    }

    /// Notes a token; of one that is known, that it lives longer.
    mutating func note(
        _ token: Secret, _ fingerprint: Fingerprint, mintedWith secret: Fingerprint, until end: Instant,
        isForeign: Bool = false
    ) {
        issued[fingerprint, default: Issued(end: end, token: token, mintedWith: secret, isForeign: isForeign)]
            .extend(to: end, mintedWith: secret)
    }

    /// Has a tombstone stand for as long as the token lives by what the upstream said last.
    mutating func extend(_ fingerprint: Fingerprint, to end: Instant, mintedWith secret: Fingerprint) {
        issued[fingerprint]?.extend(to: end, mintedWith: secret)
    }

    /// Raises a tombstone that was there before a restart, or that another broker has raised: what is known already of the
    /// same token stays, if it is further.
    ///
    /// - Returns: Whether something is known that was not kept.
    @discardableResult
    mutating func restore(
        _ kept: KeptTombstone, isForeign: Bool, canRevoke: Bool, from moment: Instant
    ) -> Bool {
        var revocation = kept.revocation(at: moment)
        if isForeign || !canRevoke, case .pending = revocation { revocation = .local }
        let known = issued[kept.fingerprint]
        let isFurther = known?.revocation.isFurther(than: revocation) == true
        if let known, isFurther { revocation = known.revocation }
        issued[kept.fingerprint] = Issued(
            end: max(moment + kept.endsIn, known?.end ?? moment), token: kept.token ?? known?.token,
            mintedWith: kept.mintedWith, isForeign: isForeign, revocation: revocation,
            isRejected: kept.isRejected || known?.isRejected == true, isFollowed: known?.isFollowed == true,
            keptScopes: known?.keptScopes ?? [])
        return isFurther || known?.isRejected == true && !kept.isRejected
    }

    subscript(fingerprint: Fingerprint) -> Issued? { issued[fingerprint] }
    var isEmpty: Bool { issued.isEmpty }

    /// Has nobody be told to revoke any of them, as the tenant is known by something else now.
    mutating func makeForeign() {
        for fingerprint in issued.keys { issued[fingerprint]?.isForeign = true }
    }

    /// Has the upstream be told no more of those that it was yet to be told of.
    ///
    /// - Returns: Those.
    mutating func endPending() -> [Fingerprint] {
        let pending = pending.map(\.fingerprint)
        for fingerprint in pending { mark(fingerprint, .local) }
        return pending
    }

    /// Forgets all but tombstones.
    mutating func forgetLive() { issued = issued.filter { $0.value.revocation != .none || $0.value.isRejected } }

    /// Notes that a store has a token, as that of a key with those scopes.
    mutating func noteKept(_ fingerprint: Fingerprint, _ scopes: ScopeSet) {
        guard issued[fingerprint]?.keptScopes.contains(scopes) == false else { return }
        issued[fingerprint]?.keptScopes.append(scopes)
    }

    /// Those of the keys for which a store has a token, which has none of them from now on.
    mutating func takeKept(_ fingerprint: Fingerprint) -> [ScopeSet] {
        defer { issued[fingerprint]?.keptScopes = [] }
        return issued[fingerprint]?.keptScopes ?? []
    }

    /// What a store has, by token and scopes.
    var kept: [(fingerprint: Fingerprint, scopes: ScopeSet)] {
        issued.flatMap { fingerprint, token in token.keptScopes.map { (fingerprint, $0) } }
    }

    /// Those that are revoked or rejected.
    var tombstones: [Fingerprint] {
        issued.filter { $0.value.revocation != .none || $0.value.isRejected }.map(\.key)
    }

    /// Those that the upstream is yet to be told of.
    var pending: [(fingerprint: Fingerprint, token: Secret)] {
        issued.compactMap { fingerprint, token in
            guard case .pending = token.revocation, let secret = token.token else { return nil }
            return (fingerprint, secret)
        }
    }

    /// How many there are that the upstream is yet to be told of, and that have not ended.
    func pendingCount(at now: Instant) -> Int {
        issued.values.count { token in
            guard case .pending = token.revocation else { return false }
            return token.end > now
        }
    }

    /// Those that are alive and not revoked.
    func live(at now: Instant) -> [(fingerprint: Fingerprint, token: Secret, mintedWith: Fingerprint)] {
        issued.compactMap { fingerprint, token in
            guard token.end > now, token.revocation == .none, let secret = token.token else { return nil }
            return (fingerprint, secret, token.mintedWith)
        }
    }

    mutating func forgetEnded(at now: Instant) { issued = issued.filter { $0.value.end > now } }

    /// nil when it is none of ours, or at its end.
    func revocation(of fingerprint: Fingerprint, at now: Instant) -> Revocation? {
        guard let token = issued[fingerprint], token.end > now else { return nil }
        return token.revocation
    }

    func isRevoked(_ fingerprint: Fingerprint, at now: Instant) -> Bool {
        (revocation(of: fingerprint, at: now) ?? .none) != .none
    }

    func isRejected(_ fingerprint: Fingerprint, at now: Instant) -> Bool {
        guard let token = issued[fingerprint], token.end > now else { return false }
        return token.isRejected
    }

    mutating func markRejected(_ fingerprint: Fingerprint) { issued[fingerprint]?.isRejected = true }

    /// Those that the upstream is yet to be told of, and nobody here sees to; from now on somebody does.
    mutating func follow() -> [(fingerprint: Fingerprint, token: Secret)] {
        let unfollowed = pending.filter { issued[$0.fingerprint]?.isFollowed == false }
        for (fingerprint, _) in unfollowed { follow(fingerprint) }
        return unfollowed
    }

    mutating func follow(_ fingerprint: Fingerprint) { issued[fingerprint]?.isFollowed = true }

    mutating func mark(_ fingerprint: Fingerprint, _ revocation: Revocation) {
        issued[fingerprint]?.revocation = revocation
    }
}

extension IssuedTokens.Issued {
    fileprivate mutating func extend(to end: Instant, mintedWith secret: Fingerprint) {
        guard end >= self.end else { return }
        self.end = end
        mintedWith = secret
    }
}
