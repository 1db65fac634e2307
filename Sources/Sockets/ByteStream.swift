/// A connected peer, plain or over TLS: bytes to it and from it, each wait with its deadline.
///
/// Loop only: it is made, used and dropped by one task that prefers its loop.
package struct ByteStream: ~Copyable {
    /// After so many bytes in a row the other tasks of the loop have their turn.
    private static let fairShare = 256 * 1024

    // Before the socket, so that it is freed before its descriptor is closed.
    private var tls: TLSSession?
    private let socket: Socket
    private let loop: EventLoop
    private let registration: EventLoop.Registration
    /// The certificate that a client has shown in the handshake; nil without one, and without TLS.
    package private(set) var clientCertificate: ClientCertificate?

    /// Takes over a connected socket. Call on `loop`'s thread.
    package init(_ socket: consuming Socket, on loop: EventLoop) throws(SocketError) {
        registration = try loop.register(socket.descriptor)
        self.socket = socket
        self.loop = loop
    }

    deinit { loop.forget(registration) }

    /// Connects to one of `addresses`: the first that takes us, tried in order, each with an equal share of the time that
    /// is left.
    package static func connect(
        to addresses: [SocketAddress], on loop: EventLoop, by deadline: ContinuousClock.Instant
    ) async throws(SocketError) -> ByteStream {
        var failure = SocketError.unknownHost("no address")
        for (index, address) in addresses.enumerated() {
            let now = ContinuousClock.now
            let share = now.advanced(by: (deadline - now) / (addresses.count - index))
            do throws(SocketError) {
                let stream = try ByteStream(Socket.connecting(to: address), on: loop)
                try await stream.ready(.write, by: share)
                if let error = stream.socket.connectionError() { throw error }
                return stream
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Begins TLS with the server `host`, whose name the certificate must bear.
    package mutating func startTLS(
        _ context: TLSContext, host: String, by deadline: ContinuousClock.Instant
    ) async throws(SocketError) {
        do throws(TLSError) {
            tls = try TLSSession(client: context, descriptor: socket.descriptor, host: host)
        } catch { throw .tls(error) }
        try await handshake(by: deadline)
    }

    /// Begins TLS with a client; called again after an interruption, it goes on with what it has begun.
    ///
    /// - Parameter isInterruptible: Whether ``EventLoop/interrupt()`` ends the wait, with ``SocketError/interrupted``.
    package mutating func acceptTLS(
        _ context: TLSContext, by deadline: ContinuousClock.Instant, isInterruptible: Bool = false
    ) async throws(SocketError) {
        if tls == nil {
            do throws(TLSError) {
                tls = try TLSSession(server: context, descriptor: socket.descriptor)
            } catch { throw .tls(error) }
        }
        try await handshake(by: deadline, isInterruptible: isInterruptible)
        do throws(TLSError) { clientCertificate = try tls?.clientCertificate() } catch { throw .tls(error) }
    }

    /// Whether the authorities of `context` vouch for the client's certificate; there has to be one.
    package mutating func isClientTrusted(by context: TLSContext) -> Bool {
        tls?.isClientTrusted(by: context) ?? false
    }

    /// Whether the handshake went by a ticket from an earlier session.
    package var isResumed: Bool {
        switch tls {
        case .some(let tls): tls.isResumed
        case nil: false
        }
    }

    private mutating func handshake(
        by deadline: ContinuousClock.Instant, isInterruptible: Bool = false
    ) async throws(SocketError) {
        while true {
            switch try attemptHandshake() {
            case .wantsRead: try await ready(.read, by: deadline, isInterruptible: isInterruptible)
            case .wantsWrite: try await ready(.write, by: deadline, isInterruptible: isInterruptible)
            case .done: return
            }
        }
    }

    private mutating func attemptHandshake() throws(SocketError) -> TLSSession.Step {
        lendReadiness()
        defer { takeReadiness() }
        do throws(TLSError) { return try tls?.handshake() ?? .done } catch { throw .tls(error) }
    }

    /// Appends what has arrived to `buffer`, waiting for at least one byte.
    ///
    /// - Parameters:
    ///   - limit: How many bytes it takes at most; what is left over stays in the kernel.
    ///   - isInterruptible: Whether ``EventLoop/interrupt()`` ends the wait, with ``SocketError/interrupted``.
    /// - Returns: How many bytes came; 0 when the peer has finished.
    package mutating func read(
        into buffer: inout [UInt8], atMost limit: Int = .max, by deadline: ContinuousClock.Instant,
        isInterruptible: Bool = false
    ) async throws(SocketError) -> Int {
        while true {
            let room = UnsafeMutableRawBufferPointer(rebasing: loop.scratch.prefix(limit))
            switch try attemptRead(into: room) {
            case .bytes(let count):
                buffer.append(contentsOf: room.prefix(count))
                return count
            case .blocked(let readiness):
                try await ready(readiness, by: deadline, isInterruptible: isInterruptible)
            }
        }
    }

    /// Sends what can be sent without a wait.
    ///
    /// - Returns: How many bytes that was. The next write begins with the byte after them.
    package mutating func writeAtOnce(_ bytes: [UInt8]) throws(SocketError) -> Int {
        let attempt = try bytes.span.withUnsafeBytes { bytes throws(SocketError) in try attemptWrite(bytes) }
        return if case .bytes(let count) = attempt { count } else { 0 }
    }

    /// Sends all of `bytes`.
    package mutating func write(_ bytes: [UInt8], by deadline: ContinuousClock.Instant) async throws(SocketError) {
        var sent = 0
        while sent < bytes.count {
            let end = min(bytes.count, sent + Self.fairShare)
            let attempt = try bytes.span.extracting(sent..<end).withUnsafeBytes { bytes throws(SocketError) in
                try attemptWrite(bytes)
            }
            switch attempt {
            case .bytes(let count):
                sent += count
                // However fast the peer reads.
                if sent < bytes.count, sent >= end { await Task.yield() }
            case .blocked(let readiness): try await ready(readiness, by: deadline)
            }
        }
    }

    /// What a call that does not block came to.
    private enum Attempt { case bytes(Int), blocked(EventLoop.Readiness) }

    private mutating func attemptRead(into room: UnsafeMutableRawBufferPointer) throws(SocketError) -> Attempt {
        lendReadiness()
        defer { takeReadiness() }
        do throws(TLSError) {
            switch try tls?.read(into: room) {
            case .bytes(let count): return .bytes(count)
            case .endOfStream: return .bytes(0)
            case .wantsRead: return .blocked(.read)
            case .wantsWrite: return .blocked(.write)
            case nil: break
            }
        } catch { throw .tls(error) }

        guard registration.mayRead else { return .blocked(.read) }
        switch socket.read(into: room) {
        case .bytes(let count):
            // A short read took all there was: the next arrival is a new edge.
            if count < room.count { registration.drained() }
            return .bytes(count)
        case .blocked:
            registration.drained()
            return .blocked(.read)
        case .failed(let error): throw error
        }
    }

    private mutating func attemptWrite(_ bytes: UnsafeRawBufferPointer) throws(SocketError) -> Attempt {
        lendReadiness()
        defer { takeReadiness() }
        do throws(TLSError) {
            switch try tls?.write(bytes) {
            case .bytes(let count): return .bytes(count)
            case .wantsRead: return .blocked(.read)
            case .wantsWrite: return .blocked(.write)
            case .endOfStream: throw .closedByPeer
            case nil: break
            }
        } catch { throw .tls(error) }

        switch socket.write(bytes) {
        case .bytes(let count): return .bytes(count)
        case .blocked: return .blocked(.write)
        case .failed(let error): throw error
        }
    }

    /// Lets the session know whether the kernel may have something, before it is called.
    private mutating func lendReadiness() {
        tls?.mayRead = registration.mayRead
        tls?.isClosing = registration.isClosing
    }

    /// Notes what the session has found, after it was called.
    private func takeReadiness() {
        switch tls {
        case .some(let tls): if tls.isDrained { registration.drained() }
        case nil: break
        }
    }

    /// Tells the peer that no more will come; reading goes on.
    package mutating func finishWriting() {
        tls?.close()
        socket.finishWriting()
    }

    /// Has the peer, once this goes, lose what it has not read: the kernel would keep it for minutes.
    package func resetWhenClosed() { socket.resetWhenClosed() }

    /// Whether an idle connection is no longer fit for use: the peer has closed it, or sent what nobody asked for.
    package var isStale: Bool {
        if socket.hasNews() { return true }
        return switch tls {
        case .some(let tls): tls.hasBufferedBytes
        case nil: false
        }
    }

    private func ready(
        _ readiness: EventLoop.Readiness, by deadline: ContinuousClock.Instant, isInterruptible: Bool = false
    ) async throws(SocketError) {
        switch await loop.wait(registration, for: readiness, by: deadline, isInterruptible: isInterruptible) {
        case .ready: return
        case .timedOut: throw .timedOut
        case .interrupted: throw .interrupted
        }
    }
}
