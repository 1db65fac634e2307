import Sockets

/// A connection to a server, for one request at a time. Loop only.
final class ClientConnection {
    /// Whom it was opened to trust. Holding the context keeps another from taking its place in memory.
    let trust: TLSContext
    let opened = ContinuousClock.now
    private var stream: ByteStream
    private let limits: Limits
    private var input = InputBuffer()

    private init(_ stream: consuming ByteStream, trusting trust: TLSContext, limits: Limits) {
        self.stream = stream
        self.trust = trust
        self.limits = limits
    }

    /// Over TLS the server learns that this is the end, and not an attacker's cut (RFC 8446 §6.1).
    deinit { stream.finishWriting() }

    /// Whether it is not fit for another request: something has come that no request asked for, or the end.
    var isStale: Bool { !input.isEmpty || stream.isStale }

    static func open(
        _ url: HTTPURL, tls: TLSContext, limits: Limits, on loop: EventLoop, by deadline: ContinuousClock.Instant
    ) async throws(HTTPClientError) -> ClientConnection {
        do throws(SocketError) {
            let addresses = try await NameResolver.resolve(url.host, port: url.port, on: loop, by: deadline)
            var stream = try await ByteStream.connect(to: addresses, on: loop, by: deadline)
            if url.scheme == .https { try await stream.startTLS(tls, host: url.host, by: deadline) }
            return ClientConnection(stream, trusting: tls, limits: limits)
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
        } catch { throw Self.failure(error) }
        var head = try await readHead(by: deadline)
        // Nobody asks for interim answers: who sends one may count its answers in another way than we do.
        let isFirst = head.status.code >= 200
        // Of those, a well-meaning server sends few (RFC 9110 §15.2). 101 would end HTTP, unasked.
        for _ in 0..<4 where head.status.code < 200 && head.status.code != 101 {
            head = try await readHead(by: deadline)
        }
        guard head.status.code >= 200 else { throw .malformed(.badStatusLine) }
        // None is asked for, and what is small on its way could be boundless when decoded.
        guard ContentCoding.isIdentity(head.fields) else { throw .malformed(.unsupportedContentCoding) }
        let body = isHead ? [] : try await readBody(head.framing, by: deadline)
        return (Response(head.status, fields: head.fields, body: body), isFirst && head.keepsAlive)
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
        } catch { throw Self.failure(error) }
    }

    /// What broke an exchange that had begun.
    private static func failure(_ error: SocketError) -> HTTPClientError {
        switch error {
        case .timedOut: .timedOut
        case .tls(.truncated), .tls(.closedByPeer), .tls(.reset): .closed
        // A server of TLS 1.3 judges our certificate only when we have ended the handshake and written.
        case .tls(let error): .tls(error)
        default: .closed
        }
    }
}
