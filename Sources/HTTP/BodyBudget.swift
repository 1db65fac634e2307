import Synchronization

/// How many bytes of large bodies a server holds at a time, since anybody may send one before it says who it is, and ask
/// for one and not read it.
final class BodyBudget: Sendable {
    private let limit: Int
    private let bytes = Atomic<Int>(0)

    /// - Parameter limit: In bytes.
    init(limit: Int) { self.limit = limit }

    /// How many are set aside.
    var used: Int { bytes.load(ordering: .relaxed) }

    /// Bytes that are set aside, until this goes.
    final class Share: Sendable {
        private let budget: BodyBudget
        private let size: Int

        fileprivate init(of budget: BodyBudget, size: Int) {
            self.budget = budget
            self.size = size
        }

        deinit { budget.bytes.wrappingSubtract(size, ordering: .relaxed) }
    }

    /// Sets bytes aside; nil when there are not that many. Alone, a body may be larger than the limit.
    func share(of size: Int) -> Share? {
        let total = bytes.wrappingAdd(size, ordering: .relaxed).newValue
        // Made first: where the bytes are not to be had, it gives them back.
        let share = Share(of: self, size: size)
        guard total <= max(limit, size) else { return nil }
        return share
    }
}
