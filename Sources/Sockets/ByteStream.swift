/// A connected peer, plain or over TLS: bytes to it and from it, each wait with its deadline.
///
/// Loop only: it is made, used and dropped by one task that prefers its loop.
package struct ByteStream: ~Copyable {
    // Before the socket, so that it is freed before its descriptor is closed.
    private var tls: TLSSession?
    private let socket: Socket
    private let loop: EventLoop
    private let registration: EventLoop.Registration

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

    /// Begins TLS with a client.
    package mutating func acceptTLS(_ context: TLSContext, by deadline: ContinuousClock.Instant)
        async throws(SocketError)
    {
        do throws(TLSError) {
            tls = try TLSSession(server: context, descriptor: socket.descriptor)
        } catch { throw .tls(error) }
        try await handshake(by: deadline)
    }

    private mutating func handshake(by deadline: ContinuousClock.Instant) async throws(SocketError) {
        while true {
            let step: TLSSession.Step?
            do throws(TLSError) { step = try tls?.handshake() } catch { throw .tls(error) }
            switch step {
            case .wantsRead: try await ready(.read, by: deadline)
            case .wantsWrite: try await ready(.write, by: deadline)
            case .done, nil: return
            }
        }
    }

    /// Appends what has arrived to `buffer`, waiting for at least one byte.
    ///
    /// - Parameter isInterruptible: Whether ``EventLoop/interrupt()`` ends the wait, with ``SocketError/interrupted``.
    /// - Returns: How many bytes came; 0 when the peer has finished.
    package mutating func read(
        into buffer: inout [UInt8], by deadline: ContinuousClock.Instant, isInterruptible: Bool = false
    ) async throws(SocketError) -> Int {
        while true {
            let room = loop.scratch
            switch try attemptRead(into: room) {
            case .bytes(let count):
                buffer.append(contentsOf: room.prefix(count))
                return count
            case .blocked(let readiness):
                try await ready(readiness, by: deadline, isInterruptible: isInterruptible)
            }
        }
    }

    /// Sends all of `bytes`.
    package mutating func write(_ bytes: [UInt8], by deadline: ContinuousClock.Instant) async throws(SocketError) {
        var sent = 0
        while sent < bytes.count {
            let attempt = try bytes.span.extracting(sent...).withUnsafeBytes { bytes throws(SocketError) in
                try attemptWrite(bytes)
            }
            switch attempt {
            case .bytes(let count): sent += count
            case .blocked(let readiness): try await ready(readiness, by: deadline)
            }
        }
    }

    /// What a call that does not block came to.
    private enum Attempt { case bytes(Int), blocked(EventLoop.Readiness) }

    private mutating func attemptRead(into room: UnsafeMutableRawBufferPointer) throws(SocketError) -> Attempt {
        do throws(TLSError) {
            switch try tls?.read(into: room) {
            case .bytes(let count): return .bytes(count)
            case .endOfStream: return .bytes(0)
            case .wantsRead:
                registration.drained()
                return .blocked(.read)
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

    /// Tells the peer that no more will come; reading goes on.
    package mutating func finishWriting() {
        tls?.close()
        socket.finishWriting()
    }

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
