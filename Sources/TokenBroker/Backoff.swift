/// How long to leave the upstream alone after it failed: exponential with full jitter.
enum Backoff {
    static let floor = Duration.milliseconds(100)
    static let ceiling = Duration.seconds(60)
    /// No upstream's `Retry-After` holds a key back for longer.
    static let longestRetryAfter = Duration.seconds(3600)

    /// - Parameters:
    ///   - failures: How many in a row, this one included; 1 or more.
    ///   - retryAfter: What the upstream asked for; when it is positive, it is the answer, within bounds.
    ///   - draw: 0 ..< 1: the part of min(60 s, 1 s x 2^(failures - 1)) that is waited.
    static func delay(failures: Int, retryAfter: Duration?, draw: Double) -> Duration {
        if let retryAfter, retryAfter > .zero { return min(max(retryAfter, floor), longestRetryAfter) }
        let doublings = min(max(failures - 1, 0), 6)
        return max(floor, min(ceiling, .seconds(1 << doublings)) * draw)
    }
}
