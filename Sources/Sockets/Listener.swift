import CLinux
import Glibc

/// A listening socket on its loop. Loop only.
package struct Listener: ~Copyable {
    private let socket: Socket
    private let loop: EventLoop
    private let registration: EventLoop.Registration
    /// A descriptor that is given up when there are no others; -1 while it is gone.
    private var spare = eventfd(0, Int32(EFD_CLOEXEC))

    /// Takes over a listening socket. Call on `loop`'s thread.
    package init(_ socket: consuming Socket, on loop: EventLoop) throws(SocketError) {
        registration = try loop.register(socket.descriptor)
        self.socket = socket
        self.loop = loop
    }

    deinit {
        loop.forget(registration)
        if spare >= 0 { close(spare) }
    }

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

    /// Turns one client away where ``accept()`` has failed for want of descriptors, which would leave it hanging: the
    /// spare descriptor is accepted with, and taken back.
    ///
    /// - Returns: Who that was; nil when nobody was waiting, or there was no spare.
    package mutating func refuseWaiting() -> SocketAddress? {
        if spare >= 0 { close(spare) }
        defer { spare = eventfd(0, Int32(EFD_CLOEXEC)) }
        guard let (descriptor, peer) = try? socket.accept() else { return nil }
        _ = Socket(adopting: descriptor)
        return peer
    }
}
