/// Which of many instants comes next: a binary heap.
///
/// An owner that no longer cares says so when its turn comes, or is taken out with others of its kind.
struct Deadlines<Owner> {
    private var heap: [(due: ContinuousClock.Instant, owner: Owner)] = []

    var next: ContinuousClock.Instant? { heap.first?.due }
    var count: Int { heap.count }

    mutating func insert(_ due: ContinuousClock.Instant, for owner: Owner) {
        heap.append((due, owner))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].due < heap[parent].due else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Removes and returns the earliest one that is due by `now`; nil when none is.
    mutating func popDue(by now: ContinuousClock.Instant) -> (due: ContinuousClock.Instant, owner: Owner)? {
        guard let first = heap.first, first.due <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].due < heap[smallest].due {
                smallest = child
            }
            guard smallest != parent else { break }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
        return first
    }

    /// Removes every entry whose owner is as said.
    mutating func removeAll(where isGone: (Owner) -> Bool) {
        // A sorted array is a heap.
        heap = heap.filter { !isGone($0.owner) }.sorted { $0.due < $1.due }
    }
}
