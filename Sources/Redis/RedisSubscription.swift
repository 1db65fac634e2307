package import Sockets
import Synchronization

/// Listens to channels over a connection of its own, which is made again whenever it is lost.
package final class RedisSubscription: Sendable {
    /// What a listener is told, in order.
    package enum Event: Sendable {
        /// From now on nothing is missed; what was said before may have been.
        case subscribed
        case message(channel: [UInt8], [UInt8])
        /// What is said from now on is missed.
        case lost(RedisError)
    }

    /// A server that has said nothing for so long is asked whether it is there.
    static let silence = Duration.seconds(2)

    private let hasEnded = Atomic(false)

    /// - Parameter listener: Called on one of the group's loops; it must not take long.
    package init(
        to channels: [String], at server: RedisServer, on group: EventLoopGroup,
        listener: @escaping @Sendable (Event) -> Void
    ) {
        let loop = group.any
        Task(executorPreference: loop) { [weak self] in
            var delay = ReconnectDelay()
            while self?.hasEnded.load(ordering: .relaxed) == false {
                do throws(RedisError) {
                    let connection = try await Self.open(channels, at: server, on: loop)
                    delay = ReconnectDelay()
                    listener(.subscribed)
                    while self?.hasEnded.load(ordering: .relaxed) == false {
                        try await Self.listen(to: connection, within: server.timeout, listener)
                    }
                } catch {
                    listener(.lost(error))
                    await loop.sleep(until: .now + delay.next(draw: .random(in: 0..<1)))
                }
            }
        }
    }

    /// Stops listening, which may take ``silence``.
    package func end() { hasEnded.store(true, ordering: .relaxed) }

    private static func open(
        _ channels: [String], at server: RedisServer, on loop: EventLoop
    ) async throws(RedisError) -> RedisConnection {
        let deadline = ContinuousClock.now + server.timeout
        let connection = try await RedisConnection.open(server, on: loop, by: deadline)
        try await connection.write(
            RedisCommand((["SUBSCRIBE"] + channels).map { Array($0.utf8) }).bytes, by: deadline)
        // One answer for each, among which there may be messages already: but of those nobody knows yet.
        var missing = channels.count
        while missing > 0 {
            let value = try await connection.next(by: deadline)
            if case .error(let refusal) = value { throw .refused(refusal) }
            if value.elements?.first?.bytes == Array("subscribe".utf8) { missing -= 1 }
        }
        return connection
    }

    /// Waits for what comes next; throws once the server does not answer any more.
    private static func listen(
        to connection: RedisConnection, within timeout: Duration, _ listener: (Event) -> Void
    ) async throws(RedisError) {
        let value: RESPValue
        do throws(RedisError) {
            value = try await connection.next(by: .now + silence)
        } catch {
            guard error == .timedOut else { throw error }
            let deadline = ContinuousClock.now + timeout
            try await connection.write(RedisCommand("PING").bytes, by: deadline)
            value = try await connection.next(by: deadline)
        }
        guard let elements = value.elements, elements.count == 3, elements[0].bytes == Array("message".utf8),
            let channel = elements[1].bytes, let payload = elements[2].bytes
        else { return }
        listener(.message(channel: channel, payload))
    }
}
