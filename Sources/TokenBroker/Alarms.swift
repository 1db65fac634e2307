import Synchronization

/// Has work done at instants to come: for all of them few tasks sleep, mostly one, where one for each would take 2 KB.
///
/// The tenants of one executor share it, as they share that executor's thread. The lock guards the list
/// alone, and is never held while work is done.
final class Alarms: Sendable {
    /// What an alarm does, and when.
    private struct Alarm {
        let due: Instant
        let work: @Sendable () -> Void
    }

    private struct State {
        /// A binary heap: none is due before the one at half its index.
        private var heap: [Alarm] = []
        /// When those who sleep will wake, each before the ones before it.
        var wakes: [Instant] = []

        var next: Instant? { heap.first?.due }
        var count: Int { heap.count }

        mutating func insert(_ alarm: Alarm) {
            heap.append(alarm)
            var child = heap.count - 1
            while child > 0, heap[child].due < heap[(child - 1) / 2].due {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        }

        mutating func removeDue(by now: Instant) -> [Alarm] {
            var due: [Alarm] = []
            while let next, next <= now { due.append(removeFirst()) }
            return due
        }

        private mutating func removeFirst() -> Alarm {
            heap.swapAt(0, heap.count - 1)
            defer { sink() }
            return heap.removeLast()
        }

        /// Lets the first find its place.
        private mutating func sink() {
            var parent = 0
            while 2 * parent + 1 < heap.count {
                var child = 2 * parent + 1
                if child + 1 < heap.count, heap[child + 1].due < heap[child].due { child += 1 }
                guard heap[child].due < heap[parent].due else { return }
                heap.swapAt(parent, child)
                parent = child
            }
        }
    }

    private let timekeeper: any Timekeeper
    private let executor: (any TaskExecutor)?
    private let state = Mutex(State())

    /// - Parameter executor: Where the work is done; nil for wherever.
    init(_ timekeeper: any Timekeeper, on executor: (any TaskExecutor)?) {
        self.timekeeper = timekeeper
        self.executor = executor
    }

    /// Does `work` at `due` or a little after it, unless these alarms are gone by then.
    func set(for due: Instant, _ work: @escaping @Sendable () -> Void) {
        let isNext = state.withLock { state in
            state.insert(Alarm(due: due, work: work))
            if let wake = state.wakes.last, wake <= due { return false }
            state.wakes.append(due)
            return true
        }
        // Who sleeps until later goes on to do so: whoever wakes before is not needed after that.
        if isNext { sleep(until: due) }
    }

    /// How many there are.
    var count: Int { state.withLock { $0.count } }

    private func sleep(until first: Instant) {
        let timekeeper = timekeeper
        // Detached, as what it does is no part of the request that had it set.
        Task.detached(executorPreference: executor) { [weak self] in
            // Not `while let wake = self?...`: Swift 6.3.1 frees that loop's stack in the wrong order and aborts.
            var next: Instant? = first
            while let wake = next {
                // An hour at most: these alarms may be gone long before 100 days.
                await timekeeper.sleep(until: min(wake, timekeeper.now + .seconds(3600)))
                next = self?.ring(wake)
            }
        }
    }

    /// Does what is due.
    ///
    /// - Parameter wake: Until when the sleeper meant to sleep.
    /// - Returns: Until when it sleeps next: the same while that is yet to come; nil when there is nothing to wake for, or
    ///   another wakes in time.
    private func ring(_ wake: Instant) -> Instant? {
        let now = timekeeper.now
        guard wake <= now else { return wake }
        // What they set anew has its turn when all have had theirs.
        for alarm in state.withLock({ $0.removeDue(by: now) }) { alarm.work() }
        return state.withLock { state in
            state.wakes.removeAll { $0 == wake }
            guard let next = state.next, state.wakes.last.map({ next < $0 }) ?? true else { return nil }
            state.wakes.append(next)
            return next
        }
    }
}
