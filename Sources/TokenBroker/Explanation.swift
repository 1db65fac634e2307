/// What an operator learns of a tenant: all that it does and why, without a secret or a token.
///
/// Moments are durations from now, as the broker has no wall clock: ages before it, what is `…In` after it.
package struct Explanation: Sendable {
    /// What callers of a key get.
    package enum State: String, Sendable {
        case fresh, aging
        case lastKnownGood = "last_known_good"
        /// Nothing: there is no token that may be handed out.
        case cold

        init(_ state: HandOut.State?) {
            switch state {
            case .fresh: self = .fresh
            case .aging: self = .aging
            case .lastKnownGood: self = .lastKnownGood
            case nil: self = .cold
            }
        }
    }

    /// One set of scopes, and its current token if there is one.
    package struct Key: Sendable {
        package let scopes: ScopeSet
        package let state: State
        /// Of the token that may be handed out; nil without one, as are the next two.
        package let fingerprint: Fingerprint?
        package let expiresIn: Duration?
        /// The token's whole life.
        package let lifetime: Duration?
        /// The last hand-out first.
        package let holders: [Holder]
        /// Until the next mint that nobody has to ask for; nil when none is planned.
        package let refreshIn: Duration?
        /// Until a mint may be tried again, after a failure or the same token; nil when nothing stands in the way, or when
        /// only an operator can remove it.
        package let retryIn: Duration?
        /// Whether the upstream refuses the credential, or this key's request.
        package let isSuspended: Bool
        /// Whether its last mint failed.
        package let isFailing: Bool
        /// Whether a mint is under way.
        package let isMinting: Bool
    }

    /// A caller that was handed the current token.
    package struct Holder: Sendable {
        package let caller: String
        /// How long ago that last was.
        package let age: Duration
    }

    /// How many mints the credential has.
    package struct Budget: Sendable {
        /// Left now, the operators' reserve included.
        package let remaining: Int
        package let limits: MintBudget.Limits
    }

    /// Why the last mint that failed did.
    package struct Failure: Sendable {
        package let age: Duration
        package let outcome: MintOutcome
        /// The cause within the class: a fixed word, or an RFC 6749 §5.2 code.
        package let cause: String
    }

    /// One token request to the upstream.
    package struct Mint: Sendable {
        /// Since it was sent.
        package let age: Duration
        package let reason: String
        package let outcome: MintOutcome
        package let latency: Duration
        /// Those that were asked for.
        package let scopes: ScopeSet
        /// nil when it failed.
        package let fingerprint: Fingerprint?
    }

    package let tenant: String
    package let provider: String
    package let budget: Budget
    package let lastFailure: Failure?
    /// That of a request which names no scopes first, the others by their scopes.
    package let keys: [Key]
    /// At most 50, the latest first; empty in the short form.
    package let mints: [Mint]
}
