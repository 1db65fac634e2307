package import Sockets

/// Sends commands to one server over one connection, which is made when the first is sent, and again when it is lost.
///
/// Those that come while others are on their way are sent together after them. Nothing is sent twice: what may have been
/// carried out is the caller's to judge. While there is no connection, everything is answered at once with the reason, and
/// another one tried after a pause that grows.
package final class RedisClient: Sendable {
    private let server: RedisServer
    private let queue: RequestQueue

    package init(_ server: RedisServer, on group: EventLoopGroup) {
        let (queue, loop) = (RequestQueue(), group.any)
        self.server = server
        self.queue = queue
        Task(executorPreference: loop) { await Self.serve(queue, server, on: loop) }
    }

    deinit { queue.close() }

    /// Sends commands together, and waits for all of their answers, errors of single ones among them.
    ///
    /// The server may do those of others between them.
    package func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RESPValue] {
        let deadline = ContinuousClock.now + server.timeout
        return try await withCheckedContinuation { continuation in
            queue.add(
                .init(
                    bytes: commands.flatMap(\.bytes), replies: commands.count, deadline: deadline,
                    continuation: continuation))
        }.get()
    }

    /// Sends a command, and waits for its answer, which is no error.
    package func send(_ command: RedisCommand) async throws(RedisError) -> RESPValue {
        guard let value = try await send([command]).first else { throw .malformed }
        if case .error(let refusal) = value { throw .refused(refusal) }
        return value
    }

    /// Carries out what is in the queue until that is closed.
    private static func serve(_ queue: RequestQueue, _ server: RedisServer, on loop: EventLoop) async {
        var connection: RedisConnection?
        var delay = ReconnectDelay()
        while let requests = await queue.next() {
            if connection?.isStale == true { connection = nil }
            if connection == nil {
                do throws(RedisError) {
                    connection = try await .open(server, on: loop, by: .now + server.timeout)
                    delay = ReconnectDelay()
                } catch {
                    queue.refuse(error, requests, until: .now + delay.next(draw: .random(in: 0..<1)))
                    continue
                }
            }
            if let open = connection, let (error, unanswered) = await carryOut(requests, over: open) {
                connection = nil
                // They have waited as long as those that were sent.
                queue.refuse(error, unanswered, until: .now)
            }
        }
    }

    /// - Returns: What broke the connection, if something did, and whom it left without an answer.
    private static func carryOut(
        _ requests: [RequestQueue.Request], over connection: RedisConnection
    ) async -> (error: RedisError, unanswered: ArraySlice<RequestQueue.Request>)? {
        var answered = 0
        do throws(RedisError) {
            // The first has waited longest.
            let deadline = requests[0].deadline
            try await connection.write(requests.flatMap(\.bytes), by: deadline)
            for request in requests {
                var values: [RESPValue] = []
                for _ in 0..<request.replies { values.append(try await connection.reply(by: deadline)) }
                answered += 1
                request.continuation.resume(returning: .success(values))
            }
            return nil
        } catch { return (error, requests[answered...]) }
    }
}
