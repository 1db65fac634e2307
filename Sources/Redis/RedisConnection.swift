import Sockets

/// A connection to a server, logged in. Loop only.
final class RedisConnection {
    /// What has come and is not used up yet.
    private struct Input {
        var bytes: [UInt8] = []
        var parser: RESPParser

        mutating func next() throws(RESPError) -> RESPValue? {
            let (value, count) = try Self.parse(bytes, with: &parser)
            bytes.removeFirst(count)
            return value
        }

        private static func parse(
            _ bytes: [UInt8], with parser: inout RESPParser
        ) throws(RESPError) -> (value: RESPValue?, count: Int) { try parser.parse(bytes.span) }
    }

    private var stream: ByteStream
    private var input: Input

    private init(_ stream: consuming ByteStream, limits: RESPParser.Limits) {
        self.stream = stream
        input = Input(parser: RESPParser(limits: limits))
    }

    deinit { stream.finishWriting() }

    /// Whether the server has closed it, or said something that nobody asked for.
    var isStale: Bool { !input.bytes.isEmpty || stream.isStale }

    static func open(
        _ server: RedisServer, on loop: EventLoop, by deadline: ContinuousClock.Instant
    ) async throws(RedisError) -> RedisConnection {
        let url = server.url
        let connection: RedisConnection
        do throws(SocketError) {
            let addresses = try await NameResolver.resolve(url.host, port: url.port, on: loop, by: deadline)
            var stream = try await ByteStream.connect(to: addresses, on: loop, by: deadline)
            if url.isTLS { try await stream.startTLS(server.tls, host: url.host, by: deadline) }
            connection = RedisConnection(stream, limits: server.limits)
        } catch { throw RedisError(connecting: error) }
        try await connection.logIn(server, by: deadline)
        return connection
    }

    private func logIn(_ server: RedisServer, by deadline: ContinuousClock.Instant) async throws(RedisError) {
        var greeting = try await exchange(server.hello, by: deadline)
        if case .error(let refusal) = greeting, ["ERR", "NOPROTO"].contains(refusal.code) {
            // Before Redis 6 there is no HELLO: then it is RESP2.
            greeting = .null
            if let login = server.login { greeting = try await exchange(login, by: deadline) }
        }
        if case .error(let refusal) = greeting { throw .refused(refusal) }
        switch greeting["mode"]?.bytes.map({ String(decoding: $0, as: UTF8.self) }) {
        case "sentinel": throw .sentinel
        case "cluster": throw .cluster
        default: break
        }
        guard server.url.database != 0 else { return }
        let selected = try await exchange(RedisCommand("SELECT", "\(server.url.database)"), by: deadline)
        if case .error(let refusal) = selected { throw .refused(refusal) }
    }

    private func exchange(
        _ command: RedisCommand, by deadline: ContinuousClock.Instant
    ) async throws(RedisError) -> RESPValue {
        try await write(command.bytes, by: deadline)
        return try await reply(by: deadline)
    }

    func write(_ bytes: [UInt8], by deadline: ContinuousClock.Instant) async throws(RedisError) {
        do throws(SocketError) { try await stream.write(bytes, by: deadline) } catch { throw RedisError(error) }
    }

    /// The answer to the command that has waited longest for one.
    func reply(by deadline: ContinuousClock.Instant) async throws(RedisError) -> RESPValue {
        while true {
            let value = try await next(by: deadline)
            // Nobody has subscribed to anything here.
            if case .push = value { continue }
            return value
        }
    }

    /// Whatever comes next. After ``RedisError/timedOut`` it can be asked for again.
    func next(by deadline: ContinuousClock.Instant) async throws(RedisError) -> RESPValue {
        while true {
            do throws(RESPError) {
                if let value = try input.next() { return value }
            } catch { throw .malformed }
            do throws(SocketError) {
                guard try await stream.read(into: &input.bytes, by: deadline) > 0 else { throw .closed }
            } catch { throw RedisError(error) }
        }
    }
}
