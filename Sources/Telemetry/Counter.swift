import Synchronization

/// A number that only grows. Counting is one relaxed atomic addition, from any thread.
package final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    /// One that no registry knows: whoever makes it shows it.
    package init() {}

    /// - Parameter amount: Not negative.
    package func increment(by amount: Int = 1) {
        precondition(amount >= 0, "a counter only grows")
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    package var value: Int { count.load(ordering: .relaxed) }
}
