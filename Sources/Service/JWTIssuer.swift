/// Who vouches for callers by JWTs, such as a Kubernetes cluster, and what its JWTs must be.
package struct JWTIssuer: Hashable, Sendable {
    /// Where an issuer's public keys are: a JSON Web Key Set (RFC 7517 §5).
    package enum Keys: Hashable, Sendable {
        /// A file, which is read every five seconds.
        case file(String)
        /// A URL. `caFile`: PEM authorities trusted besides the system's. `tokenFile`: sent as a bearer token, as Kubernetes
        /// wants it; read anew each time.
        case url(String, caFile: String?, tokenFile: String?)
    }

    /// What they may be late or early by, unless the configuration says otherwise.
    package static let usualLeeway = Duration.seconds(30)
    /// How long they may live, unless the configuration says otherwise.
    package static let usualMaximumLifetime = Duration.seconds(24 * 3600)
    package static let usualAudiences = ["tokenwell"]

    /// The `iss` claim, byte for byte.
    package var issuer: String
    package var keys: Keys
    /// One of them has to be in the `aud` claim.
    package var audiences: [String]
    /// How far clocks may differ.
    package var leeway: Duration
    /// From `iat`, or from now, to `exp`.
    package var maximumLifetime: Duration

    package init(
        issuer: String, keys: Keys, audiences: [String] = usualAudiences, leeway: Duration = usualLeeway,
        maximumLifetime: Duration = usualMaximumLifetime
    ) {
        self.issuer = issuer
        self.keys = keys
        self.audiences = audiences
        self.leeway = leeway
        self.maximumLifetime = maximumLifetime
    }

    /// Until when a JWT with that `exp` is taken: the first second in which it is not, since 1970.
    func end(of claims: JWTClaims) -> Int { claims.expiry + leeway.wholeSeconds }

    /// What is wrong with claims of this issuer at a time; nil when nothing is.
    ///
    /// - Parameter now: Seconds since 1970.
    func refusal(of claims: JWTClaims, at now: Int) -> Refusal? {
        let leeway = leeway.wholeSeconds
        let isMeant = claims.audiences.contains { claim in
            audiences.contains { $0.utf8.elementsEqual(claim.utf8) }
        }
        guard isMeant else { return .jwtAudience }
        if now >= end(of: claims) { return .jwtExpired }
        if let notBefore = claims.notBefore, now < notBefore - leeway { return .jwtNotYetValid }
        if let issuedAt = claims.issuedAt, now < issuedAt - leeway { return .jwtNotYetValid }
        let lifetime = claims.expiry - (claims.issuedAt ?? now)
        return lifetime > maximumLifetime.wholeSeconds ? .jwtLifetime : nil
    }
}
