/// A token on its way to a caller, with what is true of it at this moment.
package struct HandOut: Sendable {
    /// What the caller is told of the token's future.
    package enum State: String, CaseIterable, Sendable {
        case fresh
        /// Its successor is due.
        case aging
        /// The last try to replace it failed; it is still valid.
        case lastKnownGood = "last_known_good"
    }

    package let token: AccessToken
    /// What the caller has left; never what the upstream first said.
    package let remaining: Duration
    /// Until a newer one will be here, as far as is known.
    package let refreshIn: Duration
    package let state: State
    /// How much of the minimum that the caller asked for it got; nil when it asked for none.
    package let minimumLifetime: Duration?
}
