/// Which of repeated failures are told, so that an hour of them is some ten lines and not a thousand.
///
/// Of each subject the first failure is told at once, and so is each cause that is new to the outage; then all of them
/// together after a minute, two, four, up to an hour; and its end once.
package struct Outages<Subject: Hashable & Sendable>: Sendable {
    /// What is to be told.
    package enum News: Hashable, Sendable {
        /// The first of its kind.
        case began
        /// - Parameters:
        ///   - failures: Since the outage began.
        ///   - lasted: Since then.
        case goesOn(failures: Int, lasted: Duration)
        /// A success after failures.
        case ended(failures: Int, lasted: Duration)
    }

    private struct Outage {
        let beginning: ContinuousClock.Instant
        var last: ContinuousClock.Instant
        var failures = 0
        var causes: Set<String> = []
        var pause = Duration.seconds(60)
        var nextLine: ContinuousClock.Instant
    }

    private static var longestPause: Duration { .seconds(3600) }
    /// Of one outage; more are not told apart.
    private static var maximumCauses: Int { 8 }

    private let maximumSubjects: Int
    private var outages: [Subject: Outage] = [:]

    /// - Parameter maximumSubjects: How many that fail are remembered: those that have failed last.
    package init(maximumSubjects: Int = 32) { self.maximumSubjects = maximumSubjects }

    /// Notes a failure.
    ///
    /// - Returns: nil when it need not be told now.
    package mutating func fail(_ subject: Subject, cause: String, at now: ContinuousClock.Instant) -> News? {
        var outage = outages[subject] ?? Outage(beginning: now, last: now, nextLine: now + .seconds(60))
        defer { keep(outage, of: subject) }
        outage.failures += 1
        outage.last = now
        if outage.causes.count < Self.maximumCauses, outage.causes.insert(cause).inserted { return .began }
        guard now >= outage.nextLine else { return nil }
        outage.pause = min(outage.pause * 2, Self.longestPause)
        outage.nextLine = now + outage.pause
        return .goesOn(failures: outage.failures, lasted: now - outage.beginning)
    }

    /// Notes a success.
    ///
    /// - Returns: nil unless it ends an outage.
    package mutating func succeed(_ subject: Subject, at now: ContinuousClock.Instant) -> News? {
        guard let outage = outages.removeValue(forKey: subject) else { return nil }
        return .ended(failures: outage.failures, lasted: now - outage.beginning)
    }

    private mutating func keep(_ outage: Outage, of subject: Subject) {
        if outages[subject] == nil, outages.count >= maximumSubjects,
            let oldest = outages.min(by: { $0.value.last < $1.value.last })
        {
            outages[oldest.key] = nil
        }
        outages[subject] = outage
    }
}
