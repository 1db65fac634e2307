/// When a token is handed out, when its successor is minted, and from when nobody may see it again.
///
/// All of it follows from the lifetime received, counted from the moment the request was *sent*: what the network took is
/// the token's loss, never the caller's.
struct Schedule: Hashable, Sendable {
    /// What a token is still good for.
    enum Freshness: Hashable, Sendable {
        /// Hand it out.
        case fresh
        /// Hand it out; its successor is due.
        case aging
        /// Less than the margin is left: hand it out to nobody.
        case expired
    }

    /// No longer lifetime is believed.
    static let maximumLifetime = Duration.seconds(100 * 86_400)

    let lifetime: Duration
    /// The successor is minted from here on.
    let refreshPoint: ContinuousClock.Instant
    /// The last instant at which it may be handed out: the margin of min(30 s, a tenth of the lifetime) before `expiry`.
    let lastUse: ContinuousClock.Instant
    let expiry: ContinuousClock.Instant

    /// - Parameters:
    ///   - lifetime: As received; held within zero and ``maximumLifetime``.
    ///   - draw: 0 ..< 1, drawn once per token: spreads the refresh points of tokens minted together over 8 % of the lifetime.
    init(sent: ContinuousClock.Instant, lifetime: Duration, draw: Double) {
        let lifetime = min(max(lifetime, .zero), Self.maximumLifetime)
        let refreshAfter = lifetime * 80 / 100 + lifetime * 8 / 100 * draw
        self.init(lifetime: lifetime, refreshPoint: sent + refreshAfter, expiry: sent + lifetime)
    }

    /// As it was before a restart.
    init(lifetime: Duration, refreshPoint: Instant, expiry: Instant) {
        self.lifetime = lifetime
        self.refreshPoint = refreshPoint
        self.lastUse = expiry - min(.seconds(30), lifetime / 10)
        self.expiry = expiry
    }

    /// What the token is good for at `now`.
    func freshness(at now: ContinuousClock.Instant) -> Freshness {
        if now > lastUse { return .expired }
        return now < refreshPoint ? .fresh : .aging
    }

    /// Whether the token may be handed out at `now`.
    func isUsable(at now: ContinuousClock.Instant) -> Bool { freshness(at: now) != .expired }

    /// What is left of the lifetime at `now`, never negative.
    func remaining(at now: ContinuousClock.Instant) -> Duration { max(.zero, expiry - now) }

    /// The most that a caller can be promised to have left at any moment: what is left at the latest refresh point.
    var longestPromise: Duration { lifetime * 12 / 100 }

    /// The schedule of this token after the upstream answered it again: no longer fresh, and its end the earlier of the two.
    func repeated(sent: ContinuousClock.Instant, lifetime: Duration) -> Schedule {
        let again = Schedule(sent: sent, lifetime: lifetime, draw: 0)
        return Schedule(
            lifetime: self.lifetime, refreshPoint: min(refreshPoint, sent), expiry: min(expiry, again.expiry))
    }
}
