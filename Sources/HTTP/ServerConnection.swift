import Sockets

/// Serves one client from its first byte to its last.
///
/// One task runs it, so nothing in it is shared. Answers to pipelined requests are gathered and sent together, in order.
///
/// What it holds for its client is bounded. With heads of 16 KiB (``Limits``):
///
/// - Input: 32 KiB, the beginning of a head and one read.
/// - A body: `Limits.bodyBytes`; what is longer than 4 KiB counts against the server's ``BodyBudget``.
/// - Output: 32 KiB and two heads, what is gathered and the answer that makes it enough. A longer body is not copied, and
///   counts against a budget of its own.
///
/// So is what it waits for: each deadline is set when that begins, and no byte from the client moves it.
struct ServerConnection: ~Copyable {
    /// Answers are gathered up to this; a body that is longer is sent from where it is.
    private static let outputBound = 16 * 1024
    /// A body up to this is taken whatever the server holds already.
    private static let smallBody = 4 * 1024
    /// What is taken from a client that goes on sending after its last answer.
    private static let lingerBytes = 8 << 20
    /// After so many requests in a row the other connections of the loop have their turn.
    private static let fairShare = 16

    private var stream: ByteStream
    private let peer: SocketAddress
    private let server: HTTPServer
    private let loop: EventLoop
    private let writer: MessageWriter
    private var input = InputBuffer()
    private var parser: RequestParser
    private var output: [UInt8] = []
    /// What the present request's body has of the server's budget.
    private var bodyShare: BodyBudget.Share?
    private var patience = Patience()
    /// Whether the present request is a HEAD, so that its answer has no body (RFC 9110 §9.3.2).
    private var omitsBody = false
    /// The present request's name; nil while its head has not come whole.
    private var requestID: RequestID?
    private var unyielded = 0

    /// Why a connection ends before its client has asked for that.
    private enum Ending: Error {
        case refused(ParseError)
        /// A request had begun, and did not come whole in time.
        case slow
        /// The server holds as many large bodies as it may.
        case overloaded
        /// The authority behind the client's certificate is trusted no more.
        case misdirected
        /// Nothing more can be said to the client.
        case gone
    }

    init(
        _ stream: consuming ByteStream, from peer: SocketAddress, of server: HTTPServer, on loop: EventLoop,
        writer: MessageWriter
    ) {
        self.stream = stream
        self.peer = peer
        self.server = server
        self.loop = loop
        self.writer = writer
        parser = RequestParser(limits: server.configuration.limits)
    }

    mutating func serve() async {
        do throws(Ending) {
            while true {
                if let head = try nextHead() {
                    guard try await serve(head) else { break }
                } else {
                    guard try await receiveHead() else { break }
                }
            }
            try await flush()
        } catch {
            bodyShare = nil
            switch error {
            case .refused(let error): await refuse(error.status, error.reason)
            case .slow: await refuse(.requestTimeout, "the request did not arrive in time")
            case .overloaded: await refuse(.serviceUnavailable, "too many large messages at a time")
            case .misdirected:
                await refuse(.misdirectedRequest, "the client certificate's authority is no longer trusted")
            case .gone: return
            }
        }
        await linger()
    }

    /// Answers one request.
    ///
    /// - Returns: Whether there may be another.
    private mutating func serve(_ head: RequestHead) async throws(Ending) -> Bool {
        omitsBody = head.method == .head
        let id = head.fields.bytes(of: "X-Request-Id").flatMap { RequestID($0) } ?? writer.nextID()
        requestID = id
        try checkClient()
        let body = head.framing == .length(0) ? [] : try await readBody(of: head)
        let request = Request(
            method: head.method, target: head.target, fields: head.fields, body: body, id: id, peer: peer,
            clientCertificate: stream.clientCertificate)
        let response: Response
        switch server.responder(request) {
        case .ready(let answer): response = answer
        case .later(let work):
            // Earlier answers are not to wait for it, nor it for a client that reads slowly or has gone.
            _ = try? flushAtOnce()
            response = await work()
        }
        (bodyShare, requestID) = (nil, nil)
        let keepsAlive = head.keepsAlive && !server.isDraining
        if output.isEmpty { writer.lend(&output) }
        if response.body.count > Self.outputBound, !omitsBody {
            try await sendLarge(response, id: id, keepsAlive: keepsAlive)
        } else {
            writer.append(response, id: id, omitsBody: omitsBody, keepsAlive: keepsAlive, to: &output)
            if output.count > Self.outputBound { try await flush() }
        }
        await yieldInTurn()
        return keepsAlive
    }

    /// Sends an answer's body from where it is: many clients that are slow to read one page then hold it once.
    private mutating func sendLarge(_ response: Response, id: RequestID, keepsAlive: Bool) async throws(Ending) {
        guard let share = server.answerBudget.share(of: response.body.count) else { throw .overloaded }
        writer.append(response, id: id, omitsBody: true, keepsAlive: keepsAlive, to: &output)
        try await flush()
        try await send(response.body)
        _ = share
    }

    /// Sees to it that a client is still who its certificate says, though authorities have changed since the handshake.
    private mutating func checkClient() throws(Ending) {
        guard stream.clientCertificate != nil, let tls = server.configuration.tls else { return }
        guard stream.isClientTrusted(by: tls.value) else { throw .misdirected }
    }

    // MARK: Reading

