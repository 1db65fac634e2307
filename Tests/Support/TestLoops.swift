import Glibc
package import Sockets

/// The event loops that all tests of a process share: their threads live as long as it does.
package enum TestLoops {
    private static let shared = Result {
        // As the program does.
        signal(SIGPIPE, SIG_IGN)
        return try EventLoopGroup(count: 2)
    }

    package static var group: EventLoopGroup { get throws { try shared.get() } }

    /// Runs `body` on one of the loops.
    @discardableResult
    package static func run<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Value
    ) async throws -> Value {
        let loop = try group.any
        return try await Task(executorPreference: loop) { try await body(loop) }.value
    }
}

extension ContinuousClock.Instant {
    /// Far enough that only a hang gets there.
    package static var generous: ContinuousClock.Instant { .now.advanced(by: .seconds(300)) }

    /// So soon that waiting for it costs a test nothing.
    package static var soon: ContinuousClock.Instant { .now.advanced(by: .milliseconds(30)) }
}
