package import Sockets
import Synchronization

/// Answers a request, on its connection's loop. It does not throw: whoever knows what an error means has already made an
/// answer of it.
package typealias Responder = @Sendable (Request) -> Reply

/// Answers a request, taking its time.
package typealias Handler = @Sendable (Request) async -> Response

/// Listens at one address, and serves its connections spread over the event loops.
package final class HTTPServer: Sendable {
    /// What a client may take of us and for how long, whether TLS is spoken, and how a refusal looks.
    package struct Configuration: Sendable {
        package var limits = Limits()
        /// Serves over TLS, each connection with the context that is current when it comes; nil for clear text.
        package var tls: CurrentTLSContext?
        /// Told how each TLS handshake has ended, with whom, and why it failed if it did; on the connection's loop.
        package var handshakeEnded: @Sendable (TLSHandshakeOutcome, SocketAddress, SocketError?) -> Void = {
            (_, _, _) in
        }
        /// From accepting a connection to the end of the TLS handshake.
        package var handshakeTimeout: Duration = .seconds(10)
        /// From the first byte of a request to the end of its head.
        package var headTimeout: Duration = .seconds(10)
        /// From the end of a head to the end of its body.
        package var bodyTimeout: Duration = .seconds(30)
        /// How long a connection may stay without a request.
        package var idleTimeout: Duration = .seconds(75)
        /// How long a client may take to receive what we send at once: at most 32 KiB, or one body that is longer.
        package var writeTimeout: Duration = .seconds(30)
        /// How long a connection stays half-closed, so that the client can read the last answer; less when the client
        /// goes on to send 8 MiB.
        package var lingerTimeout: Duration = .seconds(1)
        /// While draining, how long an idle connection stays open for a request that is already on its way, and how long a
        /// handshake may still take.
        package var drainGrace: Duration = .seconds(1)
        /// Connections beyond that are closed as they come.
        package var maximumConnections = 20_000
        /// The same for one address: ``SocketAddress/network``.
        package var maximumPerAddress = 10_000
        /// Is told of each connection that is closed as it comes, on an event loop.
        package var connectionRefused: @Sendable (ConnectionRefusal, SocketAddress) -> Void = { _, _ in }
        /// What request bodies of more than 4 KiB may take in all, in bytes; those beyond it are answered 503.
        package var bodyBudget = 64 << 20
        /// The same for answers of more than 16 KiB on their way, though one may be larger.
        package var answerBudget = 64 << 20
        /// Makes the answer that refuses what never became a request; the sentence says why. The connection closes after it.
        package var refusal: @Sendable (Status, String) -> Response = { status, reason in
            Response(status, type: "text/plain; charset=utf-8", body: Array("\(reason)\n".utf8))
        }

        package init() {}
    }

    /// Where it listens: the port that the kernel chose, if the one asked for was 0.
    package let address: SocketAddress
    let configuration: Configuration
    let responder: Responder
    let bodyBudget: BodyBudget
    let answerBudget: BodyBudget
    private let group: EventLoopGroup
    private let isDrainingFlag = Atomic<Bool>(false)
    private let presence: Mutex<Presence>

    /// Who is here, which a drain waits to be nobody. Its lock is taken when a connection comes and goes.
    private struct Presence {
        var clients: Occupancy
        var listeners = 0
        /// Whether memory is about to be given back.
        var willGiveBack = false
        /// Who waits for the last to leave.
        var waiter: CheckedContinuation<Void, Never>?

        /// The waiter to resume, now that somebody left.
        mutating func waiterIfEmpty() -> CheckedContinuation<Void, Never>? {
            guard clients.connections == 0, listeners == 0 else { return nil }
            defer { waiter = nil }
            return waiter
        }
    }

    /// Binds, and begins to serve.
    ///
    /// - Throws: What `bind` or `listen` says; nothing is left behind then.
    package init(
        at address: SocketAddress, on group: EventLoopGroup, configuration: Configuration = Configuration(),
        responder: @escaping Responder
    ) throws(SocketError) {
        self.group = group
        self.configuration = configuration
        self.responder = responder
        bodyBudget = BodyBudget(limit: configuration.bodyBudget)
        answerBudget = BodyBudget(limit: configuration.answerBudget)
        presence = Mutex(
            Presence(
                clients: Occupancy(
                    maximum: configuration.maximumConnections, maximumPerAddress: configuration.maximumPerAddress)))
        // Sharing would let a second process of the same user in as well, so first see that the address is free.
        _ = try Socket.listening(at: address, isShared: false)
        let first = try Socket.listening(at: address, isShared: true)
        self.address = try first.localAddress()
        var descriptors = [first.release()]
        for _ in group.loops.dropFirst() {
            do throws(SocketError) {
                descriptors.append(try Socket.listening(at: self.address, isShared: true).release())
            } catch {
                for descriptor in descriptors { _ = Socket(adopting: descriptor) }
                throw error
            }
        }
        presence.withLock { $0.listeners = descriptors.count }
        for (loop, descriptor) in zip(group.loops, descriptors) {
            Task(executorPreference: loop) { await self.accept(on: descriptor, loop: loop) }
        }
    }

    /// Binds, and begins to serve what never answers at once.
    package convenience init(
        at address: SocketAddress, on group: EventLoopGroup, configuration: Configuration = Configuration(),
        handler: @escaping Handler
    ) throws(SocketError) {
        try self.init(at: address, on: group, configuration: configuration) { request in
            .later { await handler(request) }
        }
    }

    var isDraining: Bool { isDrainingFlag.load(ordering: .relaxed) }

    /// How many connections are open now.
    package var connectionCount: Int { presence.withLock { $0.clients.connections } }

    /// Stops accepting, answers the request that each connection is at, and closes it with that; returns when all connections are closed or `limit` has
    /// passed. Call it once.
    package func drain(within limit: Duration) async {
        let deadline = ContinuousClock.now.advanced(by: limit)
        await withCheckedContinuation { continuation in
            presence.withLock { $0.waiter = continuation }
            // Whoever sees the flag also sees the waiter, and whoever left before is seen below.
            isDrainingFlag.store(true, ordering: .releasing)
            for loop in group.loops { loop.interrupt() }
            resumeWaiterIfEmpty()
            Task(executorPreference: group.any) {
                await self.group.any.sleep(until: deadline)
                self.presence.withLock { presence in
                    defer { presence.waiter = nil }
                    return presence.waiter
                }?.resume()
            }
        }
    }

    // MARK: Accepting

    private func accept(on descriptor: Int32, loop: EventLoop) async {
        let writer = MessageWriter()
        if var listener = try? Listener(Socket(adopting: descriptor), on: loop) {
            while !isDraining {
                do throws(SocketError) {
                    let (descriptor, peer) = try await listener.accept()
                    admit(descriptor, from: peer, on: loop, writer: writer)
                    // Else a flood of connections would keep those that are open from being served.
                    await Task.yield()
                } catch .interrupted, .closed {
                    continue
                } catch {
                    // Out of descriptors or memory: what is open has to close first.
                    guard error.isScarcity, let peer = listener.refuseWaiting() else {
                        await loop.sleep(until: .now.advanced(by: .milliseconds(100)))
                        continue
                    }
                    configuration.connectionRefused(.descriptors, peer)
                    await Task.yield()
                }
            }
            // Those that the kernel has already accepted for us are served as well.
            acceptRest(of: listener, on: loop, writer: writer)
        }
        presence.withLock { $0.listeners -= 1 }
        resumeWaiterIfEmpty()
    }

    private func acceptRest(of listener: borrowing Listener, on loop: EventLoop, writer: MessageWriter) {
        while true {
            do throws(SocketError) {
                guard let (descriptor, peer) = try listener.acceptWaiting() else { return }
                admit(descriptor, from: peer, on: loop, writer: writer)
            } catch .closed {
                // That client is gone; there may be more behind it.
            } catch { return }
        }
    }

    private func admit(_ descriptor: Int32, from peer: SocketAddress, on loop: EventLoop, writer: MessageWriter) {
        let network = peer.network
        do throws(ConnectionRefusal) {
            try presence.withLock { presence throws(ConnectionRefusal) in try presence.clients.enter(from: network) }
        } catch {
            _ = Socket(adopting: descriptor)
            return configuration.connectionRefused(error, peer)
        }
        Task(executorPreference: loop) {
            try? await self.serve(descriptor, from: peer, on: loop, writer: writer)
            self.leave(from: network)
        }
    }

    private func serve(
        _ descriptor: Int32, from peer: SocketAddress, on loop: EventLoop, writer: MessageWriter
    ) async throws(SocketError) {
        var stream = try ByteStream(Socket(adopting: descriptor), on: loop)
        if let tls = configuration.tls {
            do throws(SocketError) {
                try await acceptTLS(tls.value, on: &stream)
            } catch {
                configuration.handshakeEnded(TLSHandshakeOutcome(error), peer, error)
                throw error
            }
            configuration.handshakeEnded(stream.isResumed ? .resumed : .full, peer, nil)
        }
        var connection = ServerConnection(stream, from: peer, of: self, on: loop, writer: writer)
        await connection.serve()
    }

    /// A client that takes its time for the handshake does not hold up a drain.
    private func acceptTLS(_ context: TLSContext, on stream: inout ByteStream) async throws(SocketError) {
        let deadline = ContinuousClock.now.advanced(by: configuration.handshakeTimeout)
        while true {
            let isDraining = isDraining
            let limit = isDraining ? min(deadline, .now.advanced(by: configuration.drainGrace)) : deadline
            do throws(SocketError) {
                return try await stream.acceptTLS(context, by: limit, isInterruptible: !isDraining)
            } catch .interrupted {
                continue
            }
        }
    }

    private func leave(from network: UInt64) {
        let mustGiveBack = presence.withLock { presence in
            guard presence.clients.leave(from: network), !presence.willGiveBack else { return false }
            presence.willGiveBack = true
            return true
        }
        if mustGiveBack { giveBackMemory() }
        if isDrainingFlag.load(ordering: .acquiring) { resumeWaiterIfEmpty() }
    }

    /// Gives back what a flood has taken, after a while so that one flood after another does it once. Not on an event loop,
    /// whose connections would wait for it.
    private func giveBackMemory() {
        Task.detached {
            await self.group.any.sleep(until: .now.advanced(by: .seconds(5)))
            self.presence.withLock { $0.willGiveBack = false }
            Heap.giveBack()
        }
    }

    private func resumeWaiterIfEmpty() {
        presence.withLock { $0.waiterIfEmpty() }?.resume()
    }
}
