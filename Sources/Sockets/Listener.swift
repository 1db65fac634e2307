/// A listening socket on its loop. Loop only.
package struct Listener: ~Copyable {
    private let socket: Socket
    private let loop: EventLoop
    private let registration: EventLoop.Registration

    /// Takes over a listening socket. Call on `loop`'s thread.
    package init(_ socket: consuming Socket, on loop: EventLoop) throws(SocketError) {
        registration = try loop.register(socket.descriptor)
        self.socket = socket
        self.loop = loop
    }

    deinit { loop.forget(registration) }

    /// Accepts what is waiting now; nil when nothing is.
    package func acceptWaiting() throws(SocketError) -> (descriptor: Int32, peer: SocketAddress)? {
        try socket.accept()
    }

    /// Waits for a connection.
    ///
    /// - Throws: ``SocketError/interrupted`` after ``EventLoop/interrupt()``; what `accept4` says otherwise.
    package func accept() async throws(SocketError) -> (descriptor: Int32, peer: SocketAddress) {
        while true {
            if let accepted = try socket.accept() { return accepted }
            let later = ContinuousClock.now.advanced(by: .seconds(3600))
            if await loop.wait(registration, for: .read, by: later, isInterruptible: true) == .interrupted {
                throw .interrupted
            }
        }
    }
}
