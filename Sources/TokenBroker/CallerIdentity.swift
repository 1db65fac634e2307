import Synchronization
package import Telemetry

/// A caller as the broker knows it, whatever tenants it has: one object for each, shared by all of its requests.
///
/// The lock guards what it has used of its rejections, and is taken by nothing else.
package final class CallerIdentity: Sendable, Hashable {
    /// What a caller may report in a minute unless its configuration says otherwise.
    package static let usualRejectionsPerMinute = 10

    package let name: String
    /// How many current tokens it may report as refused in a minute, half of them at once.
    package let rejectionsPerMinute: Int
    /// How often it may ask at all; nil for one that is not limited.
    package let rateLimit: RateLimit?
    /// How often it has asked, and how often it was told that this is too often.
    package let requests = (admitted: Counter(), limited: Counter())
    private let rejections: Mutex<Allowance>

    /// - Precondition: `rejectionsPerMinute` is at least 1.
    package init(
        name: String, rejectionsPerMinute: Int = CallerIdentity.usualRejectionsPerMinute, rateLimit: RateLimit? = nil
    ) {
        precondition(rejectionsPerMinute >= 1, "a caller may report something")
        self.name = name
        self.rejectionsPerMinute = rejectionsPerMinute
        self.rateLimit = rateLimit
        rejections = Mutex(
            Allowance(burst: max(1, rejectionsPerMinute / 2), interval: .seconds(60) / rejectionsPerMinute))
    }

    /// Takes one rejection.
    ///
    /// - Returns: How long until there is one, when there is none; nil when it was taken.
    func takeRejection(at now: Instant) -> Duration? { rejections.withLock { $0.take(at: now) } }

    /// Of the same name, with the same limits.
    package static func == (one: CallerIdentity, other: CallerIdentity) -> Bool {
        one.name == other.name && one.rejectionsPerMinute == other.rejectionsPerMinute
            && one.rateLimit == other.rateLimit
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
