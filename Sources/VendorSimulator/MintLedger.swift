import FoundationEssentials

/// What one client has asked for and received, and whether it is banned for it.
struct MintLedger: Sendable {
    /// What becomes of an attempt to mint.
    enum Verdict: Equatable {
        case minted
        /// Refused, and this attempt is the one that started the ban.
        case bannedNow(until: Date)
        case banned(until: Date)
    }

    /// How many times are shown; a ban that needs more of them to decide keeps more.
    static let shown = 20

    private(set) var attempts = 0
    private(set) var mints = 0
    private(set) var smallestInterval: TimeInterval?
    private var recentAttempts: [Date] = []
    private var recentMints: [Date] = []
    private var ban: Date?
    /// Mints that count towards the next ban: an earlier one has answered for the rest.
    private var mintsSinceBan = 0

    /// Attempts that got no token, whosever fault it was.
    var refused: Int { attempts - mints }
    /// The times of the last attempts, oldest first; at most `shown`.
    var lastAttempts: ArraySlice<Date> { recentAttempts.suffix(Self.shown) }
    /// The times of the last mints, oldest first; at most `shown`.
    var lastMints: ArraySlice<Date> { recentMints.suffix(Self.shown) }

    /// The end of the ban that holds at `now`; nil when the client is welcome.
    func bannedUntil(at now: Date) -> Date? { ban.flatMap { $0 > now ? $0 : nil } }

    /// Records an attempt that cannot succeed.
    mutating func recordRefusal(at now: Date) { recordAttempt(at: now) }

    /// Records an attempt of a client in good order, and decides it.
    mutating func mint(at now: Date, under policy: BanPolicy?) -> Verdict {
        recordAttempt(at: now)
        if let until = bannedUntil(at: now) { return .banned(until: until) }
        if let policy, isExhausted(at: now, under: policy) {
            let until = now + policy.duration.timeInterval
            ban = until
            mintsSinceBan = 0
            return .bannedNow(until: until)
        }
        if let last = recentMints.last {
            let interval = now.timeIntervalSince(last)
            smallestInterval = min(smallestInterval ?? interval, interval)
        }
        mints += 1
        mintsSinceBan += 1
        Self.append(now, to: &recentMints, keeping: max(policy?.mints ?? 0, Self.shown))
        return .minted
    }

    private mutating func recordAttempt(at now: Date) {
        attempts += 1
        Self.append(now, to: &recentAttempts, keeping: Self.shown)
    }

    private func isExhausted(at now: Date, under policy: BanPolicy) -> Bool {
        guard mintsSinceBan >= policy.mints, let first = recentMints.suffix(policy.mints).first else { return false }
        return now.timeIntervalSince(first) < policy.window.timeInterval
    }

    private static func append(_ time: Date, to times: inout [Date], keeping limit: Int) {
        if times.count >= limit { times.removeFirst(times.count - limit + 1) }
        times.append(time)
    }
}

extension Duration {
    /// The same in seconds, as `Date` counts.
    var timeInterval: TimeInterval { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
