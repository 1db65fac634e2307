package import Sockets
import Synchronization

/// Why a request got no answer.
package enum HTTPClientError: Error, Equatable, Sendable {
    case unknownHost(String)
    /// No connection: refused, unreachable; the text names the call and its error.
    case connect(String)
    /// No TLS with whom we meant to talk to.
    case tls(TLSError)
    /// Connected, and then reset or closed before the whole answer was there. The request may have been carried out.
    case closed
    /// The deadline passed; the request may have been carried out.
    case timedOut
    /// What came is no HTTP/1.1 answer, or exceeds the limits.
    case malformed(ParseError)
}

extension HTTPClientError: CustomStringConvertible {
    /// A clause for people, without a full stop; it holds nothing that the server worded.
    package var description: String {
        switch self {
        case .unknownHost(let reason): "unknown host: \(reason)"
        case .connect(let reason): reason
        case .tls(let error): error.description
        case .closed: "the connection was closed"
        case .timedOut: "timed out"
        case .malformed(let error): "not an HTTP/1.1 answer: \(error.reason)"
        }
    }
}

/// Sends single requests, over connections that it keeps for a little while.
///
/// Redirects are answers like any other: nothing is ever followed, so no credential can go where it was not meant to.
/// Nothing is retried: a request that may have been carried out is the caller's to judge.
package final class HTTPClient: Sendable {
    /// What an answer may cost, and which connections are kept.
    package struct Configuration: Sendable {
        package var limits = Limits()
        /// How long an unused connection is kept. Short, because servers close theirs at times of their own.
        package var idleTimeout: Duration = .seconds(10)
        /// Unused connections kept per loop and origin.
        package var maximumIdle = 8

        package init() {}
    }

    private let group: EventLoopGroup
    private let configuration: Configuration
    private let pools: [ConnectionPool]

    package init(on group: EventLoopGroup, configuration: Configuration = Configuration()) {
        self.group = group
        self.configuration = configuration
        pools = group.loops.map { _ in ConnectionPool() }
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// - Parameters:
    ///   - fields: Besides `Host` and `Content-Length`, which are written here.
    ///   - tls: Whom an `https` URL has us trust.
    ///   - owner: Whose request it is. Only requests of one owner share a connection: an answer that a broken intermediary
    ///     gives to the wrong request then stays with whom it was meant for.
    ///   - deadline: Total, from name resolution to the answer's last byte.
    package func send(
        _ method: Method, to url: HTTPURL, fields: Fields = Fields(), body: [UInt8] = [], tls: TLSContext,
        owner: String, by deadline: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> Response {
        let loop = group.any
        let result = await Task(executorPreference: loop) {
            await self.exchange(method, url, fields, body, tls, owner, on: loop, by: deadline)
        }.value
        return try result.get()
    }

    private func exchange(
        _ method: Method, _ url: HTTPURL, _ fields: Fields, _ body: [UInt8], _ tls: TLSContext, _ owner: String,
        on loop: EventLoop, by deadline: ContinuousClock.Instant
    ) async -> Result<Response, HTTPClientError> {
        do throws(HTTPClientError) {
            let pool = pools[group.loops.firstIndex { $0 === loop } ?? 0]
            let origin = Origin(url, tls, owner)
            let connection: ClientConnection
            if let idle = pool.take(origin) {
                connection = idle
            } else {
                connection = try await .open(url, tls: tls, limits: configuration.limits, on: loop, by: deadline)
            }
            let (response, keepsAlive) = try await connection.exchange(
                Self.message(method, url, fields, body), isHead: method == .head, by: deadline)
            if keepsAlive { pool.keep(connection, for: origin, on: loop, configuration) }
            return .success(response)
        } catch {
            return .failure(error)
        }
    }

    private static func message(_ method: Method, _ url: HTTPURL, _ fields: Fields, _ body: [UInt8]) -> [UInt8] {
        var message: [UInt8] = []
        message.append(contentsOf: "\(method) \(url.target) HTTP/1.1\r\nHost: \(url.authority)\r\n".utf8)
        message.append(contentsOf: fields.bytes)
        if method == .post || !body.isEmpty { message.append(contentsOf: "Content-Length: \(body.count)\r\n".utf8) }
        message.append("\r\n")
        message.append(contentsOf: body)
        return message
    }
}

/// Where a connection goes, whom it trusts on the way, and whose it is: only equal origins share one.
private struct Origin: Hashable {
    /// A context by its identity; holding it keeps another from taking its place in memory.
    struct Trust: Hashable {
        let context: TLSContext

        static func == (one: Trust, other: Trust) -> Bool { one.context === other.context }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(context)) }
    }

    let scheme: HTTPURL.Scheme
    let host: String
    let port: UInt16
    let trust: Trust
    let owner: String

    init(_ url: HTTPURL, _ tls: TLSContext, _ owner: String) {
        scheme = url.scheme
        host = url.host
        port = url.port
        trust = Trust(context: tls)
        self.owner = owner
    }
}

