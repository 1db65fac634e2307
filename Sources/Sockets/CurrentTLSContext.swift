import Synchronization

/// The context that new sessions begin with; another can take its place at any time, from any thread.
///
/// Sessions that have begun keep the one they have.
package final class CurrentTLSContext: Sendable {
    private let context: Mutex<TLSContext>

    package init(_ context: TLSContext) { self.context = Mutex(context) }

    package var value: TLSContext { context.withLock { $0 } }

    package func replace(with next: TLSContext) { context.withLock { $0 = next } }
}
