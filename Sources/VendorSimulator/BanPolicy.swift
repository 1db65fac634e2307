/// How many tokens a client may mint before the vendor has had enough.
///
/// Neither vendor publishes its numbers. UKG says that it does not throttle, and that it will expire the tokens of a
/// client that requests too many; PageUp documents a daily limit for its API and none for tokens. The values here are
/// for rehearsal: generous to a broker that reuses tokens, and soon reached by one that does not.
package struct BanPolicy: Sendable, Equatable {
    /// Successful mints within `window`; the attempt after them is refused and starts the ban. From 1 to 10,000.
    package let mints: Int
    package let window: Duration
    /// How long every mint is refused; after it the client starts anew.
    package let duration: Duration
    /// Whether the ban also expires every token that the client holds.
    package let expiresTokens: Bool

    /// Numbers outside the range are moved to its nearest end, so that a ledger stays small.
    package init(mints: Int, window: Duration, duration: Duration, expiresTokens: Bool) {
        self.mints = min(max(mints, 1), 10_000)
        self.window = window
        self.duration = duration
        self.expiresTokens = expiresTokens
    }

    /// 60 mints in 10 minutes, then a minute of 429; tokens live on.
    package static let pageUp = BanPolicy(
        mints: 60, window: .seconds(600), duration: .seconds(60), expiresTokens: false)
    /// 20 mints in 10 minutes, then all tokens dead and 10 minutes of 429.
    package static let ukg = BanPolicy(
        mints: 20, window: .seconds(600), duration: .seconds(600), expiresTokens: true)
}
