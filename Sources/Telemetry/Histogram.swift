import Synchronization

/// How often something took how long, in fixed buckets. Recording is two relaxed atomic additions, from any thread.
package final class Histogram: Sendable {
    /// Upper bounds, ascending, each belonging to its bucket.
    let bounds: [Duration]
    /// One for each bound and a last one for what is longer than all of them; not cumulative.
    private let counts: [Counter]
    private let totalNanoseconds = Atomic<Int>(0)

    init(bounds: [Duration]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy(<), "bucket bounds ascend")
        self.bounds = bounds
        counts = (0...bounds.count).map { _ in Counter() }
    }

    /// Counts one more that took `time`; a bound belongs to the bucket below it.
    package func record(_ time: Duration) {
        counts[bounds.firstIndex { time <= $0 } ?? bounds.count].increment()
        totalNanoseconds.wrappingAdd(time.wholeNanoseconds, ordering: .relaxed)
    }

    /// How many were recorded up to each bound, and last how many in all; and the sum of their times.
    var snapshot: (cumulative: [Int], total: Duration) {
        var sum = 0
        let cumulative = counts.map { counter in
            sum += counter.value
            return sum
        }
        return (cumulative, .nanoseconds(totalNanoseconds.load(ordering: .relaxed)))
    }
}