    /// The next request's head; nil when it has not come whole.
    private mutating func nextHead() throws(Ending) -> RequestHead? {
        do throws(ParseError) {
            let head = try input.take { bytes throws(ParseError) in try parser.parse(bytes) }
            omitsBody = parser.isHead
            guard let head else { return nil }
            patience = Patience()
            return head
        } catch {
            omitsBody = parser.isHead
            throw .refused(error)
        }
    }

    /// Waits for more of a head, or for a request to begin; false when none will come.
    private mutating func receiveHead() async throws(Ending) -> Bool {
        try await flush()
        if parser.hasBegun {
            try await receive(by: patience.forHead(until: loop.now + server.configuration.headTimeout))
            return true
        }
        let isDraining = server.isDraining
        let limit = isDraining ? server.configuration.drainGrace : server.configuration.idleTimeout
        let deadline = patience.whileIdle(until: loop.now + limit, isDraining: isDraining)
        do throws(SocketError) {
            return try await input.fill(from: &stream, by: deadline, isInterruptible: !isDraining) > 0
        } catch .interrupted {
            return true
        } catch .timedOut {
            return false
        } catch {
            throw .gone
        }
    }

    /// Until when the next head is waited for: no byte that comes moves a deadline.
    private struct Patience {
        private var idle: ContinuousClock.Instant?
        private var head: ContinuousClock.Instant?
        private var isDraining = false

        /// For a request to begin: set anew only when the server begins to drain.
        mutating func whileIdle(until deadline: ContinuousClock.Instant, isDraining: Bool) -> ContinuousClock.Instant {
            if let idle, isDraining == self.isDraining { return idle }
            self.isDraining = isDraining
            idle = deadline
            return deadline
        }

        /// For a request that has begun.
        mutating func forHead(until deadline: ContinuousClock.Instant) -> ContinuousClock.Instant {
            let deadline = head ?? deadline
            head = deadline
            return deadline
        }
    }

    private mutating func readBody(of head: RequestHead) async throws(Ending) -> [UInt8] {
        if head.expectsContinue, input.isEmpty { output.append("HTTP/1.1 100 Continue\r\n\r\n") }
        let deadline = ContinuousClock.now.advanced(by: server.configuration.bodyTimeout)
        var decoder = BodyDecoder(head.framing, limits: server.configuration.limits)
        while true {
            do throws(ParseError) {
                _ = try input.take { bytes throws(ParseError) in ((), try decoder.decode(bytes)) }
            } catch { throw .refused(error) }
            if decoder.isDone { return decoder.body }
            if decoder.body.count > Self.smallBody { try holdLargeBody() }
            // The client may wait for earlier answers before it sends the rest.
            try await flush()
            try await receive(by: deadline)
        }
    }

    /// Sees to it that the server has room for the body that is coming.
    private mutating func holdLargeBody() throws(Ending) {
        guard bodyShare == nil else { return }
        guard let share = server.bodyBudget.share(of: server.configuration.limits.bodyBytes) else { throw .overloaded }
        bodyShare = share
    }

    /// Waits for more of a request that has begun.
    private mutating func receive(by deadline: ContinuousClock.Instant) async throws(Ending) {
        do throws(SocketError) {
            if try await input.fill(from: &stream, by: deadline) == 0 { throw SocketError.closed }
        } catch .timedOut {
            throw .slow
        } catch {
            throw .gone
        }
    }

    private mutating func yieldInTurn() async {
        unyielded += 1
        guard unyielded >= Self.fairShare else { return }
        unyielded = 0
        await Task.yield()
    }

    // MARK: Writing

    /// Sends what the socket takes without a wait, which nearly always is all that was gathered.
    ///
    /// - Returns: Whether it was.
    private mutating func flushAtOnce() throws(Ending) -> Bool {
        guard !output.isEmpty else { return true }
        let sent: Int
        do throws(SocketError) { sent = try stream.writeAtOnce(output) } catch { throw .gone }
        guard sent == output.count else {
            output.removeFirst(sent)
            return false
        }
        writer.takeBack(&output)
        return true
    }

    private mutating func flush() async throws(Ending) {
        guard try !flushAtOnce() else { return }
        try await send(output)
        output = []
    }

    private mutating func send(_ bytes: [UInt8]) async throws(Ending) {
        do throws(SocketError) {
            try await stream.write(bytes, by: .now.advanced(by: server.configuration.writeTimeout))
        } catch {
            stream.resetWhenClosed()
            throw .gone
        }
    }

    private mutating func refuse(_ status: Status, _ reason: String) async {
        let response = server.configuration.refusal(status, reason)
        writer.append(response, id: requestID ?? writer.nextID(), omitsBody: omitsBody, keepsAlive: false, to: &output)
        try? await flush()
    }

    /// Says that nothing more will come, and takes what the client still sends: closing over unread bytes would reset the
    /// connection and could destroy the answer before the client has read it (RFC 9112 §9.6).
    private mutating func linger() async {
        stream.finishWriting()
        let deadline = ContinuousClock.now.advanced(by: server.configuration.lingerTimeout)
        var taken = 0
        while taken < Self.lingerBytes, ContinuousClock.now < deadline {
            input.clear()
            guard let count = try? await input.fill(from: &stream, by: deadline), count > 0 else { return }
            taken += count
            // What comes without a pause must not keep the loop from others.
            await Task.yield()
        }
    }
}