/// The unused connections of one loop.
///
/// - Invariant (`@unchecked Sendable`): touched only by tasks that prefer that loop.
private final class ConnectionPool: @unchecked Sendable {
    private var idle: [Origin: [ClientConnection]] = [:]

    /// A connection that is fit for use; the latest, so that those beyond need can age.
    func take(_ origin: Origin) -> ClientConnection? {
        while let connection = idle[origin]?.popLast() {
            if idle[origin]?.isEmpty == true { idle[origin] = nil }
            // What a server sends unasked could be taken for the answer to the next request.
            if !connection.isStale { return connection }
        }
        return nil
    }

    func keep(
        _ connection: ClientConnection, for origin: Origin, on loop: EventLoop,
        _ configuration: HTTPClient.Configuration
    ) {
        guard idle[origin, default: []].count < configuration.maximumIdle else { return }
        idle[origin, default: []].append(connection)
        let end = ContinuousClock.now.advanced(by: configuration.idleTimeout)
        connection.idleUntil = end
        Task(executorPreference: loop) {
            await loop.sleep(until: end)
            self.idle[origin]?.removeAll { $0.idleUntil <= end }
            if self.idle[origin]?.isEmpty == true { self.idle[origin] = nil }
        }
    }
}

/// A connection to a server, for one request at a time. Loop only.
private final class ClientConnection {
    private var stream: ByteStream
    private let limits: Limits
    private var input = InputBuffer()
    var idleUntil = ContinuousClock.now

    private init(_ stream: consuming ByteStream, limits: Limits) {
        self.stream = stream
        self.limits = limits
    }

    var isStale: Bool { !input.isEmpty || stream.isStale }

    static func open(
        _ url: HTTPURL, tls: TLSContext, limits: Limits, on loop: EventLoop, by deadline: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> ClientConnection {
        do throws(SocketError) {
            let addresses = try await NameResolver.resolve(url.host, port: url.port, on: loop, by: deadline)
            var stream = try await ByteStream.connect(to: addresses, on: loop, by: deadline)
            if url.scheme == .https { try await stream.startTLS(tls, host: url.host, by: deadline) }
            return ClientConnection(stream, limits: limits)
        } catch {
            switch error {
            case .timedOut: throw .timedOut
            case .unknownHost(let reason): throw .unknownHost(reason)
            case .tls(let error): throw .tls(error)
            default: throw .connect(error.description)
            }
        }
    }

    /// - Returns: The answer, and whether the connection can carry another request.
    func exchange(
        _ message: [UInt8], isHead: Bool, by deadline: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> (Response, keepsAlive: Bool) {
        do throws(SocketError) {
            try await stream.write(message, by: deadline)
        } catch { throw error == .timedOut ? .timedOut : .closed }
        var head = try await readHead(by: deadline)
        // Interim answers, of which a well-meaning server sends few (RFC 9110 §15.2). 101 would end HTTP, unasked.
        for _ in 0..<4 where head.status.code < 200 && head.status.code != 101 {
            head = try await readHead(by: deadline)
        }
        guard head.status.code >= 200 else { throw .malformed(.badStatusLine) }
        let body = isHead ? [] : try await readBody(head.framing, by: deadline)
        return (Response(head.status, fields: head.fields, body: body), head.keepsAlive)
    }

    private func readHead(by deadline: ContinuousClock.Instant) async throws(HTTPClientError) -> ResponseHead {
        var parser = ResponseParser(limits: limits)
        while true {
            do throws(ParseError) {
                if let head = try input.take({ bytes throws(ParseError) in try parser.parse(bytes) }) { return head }
            } catch { throw .malformed(error) }
            guard try await receive(by: deadline) > 0 else { throw .closed }
        }
    }

    private func readBody(_ framing: BodyFraming, by deadline: ContinuousClock.Instant) async throws(HTTPClientError)
        -> [UInt8]
    {
        var decoder = BodyDecoder(framing, limits: limits)
        while true {
            do throws(ParseError) {
                _ = try input.take { bytes throws(ParseError) in ((), try decoder.decode(bytes)) }
            } catch { throw .malformed(error) }
            if decoder.isDone { return decoder.body }
            if try await receive(by: deadline) == 0 {
                do throws(ParseError) { try decoder.finish() } catch { throw .closed }
                return decoder.body
            }
        }
    }

    private func receive(by deadline: ContinuousClock.Instant) async throws(HTTPClientError) -> Int {
        do throws(SocketError) {
            return try await input.fill(from: &stream, by: deadline)
        } catch { throw error == .timedOut ? .timedOut : .closed }
    }
}
