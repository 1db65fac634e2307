import Sockets

/// Serves one client from its first byte to its last.
///
/// One task runs it, so nothing in it is shared. Answers to pipelined requests are gathered and sent together, in order;
/// no more than `outputBound` and one answer wait to be sent.
struct ServerConnection: ~Copyable {
    private static let outputBound = 64 * 1024
    /// After so many requests in a row the other connections of the loop have their turn.
    private static let fairShare = 16

    private var stream: ByteStream
    private let peer: SocketAddress
    private let server: HTTPServer
    private let writer: MessageWriter
    private var input = InputBuffer()
    private var parser: RequestParser
    private var output: [UInt8] = []
    private var unyielded = 0

    /// Why a connection ends before its client has asked for that.
    private enum Ending: Error {
        case refused(ParseError)
        /// A request had begun, and did not come whole in time.
        case slow
        /// Nothing more can be said to the client.
        case gone
    }

    init(_ stream: consuming ByteStream, from peer: SocketAddress, of server: HTTPServer, writer: MessageWriter) {
        self.stream = stream
        self.peer = peer
        self.server = server
        self.writer = writer
        parser = RequestParser(limits: server.configuration.limits)
    }

    mutating func serve() async {
        do throws(Ending) {
            while let head = try await readHead() {
                let body = try await readBody(of: head)
                let isHead = head.method == .head
                let request = Request(
                    method: head.method, target: head.target, fields: head.fields, body: body, peer: peer)
                let response = await server.handler(request)
                let keepsAlive = head.keepsAlive && !server.isDraining
                try await answer(response, omitsBody: isHead, keepsAlive: keepsAlive)
                if !keepsAlive { break }
                if output.count > Self.outputBound { try await flush() }
                await yieldInTurn()
            }
            try await flush()
        } catch {
            switch error {
            case .refused(let error): await refuse(error.status, error.reason)
            case .slow: await refuse(.requestTimeout, "the request did not arrive in time")
            case .gone: return
            }
        }
        await linger()
    }

    // MARK: Reading

    /// The next request's head; nil when the client has no more.
    private mutating func readHead() async throws(Ending) -> RequestHead? {
        var headDeadline: ContinuousClock.Instant?
        while true {
            do throws(ParseError) {
                if let head = try input.take({ bytes throws(ParseError) in try parser.parse(bytes) }) { return head }
            } catch { throw .refused(error) }
            try await flush()
            if input.isEmpty {
                guard try await waitWhileIdle() else { return nil }
            } else {
                let deadline = headDeadline ?? .now.advanced(by: server.configuration.headTimeout)
                headDeadline = deadline
                try await receive(by: deadline)
            }
        }
    }

    /// Waits for the first byte of a request; false when none will come.
    private mutating func waitWhileIdle() async throws(Ending) -> Bool {
        let isDraining = server.isDraining
        let patience = isDraining ? server.configuration.drainGrace : server.configuration.idleTimeout
        do throws(SocketError) {
            return try await input.fill(
                from: &stream, by: .now.advanced(by: patience), isInterruptible: !isDraining) > 0
        } catch .interrupted {
            return true
        } catch .timedOut {
            return false
        } catch {
            throw .gone
        }
    }

    private mutating func readBody(of head: RequestHead) async throws(Ending) -> [UInt8] {
        guard head.framing != .length(0) else { return [] }
        if head.expectsContinue, input.isEmpty { output.append("HTTP/1.1 100 Continue\r\n\r\n") }
        let deadline = ContinuousClock.now.advanced(by: server.configuration.bodyTimeout)
        var decoder = BodyDecoder(head.framing, limits: server.configuration.limits)
        while true {
            do throws(ParseError) {
                _ = try input.take { bytes throws(ParseError) in ((), try decoder.decode(bytes)) }
            } catch { throw .refused(error) }
            if decoder.isDone { return decoder.body }
            // The client may wait for earlier answers before it sends the rest.
            try await flush()
            try await receive(by: deadline)
        }
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

    private mutating func answer(_ response: Response, omitsBody: Bool, keepsAlive: Bool) async throws(Ending) {
        let isLarge = response.body.count > Self.outputBound && !omitsBody
        writer.append(response, omitsBody: omitsBody || isLarge, keepsAlive: keepsAlive, to: &output)
        guard isLarge else { return }
        // Sent from where it is: many clients that are slow to read one page then hold it once.
        try await flush()
        try await send(response.body)
    }

    private mutating func flush() async throws(Ending) {
        guard !output.isEmpty else { return }
        try await send(output)
        output.removeAll(keepingCapacity: output.capacity <= 4096)
    }

    private mutating func send(_ bytes: [UInt8]) async throws(Ending) {
        do throws(SocketError) {
            try await stream.write(bytes, by: .now.advanced(by: server.configuration.writeTimeout))
        } catch { throw .gone }
    }

    private mutating func refuse(_ status: Status, _ reason: String) async {
        let response = server.configuration.refusal(status, reason)
        writer.append(response, omitsBody: false, keepsAlive: false, to: &output)
        try? await flush()
    }

    /// Says that nothing more will come, and takes what the client still sends: closing over unread bytes would reset the
    /// connection and could destroy the answer before the client has read it (RFC 9112 §9.6).
    private mutating func linger() async {
        stream.finishWriting()
        let deadline = ContinuousClock.now.advanced(by: server.configuration.lingerTimeout)
        while ContinuousClock.now < deadline {
            input.clear()
            guard let count = try? await input.fill(from: &stream, by: deadline), count > 0 else { return }
            // What comes without a pause must not keep the loop from others.
            await Task.yield()
        }
    }
}
