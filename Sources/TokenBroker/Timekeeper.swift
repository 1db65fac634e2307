/// The only source of time: what it is now, and a way to wait for later.
///
/// The instants are of a monotonic clock that runs through suspend, so that steps of the wall clock change nothing.
package protocol Timekeeper: Sendable {
    var now: ContinuousClock.Instant { get }

    /// Returns at `deadline` or a little after it; at once when it has passed.
    func sleep(until deadline: ContinuousClock.Instant) async
}

typealias Instant = ContinuousClock.Instant
