package import Sockets
import Synchronization

/// Answers a request. It does not throw: whoever knows what an error means has already made an answer of it.
package typealias Handler = @Sendable (Request) async -> Response

/// Listens at one address, and serves its connections spread over the event loops.
package final class HTTPServer: Sendable {
    /// What a client may take of us and for how long, whether TLS is spoken, and how a refusal looks.
    package struct Configuration: Sendable {
        package var limits = Limits()
        /// Serves over TLS with this certificate; nil for clear text.
        package var tls: TLSContext?
        /// From accepting a connection to the end of the TLS handshake.
        package var handshakeTimeout: Duration = .seconds(10)
        /// From a connection's first byte, or the first of a further request, to the end of that head.
        package var headTimeout: Duration = .seconds(10)
        /// From the end of a head to the end of its body.
        package var bodyTimeout: Duration = .seconds(30)
        /// How long a connection may stay without a request.
        package var idleTimeout: Duration = .seconds(75)
        /// How long a client may take to receive what we have to send it.
        package var writeTimeout: Duration = .seconds(30)
        /// How long a connection stays half-closed, so that the client can read the last answer.
        package var lingerTimeout: Duration = .seconds(1)
        /// While draining, how long an idle connection stays open for a request that is already on its way.
        package var drainGrace: Duration = .seconds(1)
        /// Connections beyond that are closed as they come.
        package var maximumConnections = 20_000
        /// Makes the answer that refuses what never became a request; the sentence says why. The connection closes after it.
        package var refusal: @Sendable (Status, String) -> Response = { status, reason in
            Response(status, type: "text/plain; charset=utf-8", body: Array("\(reason)\n".utf8))
        }

        package init() {}
    }

    /// Where it listens: the port that the kernel chose, if the one asked for was 0.
    package let address: SocketAddress
    let configuration: Configuration
    let handler: Handler
    private let group: EventLoopGroup
    private let isDrainingFlag = Atomic<Bool>(false)
    private let occupancy = Mutex(Occupancy())

    /// Who is here, which a drain waits to be nobody.
    private struct Occupancy {
        var connections = 0
        var listeners = 0
        /// Who waits for the last to leave.
        var waiter: CheckedContinuation<Void, Never>?

        /// The waiter to resume, now that somebody left.
        mutating func waiterIfEmpty() -> CheckedContinuation<Void, Never>? {
            guard connections == 0, listeners == 0 else { return nil }
            defer { waiter = nil }
            return waiter
        }
    }

    /// Binds, and begins to serve.
    ///
    /// - Throws: What `bind` or `listen` says; nothing is left behind then.
    package init(
        at address: SocketAddress, on group: EventLoopGroup, configuration: Configuration = Configuration(),
        handler: @escaping Handler
    ) throws(SocketError) {
        self.group = group
        self.configuration = configuration
        self.handler = handler
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
        occupancy.withLock { $0.listeners = descriptors.count }
        for (loop, descriptor) in zip(group.loops, descriptors) {
            Task(executorPreference: loop) { await self.accept(on: descriptor, loop: loop) }
        }
    }

    var isDraining: Bool { isDrainingFlag.load(ordering: .relaxed) }

    /// How many connections are open now.
    package var connectionCount: Int { occupancy.withLock { $0.connections } }

    /// Stops accepting, lets every request that has begun end, and returns when all connections are closed or `limit` has
    /// passed. Call it once.
    package func drain(within limit: Duration) async {
        let deadline = ContinuousClock.now.advanced(by: limit)
        await withCheckedContinuation { continuation in
            occupancy.withLock { $0.waiter = continuation }
            // Whoever sees the flag also sees the waiter, and whoever left before is seen below.
            isDrainingFlag.store(true, ordering: .releasing)
            for loop in group.loops { loop.interrupt() }
            resumeWaiterIfEmpty()
            Task(executorPreference: group.any) {
                await self.group.any.sleep(until: deadline)
                self.occupancy.withLock { occupancy in
                    defer { occupancy.waiter = nil }
                    return occupancy.waiter
                }?.resume()
            }
        }
    }

    // MARK: Accepting

    private func accept(on descriptor: Int32, loop: EventLoop) async {
        let writer = MessageWriter()
        if let listener = try? Listener(Socket(adopting: descriptor), on: loop) {
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
                    await loop.sleep(until: .now.advanced(by: .milliseconds(100)))
                }
            }
            // Those that the kernel has already accepted for us are served as well.
            while let (descriptor, peer) = try? listener.acceptWaiting() {
                admit(descriptor, from: peer, on: loop, writer: writer)
            }
        }
        leave { $0.listeners -= 1 }
    }

    private func admit(_ descriptor: Int32, from peer: SocketAddress, on loop: EventLoop, writer: MessageWriter) {
        let isAdmitted = occupancy.withLock { occupancy in
            guard occupancy.connections < configuration.maximumConnections else { return false }
            occupancy.connections += 1
            return true
        }
        guard isAdmitted else {
            _ = Socket(adopting: descriptor)
            return
        }
        Task(executorPreference: loop) {
            try? await self.serve(descriptor, from: peer, on: loop, writer: writer)
            self.leave { $0.connections -= 1 }
        }
    }

    private func serve(
        _ descriptor: Int32, from peer: SocketAddress, on loop: EventLoop, writer: MessageWriter
    ) async throws(SocketError) {
        var stream = try ByteStream(Socket(adopting: descriptor), on: loop)
        if let tls = configuration.tls {
            try await stream.acceptTLS(tls, by: .now.advanced(by: configuration.handshakeTimeout))
        }
        var connection = ServerConnection(stream, from: peer, of: self, writer: writer)
        await connection.serve()
    }

    private func leave(_ change: (inout Occupancy) -> Void) {
        occupancy.withLock { change(&$0) }
        if isDrainingFlag.load(ordering: .acquiring) { resumeWaiterIfEmpty() }
    }

    private func resumeWaiterIfEmpty() {
        occupancy.withLock { $0.waiterIfEmpty() }?.resume()
    }
}
