import Synchronization

/// The mints that are on their way, so that a broker does not end before they have.
final class Flights: Sendable {
    private let state = Mutex((count: 0, hasEnded: false))

    var count: Int { state.withLock { $0.count } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// - Returns: Whether one may leave; then ``land()`` is to follow.
    func leave() -> Bool {
        state.withLock { state in
            if !state.hasEnded { state.count += 1 }
            return !state.hasEnded
        }
    }

    func land() { state.withLock { $0.count -= 1 } }

    /// Lets no more leave.
    func end() { state.withLock { $0.hasEnded = true } }
}
