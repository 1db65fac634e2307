import Synchronization
import TokenBroker

/// A clock that stands still until a test moves it.
package final class ManualClock: Timekeeper {
    private struct Sleeper {
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct Watcher {
        let count: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = ContinuousClock.now
        var sleepers: [Sleeper] = []
        var watchers: [Watcher] = []

        mutating func takeSatisfiedWatchers() -> [Watcher] {
            let satisfied = watchers.filter { $0.count <= sleepers.count }
            watchers.removeAll { $0.count <= sleepers.count }
            return satisfied
        }
    }

    private let state = Mutex(State())

    package init() {}

    package var now: ContinuousClock.Instant { state.withLock { $0.now } }

    /// When the first sleeper is due; nil when nobody sleeps.
    package var nextDeadline: ContinuousClock.Instant? { state.withLock { $0.sleepers.map(\.deadline).min() } }

    package var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    package func sleep(until deadline: ContinuousClock.Instant) async {
        await withCheckedContinuation { continuation in
            let (isDue, watchers) = state.withLock { state -> (Bool, [Watcher]) in
                if deadline <= state.now { return (true, []) }
                state.sleepers.append(Sleeper(deadline: deadline, continuation: continuation))
                return (false, state.takeSatisfiedWatchers())
            }
            if isDue { continuation.resume() }
            for watcher in watchers { watcher.continuation.resume() }
        }
    }

    /// Moves on and wakes the sleepers that are due, the earliest first.
    package func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.deadline <= state.now }
            state.sleepers.removeAll { $0.deadline <= state.now }
            return due
        }
        for sleeper in due.sorted(by: { $0.deadline < $1.deadline }) { sleeper.continuation.resume() }
    }

    /// Returns as soon as at least `count` sleepers are waiting.
    package func sleepers(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isSatisfied = state.withLock { state in
                if count <= state.sleepers.count { return true }
                state.watchers.append(Watcher(count: count, continuation: continuation))
                return false
            }
            if isSatisfied { continuation.resume() }
        }
    }
}
