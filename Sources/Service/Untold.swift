/// What the log has not been told yet of events that anybody can cause: one line a second tells how many there were of each
/// kind, of which there have to be few.
struct Untold<Kind: Hashable> {
    private let pause = Duration.seconds(1)
    private var counts: [Kind: Int] = [:]
    private var nextLine: ContinuousClock.Instant?

    /// Notes an event; what is to be told now, which is nothing within a second of the last time.
    mutating func add(_ kind: Kind, at now: ContinuousClock.Instant) -> [Kind: Int]? {
        counts[kind, default: 0] += 1
        if let nextLine, now < nextLine { return nil }
        nextLine = now.advanced(by: pause)
        defer { counts = [:] }
        return counts
    }
}
