package import Sockets

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
///
/// A connection carries one request at a time, and another one only after an HTTP/1.1 answer that was whole, said where it
/// ends and that the connection stays, came without an interim answer before it and without a byte after it. All else
/// closes it: no request can be given the answer to one before it.
package final class HTTPClient: Sendable {
    /// What an answer may cost, and which connections are kept.
    package struct Configuration: Sendable {
        package var limits = Limits()
        /// How long an unused connection is kept. Short, because servers close theirs at times of their own.
        package var idleTimeout: Duration = .seconds(10)
        /// How long after it was opened a connection is used again at most: a server's name and certificate are looked at
        /// anew at least as often.
        package var lifetime: Duration = .seconds(300)
        /// Connections per origin, unused ones among them; then requests wait in line. Each loop has an equal share, at
        /// least one. Those of requests beyond their `turn` come on top.
        package var maximumPerOrigin = 64
        /// How long a request counts towards `maximumPerOrigin`. One that takes longer goes on, but holds nobody up: a
        /// server that keeps some waiting for ever keeps the others waiting no longer than this.
        package var turn: Duration = .milliseconds(500)

        package init() {}
    }

    private let group: EventLoopGroup
    private let configuration: Configuration
    private let pools: [ConnectionPools]

    package init(on group: EventLoopGroup, configuration: Configuration = Configuration()) {
        self.group = group
        self.configuration = configuration
        pools = group.loops.map { ConnectionPools(of: configuration, on: $0, share: group.loops.count) }
    }

    /// Sends a request and waits for the whole answer, and before that, if need be, for its place among the connections to
    /// that origin.
    ///
    /// - Parameters:
    ///   - fields: Besides `Host` and `Content-Length`, which are written here.
    ///   - tls: Whom an `https` URL has us trust. Only requests with the same context share connections.
    ///   - deadline: Total, from the wait for a place to the answer's last byte.
    package func send(
        _ method: Method, to url: HTTPURL, fields: Fields = Fields(), body: [UInt8] = [], tls: TLSContext,
        by deadline: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> Response {
        let loop = group.any
        let result = await Task(executorPreference: loop) {
            await self.exchange(method, url, fields, body, tls, on: loop, by: deadline)
        }.value
        return try result.get()
    }

    private func exchange(
        _ method: Method, _ url: HTTPURL, _ fields: Fields, _ body: [UInt8], _ tls: TLSContext,
        on loop: EventLoop, by deadline: ContinuousClock.Instant
    ) async -> Result<Response, HTTPClientError> {
        do throws(HTTPClientError) {
            let pool = pools[group.loops.firstIndex { $0 === loop } ?? 0].pool(for: Origin(url))
            let place = try await pool.enter(by: deadline)
            var unused: ClientConnection?
            defer { pool.leave(place, unused) }
            let connection: ClientConnection
            if let known = pool.take(trusting: tls) {
                connection = known
            } else {
                connection = try await .open(url, tls: tls, limits: configuration.limits, on: loop, by: deadline)
            }
            let (response, keepsAlive) = try await connection.exchange(
                Self.message(method, url, fields, body), isHead: method == .head, by: deadline)
            if keepsAlive { unused = connection }
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
